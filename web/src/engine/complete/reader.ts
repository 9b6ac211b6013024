/**
 * Distributions after token sequences, over a context that others use as well. What is known already, as keys and values
 * or as a distribution, is not computed again; between runs others may have the model first, and a cancel is heeded.
 */
import type { Context } from '../context.ts'
import { nextTask } from '../generate.ts'
import { aborted } from '../link.ts'
import { Distribution } from './distribution.ts'
import type { TokenTable } from './tokens.ts'

/** Shorter than a backend's own chunks: a key typed meanwhile does not wait for them. */
const CHUNK_TOKENS = 64
/** Distributions kept; one is 4 bytes per token of the vocabulary. */
const MOST_KEPT = 16

export interface Turn {
  signal: AbortSignal
  giveWay: () => Promise<boolean>
}

/** A job's turns at the model, and what it had computed so far. */
export interface Work extends Turn {
  runs: number
  computedTokens: number
}

export class Reader {
  readonly #context: Context
  readonly #table: TokenTable
  #path: readonly number[] = []
  /** By the number of tokens of the path that it follows. */
  readonly #known = new Map<number, Distribution>()
  constructor(context: Context, table: TokenTable) {
    this.#context = context
    this.#table = table
  }

  /**
   * What follows the first `from` tokens, the first `from + 1`, … and all of them.
   * @throws an AbortError where the job is cancelled
   */
  async after(tokens: readonly number[], from: number, work: Work): Promise<Distribution[]> {
    for (;;) {
      this.#follow(tokens)
      let first = from
      while (first <= tokens.length && this.#touch(first)) first++
      if (first > tokens.length) break
      await this.#compute(tokens, first, work) // others may have been here meanwhile: look again
    }
    return Array.from({ length: tokens.length - from + 1 }, (_, index) => this.#get(from + index))
  }

  /** What is needed now is not among the oldest. */
  #touch(length: number): boolean {
    const found = this.#known.get(length)
    if (!found) return false
    this.#known.delete(length)
    this.#known.set(length, found)
    return true
  }

  #get(length: number): Distribution {
    const found = this.#known.get(length)
    if (!found) throw new RangeError(`No distribution after ${length} tokens.`)
    return found
  }

  /** Forgets what was known of tokens that are others now. */
  #follow(tokens: readonly number[]): void {
    let same = 0
    while (same < this.#path.length && this.#path[same] === tokens[same]) same++
    for (const length of this.#known.keys()) if (length > same) this.#known.delete(length)
    this.#path = tokens
  }

  async #compute(tokens: readonly number[], first: number, work: Work): Promise<void> {
    const context = this.#context
    const chunk = Math.min(CHUNK_TOKENS, context.backend.chunkTokens)
    for (;;) {
      await this.#pause(work)
      let held = await context.reuse(tokens.slice(0, first))
      if (held < first - 1) {
        const some = tokens.slice(held, Math.min(first - 1, held + chunk))
        await context.prefill(some, false)
        count(work, some.length)
        held += some.length
      }
      if (held === first - 1) break
    }
    const rest = tokens.slice(first - 1)
    const rows = rest.length === 1 ? await context.decode(rest[0] ?? 0, true) : await context.verify(rest, true)
    count(work, rest.length)
    this.#follow(tokens)
    for (const index of rows.keys()) this.#keep(first + index, await context.logits(rows, index))
  }

  #keep(length: number, logits: Float32Array): void {
    this.#known.set(length, new Distribution(logits.slice(), this.#table))
    for (const old of this.#known.keys()) {
      if (this.#known.size <= MOST_KEPT) return
      this.#known.delete(old)
    }
  }

  async #pause({ signal, giveWay }: Turn): Promise<void> {
    await nextTask()
    if (signal.aborted) throw aborted(signal.reason)
    await giveWay()
    if (signal.aborted) throw aborted(signal.reason)
  }
}

function count(work: Work, tokens: number): void {
  work.runs++
  work.computedTokens += tokens
}
