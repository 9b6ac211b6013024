/** When to ask for a suggestion, how much to let the model read, what remains of one as its letters are typed. Pure. */

import type { Clock, SuggesterSettings } from './autocomplete-types.ts'

export const DEFAULT_SETTINGS: SuggesterSettings = {
  enabled: true,
  minConfidence: 0.6,
  maxWords: 3,
  alternatives: 0,
  note: '',
  prefetch: true,
}

export const REAL_CLOCK: Clock = {
  now: () => performance.now(),
  after(ms, wake) {
    const timer = setTimeout(wake, ms)
    return () => clearTimeout(timer)
  },
}

/** What is known of this device before the first answer. */
const FIRST_DEBOUNCE_MS = 20
/**
 * The pause after a key before the model is asked, by how long answers take (Cotabby's rule up to 55 ms): a fast model is
 * asked at every key, a slow one when the hands rest.
 */
const DEBOUNCES_MS: readonly (readonly [upToLatency: number, pause: number])[] = [
  [70, 15],
  [140, 25],
  [350, 55],
  [700, 110],
  [Number.POSITIVE_INFINITY, 220],
]

/** @param latencyMs how long an answer takes, null before the first */
export function debounceMs(latencyMs: number | null): number {
  if (latencyMs === null) return FIRST_DEBOUNCE_MS
  return DEBOUNCES_MS.find(([upTo]) => latencyMs <= upTo)?.[1] ?? FIRST_DEBOUNCE_MS
}

/** How much the last measurement counts in a running mean. */
const NEWEST_SHARE = 0.3

export function runningMean(before: number | null, value: number): number {
  return before === null ? value : before + NEWEST_SHARE * (value - before)
}

/** Lengths that the context may have, UTF-16 code units: far apart, so that it seldom changes. */
const CONTEXT_LENGTHS = [750, 1500, 3000, 6000] as const
const FIRST_CONTEXT_LENGTH = 1500
/** Reading the context anew, as after a jump to another place, takes no longer than this. */
const READING_BUDGET_MS = 1200
const CHARACTERS_PER_TOKEN = 4

/** @param tokensPerSecond how fast the model reads, null before it is known */
export function contextLengthFor(tokensPerSecond: number | null): number {
  if (tokensPerSecond === null) return FIRST_CONTEXT_LENGTH
  const affordable = ((tokensPerSecond * READING_BUDGET_MS) / 1000) * CHARACTERS_PER_TOKEN
  return CONTEXT_LENGTHS.findLast(length => length <= affordable) ?? CONTEXT_LENGTHS[0]
}

/** A text and its place in a document. */
export interface Caret {
  before: string
  after: string
}

export function sameCaret(a: Caret, b: Caret): boolean {
  return a.before === b.before && a.after === b.after
}

/**
 * What is left of a suggestion when the text has gone on to `now`: '' where all of it stands there, null where it is stale.
 * @param asked the caret that the suggestion was made for
 */
export function remainder(asked: Caret, text: string, now: Caret): string | null {
  if (now.after !== asked.after || !now.before.startsWith(asked.before)) return null
  const typed = now.before.slice(asked.before.length)
  return text.startsWith(typed) ? text.slice(typed.length) : null
}

/** Scripts without spaces between words. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/u

/** The next word of a suggestion with the space in front of it and the marks behind it; the space behind stays. */
export function firstWordOf(text: string): string {
  const chunk = /^\s*\S+/u.exec(text)?.[0] ?? text
  if (!UNSPACED.test(chunk)) return chunk
  const segments = [...new Intl.Segmenter(undefined, { granularity: 'word' }).segment(chunk)]
  const end = segments.findIndex(({ isWordLike }) => isWordLike)
  const next = segments[end + 1]
  return end < 0 || !next ? chunk : chunk.slice(0, next.index)
}

/** Keeps as many values as fit, those used last. */
export class RecentlyUsed<V> {
  readonly #most: number
  readonly #values = new Map<string, V>()

  constructor(most: number) {
    this.#most = most
  }

  get(key: string): V | undefined {
    const value = this.#values.get(key)
    if (value === undefined) return undefined
    this.#values.delete(key)
    this.#values.set(key, value)
    return value
  }

  set(key: string, value: V): void {
    this.#values.delete(key)
    this.#values.set(key, value)
    const oldest = this.#values.size > this.#most ? this.#values.keys().next().value : undefined
    if (oldest !== undefined) this.#values.delete(oldest)
  }

  clear(): void {
    this.#values.clear()
  }
}
