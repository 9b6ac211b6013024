/**
 * The speed task: how fast the loaded model reads and writes here, measured through the public engine on texts that
 * nothing has cached, beside what the device can do at most. Speeds are tokens per second, times milliseconds.
 */
import type { Engine, Roofline, TokenWork } from '../engine/api.ts'

export interface SpeedRow {
  promptTokens: number
  prefillTokensPerSecond: number
  /** Null where the model ended its answer at once: nothing to measure. */
  decodeTokensPerSecond: number | null
  timeToFirstTokenMs: number
  /** Of the multiply-adds that the device can do; null where it is not known what a token takes. */
  prefillShare: number | null
  /** Of the bytes that the device's memory can give. */
  decodeShare: number | null
}

export interface SpeedReport {
  model: string
  variant: string
  device: 'webgpu' | 'cpu'
  backend: string
  adapter: string | null
  threads: number
  rows: SpeedRow[]
  /** First token of a prompt that goes on where the last one ended, as in the next turn of a chat. */
  cachedFirstTokenMs: number | null
  /** What the device can do at most; null where other code than our own CPU kernels computes. */
  roofline: Roofline | null
  /** ISO 8601. */
  measuredAt: string
}

/** About so many tokens: what short English words come to in the models' vocabularies. */
const PROMPT_WORDS = [32, 256, 1024] as const
const ANSWER_TOKENS = 32
/** Fewer say nothing about speed. */
const ENOUGH_TOKENS = 8
const WORDS = 'the river runs past a small town where people meet and talk about work food and the weather'.split(' ')

export interface SpeedOptions {
  signal: AbortSignal
  onStep: (done: number, of: number) => void
  /** What the device can do at most with so many threads (engine/inspect.ts). */
  measureRoofline: (threads: number, signal: AbortSignal) => Promise<Roofline>
}

/**
 * Runs the prompts that fit into the model's context, one after the other.
 * @throws DOMException 'AbortError' when `signal` aborts; EngineError as the engine's own runs
 */
export async function measureSpeed(
  engine: Engine,
  { signal, onStep, measureRoofline }: SpeedOptions,
): Promise<SpeedReport> {
  const { info } = engine
  const lengths = PROMPT_WORDS.filter(words => 2 * words + ANSWER_TOKENS <= info.contextLength)
  const steps = lengths.length + 3
  let done = 0
  const run = async (prompt: string, maxTokens: number) => {
    onStep(done++, steps)
    await engine.completions.create({ prompt, max_tokens: maxTokens, temperature: 0, signal })
    const stats = engine.stats()
    if (!stats) throw new Error('The engine has no figures of the run that just ended.')
    return stats
  }
  await run(textOf(WORDS.length), 2) // the first run of a shape is slower than those that follow
  onStep(done++, steps)
  const roofline = info.work ? await measureRoofline(info.threads, signal) : null
  const rows: SpeedRow[] = []
  let last = ''
  for (const words of lengths) {
    last = textOf(words)
    const { promptTokens, cachedTokens, outputTokens, ...stats } = await run(last, ANSWER_TOKENS)
    const prefillTokensPerSecond = ((promptTokens - cachedTokens) / stats.prefillMs) * 1000
    const decodeTokensPerSecond = outputTokens >= ENOUGH_TOKENS ? stats.tokensPerSecond : null
    const speeds = { prefillTokensPerSecond, decodeTokensPerSecond }
    const shares = sharesOf(speeds, { work: info.work, roofline, position: promptTokens + outputTokens / 2 })
    rows.push({ promptTokens, ...speeds, timeToFirstTokenMs: stats.timeToFirstTokenMs, ...shares })
  }
  const next = await run(`${last} and so`, 2)
  onStep(steps, steps)
  const { variant, device, backend, adapter, threads, bundle } = info
  return {
    ...{ model: bundle.name, variant, device, backend, adapter, threads, rows, roofline },
    cachedFirstTokenMs: next.cachedTokens > 0 ? next.timeToFirstTokenMs : null,
    measuredAt: new Date().toISOString(),
  }
}

interface Limits {
  work: TokenWork | null
  roofline: Roofline | null
  /** Tokens before those that were written. */
  position: number
}

