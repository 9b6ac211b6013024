/**
 * Token sequences whose keys and values were taken out of the cache for another's sake: a chat while a completion or a
 * correction has the model. A few, within an amount of memory; the one used longest ago goes first.
 */
import type { Backend, Parked, Parking } from './backend.ts'

interface Entry {
  tokens: Int32Array
  kept: Parked
}

/** Beside the one in the cache. */
const MOST = 3
/** What may lie there on a device of ordinary memory; nothing on one that has little. */
const MOST_BYTES = 256 * 2 ** 20
const LITTLE_GIGABYTES = 2

export class ParkedSequences {
  readonly #parking: Parking | null
  readonly #mostBytes: number
  /** Used longest ago first. */
  #entries: Entry[] = []

  constructor(backend: Backend, mostBytes = ordinaryBytes()) {
    this.#parking = backend.parking ?? null
    this.#mostBytes = mostBytes
  }

  get bytes(): number {
    return this.#entries.reduce((sum, { kept }) => sum + kept.bytes, 0)
  }

  get size(): number {
    return this.#entries.length
  }

  /** Copies what the cache holds, which are `tokens`. Where there is no room for that, nothing happens. */
  async park(tokens: Int32Array): Promise<void> {
    if (!this.#parking) return
    const bytes = tokens.length * this.#parking.bytesPerPosition
    if (bytes > this.#mostBytes) return
    // What is the beginning of these tokens is in them.
    this.#drop(this.#entries.filter(entry => commonLength(entry.tokens, tokens) === entry.tokens.length))
    while (this.#entries.length >= MOST || this.bytes + bytes > this.#mostBytes) this.#drop(this.#entries.slice(0, 1))
    const kept = await this.#parking.park()
    if (kept) this.#entries.push({ tokens: tokens.slice(), kept })
  }

  /**
   * How many tokens at the start of `wanted`, at most `most`, are parked in one piece; that piece counts as used now, so
   * that it is not the next to go.
   */
  find(wanted: ArrayLike<number>, most: number): number {
    let best = 0
    for (const entry of [...this.#entries]) {
      const same = Math.min(most, commonLength(entry.tokens, wanted))
      if (same === 0 || same < best) continue
      best = same
      this.#entries = [...this.#entries.filter(other => other !== entry), entry]
    }
    return best
  }

  /** Puts the sequence with the longest common beginning back into the cache: how many tokens of it; 0 where that failed. */
  async restore(wanted: ArrayLike<number>, most: number): Promise<number> {
    const length = this.find(wanted, most)
    const entry = this.#entries.findLast(({ tokens }) => Math.min(most, commonLength(tokens, wanted)) === length)
    if (!entry || length === 0) return 0
    try {
      await entry.kept.restore(length)
    } catch {
      this.clear() // no memory to put it into: what is parked takes some
      return 0
    }
    if (entry.tokens.length - length < length) this.#drop([entry]) // it lives on in the cache
    return length
  }

  /** Gives all of their memory back. */
  clear(): void {
    this.#drop(this.#entries)
  }

  #drop(entries: readonly Entry[]): void {
    for (const { kept } of entries) kept.release()
    this.#entries = this.#entries.filter(entry => !entries.includes(entry))
  }
}

export function commonLength(one: ArrayLike<number>, other: ArrayLike<number>): number {
  const most = Math.min(one.length, other.length)
  let length = 0
  while (length < most && one[length] === other[length]) length++
  return length
}

/** Browsers that tell tell in powers of two, up to 8 GB or more. */
function ordinaryBytes(): number {
  const { deviceMemory } = (globalThis.navigator ?? {}) as { deviceMemory?: number } // Chromium's alone
  return deviceMemory !== undefined && deviceMemory <= LITTLE_GIGABYTES ? 0 : MOST_BYTES
}
