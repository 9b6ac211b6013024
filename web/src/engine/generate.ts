/**
 * One answer: prefill the part of the prompt that is not in the KV cache yet, then sample and decode until the model
 * ends its turn, a stop string comes, the limit is reached or somebody cancels. Knows tokens and text, no messages.
 */
import type { Stats, StopReason } from './api.ts'
import type { Backend } from './backend.ts'
import type { StreamDecoder } from './decoder.ts'
import { EngineError } from './errors.ts'
import { createSampler, type SamplerSettings } from './sampler.ts'
import { createStopMatcher } from './stop.ts'

/** A backend and the tokens whose keys and values it holds, kept from one answer to the next. */
export class Context {
  readonly backend: Backend
  #tokens: number[] = []

  constructor(backend: Backend) {
    this.backend = backend
  }

  /** How many tokens at the start of `prompt` need not be computed again; at least one is, for its logits. */
  reuse(prompt: readonly number[]): number {
    if (!this.backend.continuesPrompt) {
      this.#tokens.length = 0
      this.backend.truncate(0)
      return 0
    }
    // A run that failed half-way leaves the backend behind the list: only what both hold is real.
    const most = Math.min(this.#tokens.length, this.backend.length, prompt.length - 1)
    let same = 0
    while (same < most && this.#tokens[same] === prompt[same]) same++
    this.#tokens.length = same
    this.backend.truncate(same)
    return same
  }

  async prefill(tokens: readonly number[]): Promise<Float32Array> {
    const logits = await this.backend.prefill(tokens, this.#tokens.length)
    this.#tokens.push(...tokens)
    return logits
  }

  async decode(token: number): Promise<Float32Array> {
    const logits = await this.backend.decode(token)
    this.#tokens.push(token)
    return logits
  }
}

/** What an answer may consist of, token by token: a JSON schema, a regular expression. Lives as long as one answer. */
export interface Constraint {
  /**
   * Which tokens may come next: bit `id & 31` of word `id >>> 5`, or null where every one may. Tokens that end the turn
   * are among them where the answer may end here. The loop reads it once, before `accept`.
   */
  allowed(): Uint32Array | null
  /** The token that came, also the one that ends the turn. */
  accept(token: number): void
}

export interface Generation {
  prompt: readonly number[]
  sampler: SamplerSettings
  maxTokens: number
  endOfTurn: ReadonlySet<number>
  stops: readonly string[]
  decoder: StreamDecoder
  signal: AbortSignal
}

/** Yields whole characters; returns the figures, also when cancelled. */
export async function* generate(context: Context, request: Generation): AsyncGenerator<string, Stats> {
  const { prompt, signal } = request
  const limit = checkLength(context, request)
  const started = performance.now()
  const cachedTokens = context.reuse(prompt)
  const stats = { promptTokens: prompt.length, cachedTokens, outputTokens: 0, stopReason: 'cancelled' as StopReason }
  const clock = { started, firstToken: started, prefilled: started }
  let logits = await prefillInChunks(context, prompt.slice(cachedTokens), signal)
  clock.prefilled = performance.now()
  const sampler = createSampler(request.sampler)
  const matcher = createStopMatcher(request.stops)
  const seen = new Set(context.backend.continuesPrompt ? prompt : [])
  while (logits && !signal.aborted) {
    const token = sampler.sample(logits, seen)
    if (stats.outputTokens === 0) clock.firstToken = performance.now()
    stats.outputTokens++
    if (request.endOfTurn.has(token)) {
      stats.stopReason = 'end-of-turn'
      break
    }
    seen.add(token)
    const { text, stopped } = matcher.push(request.decoder.push(token))
    if (text) yield text
    if (stopped || stats.outputTokens >= limit.tokens) {
      stats.stopReason = stopped ? 'stop-string' : limit.reason
      break
    }
    await nextTask()
    if (signal.aborted) break
    logits = await context.decode(token)
  }
  const rest = matcher.flush()
  if (rest && stats.stopReason !== 'cancelled') yield rest
  return finish(stats, clock)
}

/** How many tokens may come: what was asked for, or what fits. */
function checkLength({ backend }: Context, { prompt, maxTokens }: Generation): { tokens: number; reason: StopReason } {
  if (prompt.length === 0)
    throw new EngineError('bad-request', 'The prompt is empty: the model needs something to go on.')
  const room = backend.room(prompt.length)
  if (room === 0) {
    const [has, most] = [prompt.length, backend.contextLength].map(count => count.toLocaleString('en'))
    const message = `The prompt has ${has} tokens and the model reads at most ${most}. Shorten it, or start a new chat.`
    throw new EngineError('bad-request', message)
  }
  return maxTokens <= room ? { tokens: maxTokens, reason: 'max-tokens' } : { tokens: room, reason: 'context-full' }
}

/** Logits after the last token; null where the job was cancelled on the way. */
async function prefillInChunks(context: Context, tokens: readonly number[], signal: AbortSignal) {
  const size = context.backend.chunkTokens
  let logits: Float32Array | null = null
  for (let from = 0; from < tokens.length; from += size) {
    await nextTask()
    if (signal.aborted) return null
    logits = await context.prefill(tokens.slice(from, from + size))
  }
  return logits
}

function finish(
  stats: Pick<Stats, 'promptTokens' | 'cachedTokens' | 'outputTokens' | 'stopReason'>,
  clock: { started: number; firstToken: number; prefilled: number },
): Stats {
  const ended = performance.now()
  const decodeMs = stats.outputTokens > 0 ? ended - clock.firstToken : 0
  // The first token comes out of the prefill: what decoding made is all the others.
  const tokensPerSecond = stats.outputTokens > 1 && decodeMs > 0 ? ((stats.outputTokens - 1) / decodeMs) * 1000 : 0
  return {
    ...stats,
    timeToFirstTokenMs: stats.outputTokens > 0 ? clock.firstToken - clock.started : 0,
    prefillMs: clock.prefilled - clock.started,
    decodeMs,
    tokensPerSecond,
    ...{ droppedMessages: 0, draftedTokens: 0, acceptedTokens: 0, recoveries: 0 },
  }
}

const channel = new MessageChannel()
const waiting: (() => void)[] = []
channel.port1.onmessage = () => waiting.shift()?.()

/** Lets the worker read its messages. Awaiting a backend is not enough: on the CPU it never leaves the current task. */
function nextTask(): Promise<void> {
  return new Promise(resolve => {
    waiting.push(resolve)
    channel.port2.postMessage(null)
  })
}
