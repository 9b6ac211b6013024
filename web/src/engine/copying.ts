/**
 * Guesses the next tokens by copying: where the last tokens occurred before, in the prompt, in a draft or in the answer
 * itself, what followed there may follow here ("prompt lookup decoding", Saxena 2023). The model checks all guesses in one
 * run, so wrong ones cost time and change nothing. Pays where answers repeat their input: grammar, rewriting.
 */

/** How many tokens have to agree before what followed them is guessed, the longer first. */
const LONG = 3
const SHORT = 2
/** Guesses per run: at first, and at most; right guesses double it, wrong ones halve it. A draft is trusted from the start. */
const FIRST_GUESSES = 4
const MOST_GUESSES = 16
/** A sentence as the draft of its correction is checked at once. */
const MOST_OF_DRAFT = 31
/** Behind a change in a draft, tokens of it that may have been left out. */
const REACH = 6
/** Without a right guess for so many tokens the draft is another text. */
const MOST_MISSES = 4

export class Copier {
  /** Draft, prompt and answer behind one another. */
  #history: Int32Array
  #length = 0
  /** Last tokens → the place behind their last occurrence. Keys may collide: then a guess is wrong, no more. */
  readonly #after = new Map<number, number>()
  /** Where copying goes on, or -1. */
  #next = -1
  #guesses = FIRST_GUESSES
  readonly #most: number
  readonly #draftLength: number
  /** Tokens in a row that were not as guessed. */
  #misses = 0

  /** @param draft a text much like the answer, from whose beginning the first guesses come; [] where there is none */
  constructor(draft: readonly number[], prompt: readonly number[]) {
    this.#history = new Int32Array(2 * (draft.length + prompt.length) + 256)
    this.#draftLength = draft.length
    this.#most = draft.length > 0 ? MOST_OF_DRAFT : MOST_GUESSES
    if (draft.length > 0) this.#guesses = this.#most
    for (const token of draft) this.#append(token)
    for (const token of prompt) this.#append(token)
    this.#next = draft.length > 0 ? 0 : this.#lookUp()
  }

  /** The tokens that may come next, up to `most` of them. */
  guess(most: number): number[] {
    if (this.#next < 0) return []
    const end = this.#next < this.#draftLength ? this.#draftLength : this.#length
    const count = Math.min(this.#guesses, most, end - this.#next)
    return Array.from(this.#history.subarray(this.#next, this.#next + count))
  }

  /** The token that came. */
  accept(token: number): void {
    const at = this.#next
    const expected = at >= 0 && this.#history[at] === token
    this.#misses = expected ? 0 : this.#misses + 1
    this.#append(token)
    if (expected) this.#next = at + 1
    else {
      const found = this.#lookUp()
      this.#next = found < 0 && at >= 0 ? this.#realigned(at, token) : found
    }
  }

  /**
   * Where a draft goes on behind a token that it does not have at `at`: behind the same token nearby, where some of the draft
   * were left out or one was put in before; else behind the one that it stands for.
   */
  #realigned(at: number, token: number): number {
    if (at >= this.#draftLength || this.#misses > MOST_MISSES) return -1
    const end = Math.min(at + REACH, this.#draftLength)
    for (let place = Math.max(0, at - 1); place < end; place++) if (this.#history[place] === token) return place + 1
    return at + 1
  }

  /** How many of the last guesses came true. */
  learn(guessed: number, right: number): void {
    if (right === guessed) this.#guesses = Math.min(this.#most, 2 * this.#guesses)
    else this.#guesses = Math.max(1, right, this.#guesses >> 1)
  }

  #append(token: number): void {
    if (this.#length === this.#history.length) {
      const larger = new Int32Array(2 * this.#length)
      larger.set(this.#history)
      this.#history = larger
    }
    for (const count of [LONG, SHORT]) {
      if (this.#length >= count) this.#after.set(this.#key(count), this.#length)
    }
    this.#history[this.#length++] = token
  }

  #lookUp(): number {
    for (const count of [LONG, SHORT]) {
      const found = this.#length >= count ? this.#after.get(this.#key(count)) : undefined
      if (found !== undefined) return found
    }
    return -1
  }

  /** Of the last `count` tokens. */
  #key(count: number): number {
    let key = count
    for (let back = count; back > 0; back--) key = key * 200_003 + (this.#history[this.#length - back] ?? 0)
    return key
  }
}
