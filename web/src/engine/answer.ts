/**
 * One answer as it grows: its tokens, what of its text may be shown, when it ends. Knows no backend. A token is taken
 * whoever made it, this worker or one that died: taken again in order, the same tokens leave the same state.
 */
import type { StopReason } from './api.ts'
import type { Constraint } from './constraint/spec.ts'
import type { Spell, StreamDecoder } from './decoder.ts'
import { LogProbabilities } from './logprobs.ts'
import type { TextEvent } from './protocol.ts'
import { Sampler, type SamplerSettings, type Step } from './sampler.ts'
import { createStopMatcher, type StopMatcher } from './stop.ts'

export interface AnswerSettings {
  prompt: readonly number[]
  /** False where an answer is a text of its own, and the repetition penalty counts only its own tokens. */
  continuesPrompt: boolean
  vocabularySize: number
  sampler: SamplerSettings
  limit: { tokens: number; reason: StopReason }
  endOfTurn: ReadonlySet<number>
  stops: readonly string[]
  decoder: StreamDecoder
  constraint: Constraint | null
  /** How many likeliest tokens to report beside each token, null for none of them and no log probabilities. */
  topLogprobs: number | null
  spell: Spell
}

export class Answer {
  readonly #settings: AnswerSettings
  readonly #sampler: Sampler
  readonly #matcher: StopMatcher
  readonly #logprobs: LogProbabilities | null
  /** Prompt and answer behind one another; the token that ends the turn is not among them. */
  readonly #tokens: Int32Array
  #length: number
  #outputTokens = 0
  #ended: StopReason | null = null
  #event: TextEvent = { kind: 'text', text: '', tokens: [], infos: [] }

  constructor(settings: AnswerSettings) {
    const { prompt, continuesPrompt, vocabularySize, topLogprobs, limit } = settings
    this.#settings = settings
    this.#sampler = new Sampler(settings.sampler, vocabularySize, continuesPrompt ? prompt : [])
    this.#matcher = createStopMatcher(settings.stops)
    this.#logprobs = topLogprobs === null ? null : new LogProbabilities(topLogprobs, settings.spell, vocabularySize)
    this.#tokens = new Int32Array(prompt.length + limit.tokens)
    this.#tokens.set(prompt)
    this.#length = prompt.length
  }

  /** Prompt and answer so far. */
  get tokens(): Int32Array {
    return this.#tokens.subarray(0, this.#length)
  }

  get outputTokens(): number {
    return this.#outputTokens
  }

  get tokensLeft(): number {
    return this.#settings.limit.tokens - this.#outputTokens
  }

  /** Why it has ended, null while it goes on. */
  get ended(): StopReason | null {
    return this.#ended
  }

  get needsLogits(): boolean {
    return this.#sampler.needsLogits
  }

  /**
   * Picks the next token of a step and takes it.
   * @param logits for where candidates do not suffice
   */
  async next(step: Step, logits: () => Promise<Float32Array>): Promise<number> {
    const allowed = this.#settings.constraint?.allowed(this.tokensLeft) ?? null
    let whole: Float32Array | null = null
    let token = this.#sampler.pick(step, allowed)
    if (token === null) {
      whole = await logits()
      token = this.#sampler.pick(whole, allowed) ?? 0 // all logits always tell
    }
    if (this.#logprobs && !this.#settings.endOfTurn.has(token)) {
      const info = this.#logprobs.of(whole ?? step, token) ?? this.#logprobs.of(await logits(), token)
      if (info) this.#event.infos.push(info)
    }
    this.take(token)
    return token
  }

  /** Goes on behind `token`. */
  take(token: number): void {
    this.#outputTokens++
    this.#settings.constraint?.accept(token)
    if (this.#settings.endOfTurn.has(token)) {
      this.#ended = 'end-of-turn'
      return
    }
    this.#sampler.accept(token)
    this.#tokens[this.#length++] = token
    const { text, stopped } = this.#matcher.push(this.#settings.decoder.push(token))
    this.#event.text += text
    this.#event.tokens.push(token)
    if (stopped) this.#ended = 'stop-string'
    else if (this.#settings.constraint?.done) this.#ended = 'end-of-turn'
    else if (this.tokensLeft <= 0) this.#ended = this.#settings.limit.reason
  }

  /** What came since the last time; null where that is nothing. */
  flush(): TextEvent | null {
    const event = this.#event
    if (this.#ended !== null && this.#ended !== 'stop-string') event.text += this.#matcher.flush()
    if (event.text === '' && event.tokens.length === 0) return null
    this.#event = { kind: 'text', text: '', tokens: [], infos: [] }
    return event
  }
}
