/**
 * How many threads compute. All of them, unless other programs keep the cores busy: what a helper has begun when the system
 * puts it aside is waited for, and then fewer threads may be faster. Whether they are is tried
 * where such waits take a good part of the time, more and more seldom where it did not pay.
 */

/** Runs are weighed together until they have taken so long: less says little where the system shares out 3 to 4 ms at a time. */
const WINDOW_MS = 60
/** The part of the time that has to be lost by waiting: a system always does something else now and then. */
const LEAST_STALLED = 0.04
/** Fewer threads have to be faster by so much; more of them may be slower by so much. */
const LEAST_GAIN = 1.05
const MOST_LOSS = 0.98
/** Windows before a trial: the first, the next one behind one that paid, and at most. */
const PATIENCE = { first: 1, paid: 4, most: 32 }

export interface Ran {
  /** Equal ones, as the tokens of a prompt. */
  tokens: number
  ms: number
  /** How long one thread waited for others that were put aside. */
  stalledMs: number
}

export class ThreadChoice {
  readonly #most: number
  #threads: number
  #lately: Ran = { tokens: 0, ms: 0, stalledMs: 0 }
  /** What was before the trial that is on. */
  #before: { threads: number; tokensPerMs: number } | null = null
  #patience: number = PATIENCE.first
  /** Windows since the last trial. */
  #waited = 0
  /** The last trial was of fewer threads, and did not pay. */
  #fewerFailed = false

  /** @param most threads that there are */
  constructor(most: number) {
    this.#most = most
    this.#threads = most
  }

  /** For the next run. */
  get threads(): number {
    return this.#threads
  }

  /** A run with as many threads as were said. */
  ran({ tokens, ms, stalledMs }: Ran): void {
    if (this.#most === 1) return
    this.#lately.tokens += tokens
    this.#lately.ms += ms
    this.#lately.stalledMs += stalledMs
    if (this.#lately.ms < WINDOW_MS) return
    const tokensPerMs = this.#lately.tokens / this.#lately.ms
    if (this.#before) this.#weigh(tokensPerMs)
    else this.#consider(tokensPerMs, this.#lately.stalledMs / this.#lately.ms)
    this.#lately = { tokens: 0, ms: 0, stalledMs: 0 }
  }

  /** Ends a trial. */
  #weigh(tokensPerMs: number): void {
    const before = this.#before
    if (!before) return
    const fewer = this.#threads < before.threads
    const paid = tokensPerMs >= before.tokensPerMs * (fewer ? LEAST_GAIN : MOST_LOSS)
    this.#before = null
    this.#waited = 0
    this.#fewerFailed = fewer && !paid
    this.#patience = paid ? PATIENCE.paid : Math.min(2 * this.#patience, PATIENCE.most)
    if (!paid) this.#threads = before.threads
  }

  /** Begins a trial, where there is a reason. */
  #consider(tokensPerMs: number, stalled: number): void {
    this.#waited++
    if (this.#waited < this.#patience) return
    const canGrow = this.#threads < this.#most
    const fewer = this.#threads > 1 && stalled >= LEAST_STALLED && !(canGrow && this.#fewerFailed)
    if (!fewer && !canGrow) return
    this.#before = { threads: this.#threads, tokensPerMs }
    this.#threads = fewer ? Math.ceil(this.#threads / 2) : Math.min(this.#most, 2 * this.#threads)
  }
}
