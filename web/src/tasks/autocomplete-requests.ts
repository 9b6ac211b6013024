/**
 * The one request that a `Suggester` may have under way: a newer one cancels it and waits for its end. Measures how fast
 * the model answers and reads.
 */
import type { CompleteRequest, CompleteResult, Engine } from '../engine/api.ts'
import { type Caret, contextLengthFor, runningMean, sameCaret } from './autocomplete-policy.ts'
import type { SuggesterSettings } from './autocomplete-types.ts'

export interface Ask {
  caret: Caret
  /** What may be wanted later: nobody waits for it. */
  isPrefetch: boolean
  /** The user wants a suggestion, however unlikely. */
  isExplicit: boolean
}

export interface RequestEvents {
  /** @param isLate the request had been cancelled when the answer came */
  onResult: (ask: Ask, result: CompleteResult, isLate: boolean) => void
  onError: (ask: Ask, error: unknown) => void
  onCancel: () => void
  /** Whether what waited for the request before it is still wanted. */
  isWanted: (ask: Ask) => boolean
}

/** Whoever asks for a suggestion, or for another one, gets a choice; while typing it would cost too much time. */
const ALTERNATIVES_ASKED_FOR = 2
/** Reading so many tokens tells how fast the model reads. */
const LEAST_MEASURED = 64

export class Requests {
  readonly #engine: Pick<Engine, 'complete'>
  readonly #events: RequestEvents
  #running: { ask: Ask; abort: AbortController } | null = null
  #next: { ask: Ask; settings: SuggesterSettings } | null = null
  #latencyMs: number | null = null
  #tokensPerSecond: number | null = null

  constructor(engine: Pick<Engine, 'complete'>, events: RequestEvents) {
    this.#engine = engine
    this.#events = events
  }

  /** How long the model takes for an answer, null before the first. */
  get latencyMs(): number | null {
    return this.#latencyMs
  }

  /** Asks at once, or as soon as the request under way has heeded its cancel. */
  ask(ask: Ask, settings: SuggesterSettings): void {
    if (!this.#running) {
      void this.#run(ask, settings)
      return
    }
    if (ask.isPrefetch && this.#next && !this.#next.ask.isPrefetch) return
    if (!ask.isPrefetch) this.cancel()
    this.#next = { ask, settings }
  }

  /** A guess that turned out to be what is wanted now is waited for. True where there is such a one under way. */
  promote(caret: Caret): boolean {
    const running = this.#running
    if (!running || running.abort.signal.aborted || !sameCaret(running.ask.caret, caret)) return false
    running.ask.isPrefetch = false
    this.#next = null
    return true
  }

  cancel(): void {
    this.#next = null
    if (!this.#running || this.#running.abort.signal.aborted) return
    this.#running.abort.abort()
    this.#events.onCancel()
  }

  async #run(ask: Ask, settings: SuggesterSettings): Promise<void> {
    const abort = new AbortController()
    this.#running = { ask, abort }
    try {
      const result = await this.#engine.complete(this.#request(ask, settings, abort.signal))
      this.#measure(result)
      this.#events.onResult(ask, result, abort.signal.aborted)
    } catch (error) {
      if (!abort.signal.aborted) this.#events.onError(ask, error)
    } finally {
      this.#running = null
      const next = this.#next
      this.#next = null
      if (next && this.#events.isWanted(next.ask)) void this.#run(next.ask, next.settings)
    }
  }

  #request({ caret, isPrefetch, isExplicit }: Ask, settings: SuggesterSettings, signal: AbortSignal): CompleteRequest {
    const { maxWords, minConfidence, alternatives, note } = settings
    return {
      ...{ before: caret.before, after: caret.after, maxWords, note, signal },
      minConfidence: isExplicit ? 0 : minConfidence,
      alternatives: isPrefetch ? 0 : isExplicit ? Math.max(alternatives, ALTERNATIVES_ASKED_FOR) : alternatives,
      contextLength: contextLengthFor(this.#tokensPerSecond),
      priority: isPrefetch ? 'background' : 'interactive',
    }
  }

  #measure({ stats }: CompleteResult): void {
    if (stats.runs > 0) this.#latencyMs = runningMean(this.#latencyMs, stats.totalMs)
    const read = stats.promptTokens - stats.cachedTokens
    if (read < LEAST_MEASURED || stats.prefillMs <= 0) return
    this.#tokensPerSecond = runningMean(this.#tokensPerSecond, (read / stats.prefillMs) * 1000)
  }
}
