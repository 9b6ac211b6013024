/**
 * The speed task: how fast the loaded model reads and writes here, measured through the public engine on texts that
 * nothing has cached. Speeds are tokens per second, times milliseconds.
 */
import type { Engine } from '../engine/api.ts'

export interface SpeedRow {
  promptTokens: number
  prefillTokensPerSecond: number
  /** Null where the model ended its answer at once: nothing to measure. */
  decodeTokensPerSecond: number | null
  timeToFirstTokenMs: number
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
  /** ISO 8601. */
  measuredAt: string
}

/** About so many tokens: what short English words come to in the models' vocabularies. */
const PROMPT_WORDS = [32, 256, 1024] as const
const ANSWER_TOKENS = 32
/** Fewer say nothing about speed. */
const ENOUGH_TOKENS = 8
const WORDS = 'the river runs past a small town where people meet and talk about work food and the weather'.split(' ')

/**
 * Runs the prompts that fit into the model's context, one after the other.
 * @throws DOMException 'AbortError' when `signal` aborts; EngineError as the engine's own runs
 */
export async function measureSpeed(
  engine: Engine,
  { signal, onStep }: { signal: AbortSignal; onStep: (done: number, of: number) => void },
): Promise<SpeedReport> {
  const { info } = engine
  const lengths = PROMPT_WORDS.filter(words => 2 * words + ANSWER_TOKENS <= info.contextLength)
  const steps = lengths.length + 2
  let done = 0
  const run = async (prompt: string, maxTokens: number) => {
    onStep(done++, steps)
    await engine.completions.create({ prompt, max_tokens: maxTokens, temperature: 0, signal })
    const stats = engine.stats()
    if (!stats) throw new Error('The engine has no figures of the run that just ended.')
    return stats
  }
  await run(textOf(WORDS.length), 2) // the first run of a shape is slower than those that follow
  const rows: SpeedRow[] = []
  let last = ''
  for (const words of lengths) {
    last = textOf(words)
    const stats = await run(last, ANSWER_TOKENS)
    rows.push({
      promptTokens: stats.promptTokens,
      prefillTokensPerSecond: ((stats.promptTokens - stats.cachedTokens) / stats.prefillMs) * 1000,
      decodeTokensPerSecond: stats.outputTokens >= ENOUGH_TOKENS ? stats.tokensPerSecond : null,
      timeToFirstTokenMs: stats.timeToFirstTokenMs,
    })
  }
  const next = await run(`${last} and so`, 2)
  onStep(steps, steps)
  const { variant, device, backend, adapter, threads, bundle } = info
  return {
    ...{ model: bundle.name, variant, device, backend, adapter, threads, rows },
    cachedFirstTokenMs: next.cachedTokens > 0 ? next.timeToFirstTokenMs : null,
    measuredAt: new Date().toISOString(),
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
  const rows = report.rows.map(row =>
    [
      row.promptTokens,
      row.prefillTokensPerSecond.toFixed(1),
      row.decodeTokensPerSecond?.toFixed(1) ?? '–',
      row.timeToFirstTokenMs.toFixed(0),
    ].join(' | '),
  )
  const head = ['prompt tokens | reading tok/s | writing tok/s | first token ms', '---: | ---: | ---: | ---:']
  const cached = report.cachedFirstTokenMs
  const footer = cached === null ? [] : ['', `First token where the prompt is cached: ${cached.toFixed(0)} ms`]
  const title = `${model} ${variant}, ${backend}, ${where}, ${report.measuredAt.slice(0, 10)}`
  return [title, '', ...[...head, ...rows].map(row => `| ${row} |`), ...footer].join('\n')
}
