/**
 * A backend and the tokens whose keys and values it holds, kept from one answer to the next: whatever two jobs have in
 * common at their beginnings (turns of a chat, a system prompt, the text before a keystroke) is computed once. It trusts
 * only what both it and the backend hold, so a job that failed or was cancelled anywhere leaves nothing wrong behind.
 */
import type { Backend, Candidates } from './backend.ts'
import { EngineError } from './errors.ts'
import type { Step } from './sampler.ts'

/** Tokens, in whichever array they are at hand. */
export type Tokens = readonly number[] | Int32Array

/** What a run of the model gave: a step for every token of `verify`, else one. */
export type Rows = readonly Step[]

export class Context {
  readonly backend: Backend
  #tokens = new Int32Array(1024)
  #length = 0

  constructor(backend: Backend) {
    this.backend = backend
  }

  /** How many tokens at the start of `wanted` need not be computed again; at least one is, for its logits. */
  reuse(wanted: Tokens): number {
    if (!this.backend.continuesPrompt) {
      this.truncate(0)
      return 0
    }
    const most = Math.min(this.#length, this.backend.length, wanted.length - 1)
    let same = 0
    while (same < most && this.#tokens[same] === wanted[same]) same++
    this.truncate(same)
    return same
  }

  /** Runs `tokens` behind what is held. @param all whether every logit is needed, not the likeliest alone */
  async prefill(tokens: Tokens, all: boolean): Promise<Rows> {
    const list = Array.from(tokens)
    const from = this.#length
    const step = await this.#steps(all).prefill(list, from)
    this.#push(list)
    return [step]
  }

  async decode(token: number, all: boolean): Promise<Rows> {
    const step = await this.#steps(all).decode(token)
    this.#push([token])
    return [step]
  }

  /** A step after each of `tokens`; `truncate` takes wrong guesses back. */
  async verify(tokens: Tokens, all: boolean): Promise<Rows> {
    const list = Array.from(tokens)
    const steps: Rows = await this.#steps(all).verify(list)
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

  truncate(length: number): void {
    this.#length = Math.min(this.#length, length)
    this.backend.truncate(length)
  }

  #steps(all: boolean): Steps {
    return (all ? null : this.backend.candidates) ?? this.backend
  }

  #push(tokens: readonly number[]): void {
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
