/**
 * A backend and the tokens whose keys and values it holds, kept from one answer to the next: whatever two jobs have in
 * common at their beginnings (turns of a chat, a system prompt, the text before a keystroke) is computed once. It trusts
 * only what both it and the backend hold, so a job that failed or was cancelled anywhere leaves nothing wrong behind.
 */
import type { Backend, Candidates } from './backend.ts'
import { EngineError } from './errors.ts'
import { KnownLogs } from './known-logs.ts'
import { commonLength, ParkedSequences } from './parked.ts'
import type { Step } from './sampler.ts'

/** Tokens, in whichever array they are at hand. */
export type Tokens = readonly number[] | Int32Array

/** What a run of the model gave: a step for every token of `verify`, else one. */
export type Rows = readonly Step[]

/** So many tokens are computed again sooner than a cache is copied. */
const WORTH_PARKING = 64

export class Context {
  readonly backend: Backend
  readonly known: KnownLogs
  #tokens = new Int32Array(1024)
  #length = 0

  readonly #parked: ParkedSequences

  /** @param parkedBytes what sequences beside the present one may take; by the device's memory without it */
  constructor(backend: Backend, parkedBytes?: number) {
    this.backend = backend
    this.known = new KnownLogs(backend.vocabularySize)
    this.#parked = new ParkedSequences(backend, parkedBytes)
  }

  /**
   * How many tokens at the start of `wanted` need not be computed again; at least one is, for its logits. Another sequence
   * that shares little with `wanted` is parked first, and one that shares more than the present one is taken back.
   */
  async reuse(wanted: Tokens): Promise<number> {
    if (!this.backend.continuesPrompt) {
      this.truncate(0)
      return 0
    }
    const held = this.#held
    const most = wanted.length - 1
    const same = Math.min(most, this.shares(wanted))
    const lost = held.length - same
    const returns = this.#parked.find(wanted, most) >= same + WORTH_PARKING
    if (lost >= WORTH_PARKING && (returns || lost > same)) await this.#parked.park(held)
    if (returns) {
      const restored = await this.#parked.restore(wanted, most)
      if (restored > 0) {
        this.#length = 0
        this.#push(wanted.slice(0, restored))
        return restored
      }
    }
    this.truncate(Math.min(same, this.backend.length))
    return this.#length
  }

  /** Runs `tokens` behind what is held. @param all whether every logit is needed, not the likeliest alone */
  async prefill(tokens: Tokens, all: boolean): Promise<Rows> {
    const list = Array.from(tokens)
    const from = this.#length
    const step = await this.#withMemory(() => this.#steps(all).prefill(list, from))
    this.#push(list)
    return [step]
  }

  async decode(token: number, all: boolean): Promise<Rows> {
    const step = await this.#withMemory(() => this.#steps(all).decode(token))
    this.#push([token])
    return [step]
  }

  /** A step after each of `tokens`; `truncate` takes wrong guesses back. */
  async verify(tokens: Tokens, all: boolean): Promise<Rows> {
    const list = Array.from(tokens)
    const steps: Rows = await this.#withMemory(() => this.#steps(all).verify(list))
    this.#push(list)
    return steps
  }

  /** All logits of a row that came as candidates. Before the next run only. */
  async logits(rows: Rows, row: number): Promise<Float32Array> {
    const step = rows[row]
    if (step instanceof Float32Array) return step
    const { candidates } = this.backend
    if (!candidates) throw new EngineError('internal', 'The model gave no logits.')
    return candidates.logits(row)
  }

  get length(): number {
    return this.#length
  }

  /** How many tokens at the start of `wanted` the cache holds. */
  shares(wanted: Tokens): number {
    return commonLength(this.#held, wanted)
  }

  get #held(): Int32Array {
    return this.#tokens.subarray(0, Math.min(this.#length, this.backend.length))
  }

  /** What sequences beside the present one take. */
  get parkedBytes(): number {
    return this.#parked.bytes
  }

  /** Gives that memory back: their beginnings are computed again when they return. */
  unpark(): void {
    this.#parked.clear()
  }

  /** After a failure: whatever went wrong, the next job builds on nothing of it. */
  forget(): void {
    this.truncate(0)
    this.known.clear()
  }

  truncate(length: number): void {
    this.#length = Math.min(this.#length, length)
    this.backend.truncate(length)
  }

  /** Runs again where memory was full and parked sequences had some of it. */
  async #withMemory<T>(run: () => Promise<T>): Promise<T> {
    const before = this.backend.length
    try {
      return await run()
    } catch (error) {
      const isFull = error instanceof EngineError && error.code === 'out-of-memory'
      if (!isFull || this.#parked.size === 0 || this.backend.length !== before) throw error
      this.#parked.clear()
      return run()
    }
  }

  #steps(all: boolean): Steps {
    return (all ? null : this.backend.candidates) ?? this.backend
  }

  #push(tokens: Tokens): void {
    const length = this.#length + tokens.length
    if (length > this.#tokens.length) {
      const larger = new Int32Array(Math.max(length, 2 * this.#tokens.length))
      larger.set(this.#tokens)
      this.#tokens = larger
    }
    this.#tokens.set(tokens, this.#length)
    this.#length = length
  }
}

interface Steps {
  prefill(tokens: readonly number[], from: number): Promise<Float32Array | Candidates>
  decode(token: number): Promise<Float32Array | Candidates>
  verify(tokens: readonly number[]): Promise<(Float32Array | Candidates)[]>
}