/** The roofline model: writing is bound by the bytes that a token reads, reading by the multiply-adds that it takes. */
export function sharesOf(
  speeds: Pick<SpeedRow, 'prefillTokensPerSecond' | 'decodeTokensPerSecond'>,
  { work, roofline, position }: Limits,
): Pick<SpeedRow, 'prefillShare' | 'decodeShare'> {
  if (!work || !roofline) return { prefillShare: null, decodeShare: null }
  const { prefillTokensPerSecond, decodeTokensPerSecond } = speeds
  const bytes = work.weightBytes + position * work.positionBytes
  return {
    prefillShare: (prefillTokensPerSecond * work.promptProducts) / roofline.productsPerSecond,
    decodeShare: decodeTokensPerSecond === null ? null : (decodeTokensPerSecond * bytes) / roofline.readBytesPerSecond,
  }
}

/** Words in an order of its own, so that no run finds its beginning in the cache. */
function textOf(count: number): string {
  const start = Math.floor(Math.random() * 1e6)
  const step = 1 + (start % (WORDS.length - 1))
  const words = Array.from({ length: count - 1 }, (_, index) => WORDS[(start + index * step) % WORDS.length])
  return [start, ...words].join(' ')
}

/** For pasting into an issue or a chat. */
export function asMarkdown({ model, variant, device, backend, adapter, threads, ...report }: SpeedReport): string {
  const where = device === 'cpu' ? `CPU, ${threads} ${threads === 1 ? 'thread' : 'threads'}` : (adapter ?? 'GPU')
  const { roofline, cachedFirstTokenMs: cached } = report
  const rows = report.rows.map(row =>
    [
      row.promptTokens,
      row.prefillTokensPerSecond.toFixed(1),
      row.decodeTokensPerSecond?.toFixed(1) ?? '–',
      row.timeToFirstTokenMs.toFixed(0),
      ...(roofline ? [percent(row.prefillShare), percent(row.decodeShare)] : []),
    ].join(' | '),
  )
  const names = ['prompt tokens', 'reading tok/s', 'writing tok/s', 'first token ms']
  if (roofline) names.push('reading, of the products’ peak', 'writing, of the memory’s')
  const head = [names.join(' | '), names.map(() => '---:').join(' | ')]
  const notes: string[] = []
  if (cached !== null) notes.push(`First token where the prompt is cached: ${cached.toFixed(0)} ms`)
  if (roofline) {
    const [memory, products] = [roofline.readBytesPerSecond / 1e9, roofline.productsPerSecond / 1e9]
    notes.push(`At most: memory ${memory.toFixed(1)} GB/s, products ${products.toFixed(1)} GMAC/s (${roofline.build})`)
  }
  const title = `${model} ${variant}, ${backend}, ${where}, ${report.measuredAt.slice(0, 10)}`
  return [title, '', ...[...head, ...rows].map(row => `| ${row} |`), ...notes.flatMap(note => ['', note])].join('\n')
}

function percent(share: number | null): string {
  return share === null ? '–' : `${(100 * share).toFixed(0)} %`
}

/** The same for programs; `browser` is what it calls itself. */
export function asJson({ rows, roofline, ...report }: SpeedReport, browser: string): string {
  const data = {
    model: report.model,
    variant: report.variant,
    device: report.device,
    backend: report.backend,
    adapter: report.adapter,
    threads: report.threads,
    browser,
    measured_at: report.measuredAt,
    memory_bytes_per_second: roofline?.readBytesPerSecond ?? null,
    products_per_second: roofline?.productsPerSecond ?? null,
    cached_first_token_ms: report.cachedFirstTokenMs,
    rows: rows.map(row => ({
      prompt_tokens: row.promptTokens,
      prefill_tokens_per_second: row.prefillTokensPerSecond,
      decode_tokens_per_second: row.decodeTokensPerSecond,
      time_to_first_token_ms: row.timeToFirstTokenMs,
      prefill_share: row.prefillShare,
      decode_share: row.decodeShare,
    })),
  }
  return JSON.stringify(data, null, 2)
}
