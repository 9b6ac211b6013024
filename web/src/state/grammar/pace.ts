/**
 * When to look at a text that is being written: soon after a sentence ends, else after a pause, in steady typing now and
 * then; what is far from the caret waits until nobody types. And which sentence is unfinished.
 */
import type { Sentence } from '../../engine/client.ts'

/** After a sign that ends a sentence, and after any other. */
const ENDED_MS = 40
const PAUSE_MS = 300
/** In steady typing, by how long the text is. */
const LATEST_MS = 500
const LATEST_LONG_MS = 1500
const LONG_CHARACTERS = 60_000
/** Without a key for so long nobody types. */
const QUIET_MS = 700
/** A sentence that has its end is looked at, too, when nobody has typed in it for so long. */
const RESTED_MS = 2500
const ENDS = /[.!?…。！？]["'”’)\]*_~]*\s*$/u

export class Pace {
  readonly #look: () => void
  readonly #isBusy: () => boolean
  #timer: ReturnType<typeof setTimeout> | undefined
  #rest: ReturnType<typeof setTimeout> | undefined
  #dueAt = Number.POSITIVE_INFINITY
  #firstChangeAt: number | null = null
  #lastKeyAt = Number.NEGATIVE_INFINITY
  /** Where the user typed last and still is. */
  #typedAt: number | null = null
  #isRested = false

  constructor(look: () => void, isBusy: () => boolean) {
    this.#look = look
    this.#isBusy = isBusy
  }

  /** @param before the last few characters before the caret */
  changed(caret: number | null, { before, length }: { before: string; length: number }): void {
    const now = performance.now()
    this.#typedAt = caret
    this.#isRested = false
    if (caret !== null) this.#lastKeyAt = now
    this.#firstChangeAt ??= now
    const latest = length > LONG_CHARACTERS ? LATEST_LONG_MS : LATEST_MS
    const delay = caret === null || ENDS.test(before) ? ENDED_MS : PAUSE_MS
    this.#at(Math.min(now + delay, this.#firstChangeAt + latest))
    clearTimeout(this.#rest)
    this.#rest = setTimeout(() => {
      this.#isRested = true
      this.soon()
    }, RESTED_MS)
  }

  /** The caret has left the place where it typed: what it left is finished. */
  moved(caret: number | null): void {
    if (this.#typedAt === null || caret === this.#typedAt) return
    this.#typedAt = null
    this.soon()
  }

  soon(): void {
    this.#at(Math.min(this.#dueAt, performance.now() + ENDED_MS))
  }

  looked(): void {
    this.#firstChangeAt = null
  }

  stop(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#rest)
    this.#dueAt = Number.POSITIVE_INFINITY
  }

  isOpen(text: string, { start, end, complete }: Sentence): boolean {
    const caret = this.#typedAt
    if (caret === null || caret < start) return false
    if (caret > end) return !complete && !/[^ \t\u00a0]/.test(text.slice(end, caret))
    if (ENDS.test(text.slice(start, caret))) return false
    return !(complete && this.#isRested)
  }

  /** Whether the user stopped within these words, or at their last letter, and is still there. */
  isUnfinished(text: string, { from, to }: { from: number; to: number }): boolean {
    const caret = this.#typedAt
    if (caret === null || caret > to || (from < to ? caret <= from : caret < from)) return false
    return /[\p{L}\p{M}\p{N}]$/u.test(text.slice(Math.max(0, caret - 2), caret))
  }

  /** Resolves when nobody types and nothing more urgent goes on, or when the signal aborts. */
  async quiet(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const left = this.#lastKeyAt + QUIET_MS - performance.now()
      if (left <= 0 && !this.#isBusy()) return
      await new Promise(resolve => setTimeout(resolve, Math.max(left, 50)))
    }
  }

  #at(due: number): void {
    clearTimeout(this.#timer)
    this.#dueAt = due
    this.#timer = setTimeout(
      () => {
        this.#dueAt = Number.POSITIVE_INFINITY
        this.#look()
      },
      Math.max(0, due - performance.now()),
    )
  }
}
