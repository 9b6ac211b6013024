/**
 * What a writer often says, learnt from suggestions that were accepted: which word follows which words. Pure data, kept by
 * whoever owns it; nothing is learnt unless `learn` is called.
 */

export interface Phrase {
  /** As it was accepted last. */
  text: string
  count: number
}

/** What `toJSON` gives: by the words in front (lower case, joined by spaces), the words that followed and how often. */
export interface StoredPhrases {
  format: 1
  following: Record<string, Record<string, number>>
}

/** Words in front that are looked at, at most. */
const MOST_CONTEXT = 3
/** A word is suggested where it followed so often, and this share of the times. */
const LEAST_COUNT = 2
const LEAST_SHARE = 0.6
/** Contexts kept; those learnt longest ago go. */
const MOST_CONTEXTS = 5000

export class PhraseMemory {
  /** Words as they were written, by the lower-case words in front of them. */
  readonly #following = new Map<string, Map<string, number>>()

  /** @param before the text in front of what was accepted: its last words are a part of the phrase */
  learn(before: string, accepted: string): void {
    const typed = /^[\p{L}\p{N}'’]/u.test(accepted) ? (PARTIAL.exec(before)?.[0] ?? '') : ''
    const context = sentenceWords(before.slice(0, before.length - typed.length)).slice(-MOST_CONTEXT)
    const words = [...context, ...sentenceWords(typed + accepted)]
    for (let at = Math.max(1, context.length); at < words.length; at++) {
      for (let length = 1; length <= Math.min(MOST_CONTEXT, at); length++) {
        this.#count(words.slice(at - length, at), words[at] ?? '')
      }
    }
  }

  /**
   * How the text probably goes on, from what was accepted after the same words; null where that says nothing.
   * @returns the text to put in at the end of `before`, and the least share of its words
   */
  suggest(before: string, maxWords: number): { text: string; confidence: number } | null {
    const typed = PARTIAL.exec(before)?.[0] ?? ''
    const words = sentenceWords(before.slice(0, before.length - typed.length))
    if (typed === '' && !/\s$/u.test(before)) return null
    const said: string[] = []
    let confidence = 1
    while (said.length < maxWords) {
      const next = this.#next([...words, ...said], said.length === 0 ? typed : '')
      if (!next) break
      said.push(next.word)
      confidence = Math.min(confidence, next.share)
    }
    const [first, ...others] = said
    if (first === undefined) return null
    const text = [first.slice(typed.length), ...others].join(' ')
    return text === '' ? null : { text, confidence }
  }

  /** Every phrase of at least two words that would be suggested, most frequent first; its end alone only if that is more. */
  list(): Phrase[] {
    const phrases: Phrase[] = []
    for (const [context, following] of this.#following) {
      for (const [word, count] of following) {
        if (count >= LEAST_COUNT) phrases.push({ text: `${context} ${word}`, count })
      }
    }
    const ends = new Set(phrases.map(({ text, count }) => `${count} ${withoutFirst(text)}`))
    const whole = phrases.filter(({ text, count }) => !ends.has(`${count} ${text}`))
    return whole.sort((a, b) => b.count - a.count || (a.text < b.text ? -1 : 1))
  }

  /** Forgets a phrase as `list` gives it, and its ends that it does not. */
  forget(text: string): void {
    const count = this.#countOf(text)
    for (let end = text; count !== undefined && this.#countOf(end) === count; end = withoutFirst(end)) {
      const [context, word] = split(end)
      const following = this.#following.get(context)
      following?.delete(word)
      if (following?.size === 0) this.#following.delete(context)
    }
  }

  clear(): void {
    this.#following.clear()
  }

  toJSON(): StoredPhrases {
    const entries = Array.from(this.#following, ([context, words]) => [context, Object.fromEntries(words)] as const)
    return { format: 1, following: Object.fromEntries(entries) }
  }

  /** What `toJSON` gave; whatever in it is not understood is left out. */
  static from(stored: unknown): PhraseMemory {
    const memory = new PhraseMemory()
    if (typeof stored !== 'object' || stored === null || !('following' in stored)) return memory
    const { following } = stored
    if (typeof following !== 'object' || following === null) return memory
    for (const [context, words] of Object.entries(following)) {
      if (typeof words !== 'object' || words === null) continue
      const counts = Object.entries(words).filter(
        (entry): entry is [string, number] => typeof entry[1] === 'number' && entry[1] > 0,
      )
      if (counts.length > 0) memory.#following.set(context, new Map(counts))
    }
    return memory
  }

  #countOf(text: string): number | undefined {
    const [context, word] = split(text)
    return this.#following.get(context)?.get(word)
  }

  #next(words: readonly string[], typed: string): { word: string; share: number } | null {
    for (let length = Math.min(MOST_CONTEXT, words.length); length >= 1; length--) {
      const following = this.#following.get(keyOf(words.slice(-length)))
      if (!following) continue
      const fitting = [...following].filter(([word]) => word.length > typed.length && word.startsWith(typed))
      const total = fitting.reduce((sum, [, count]) => sum + count, 0)
      const [word, count] = fitting.reduce((best, entry) => (entry[1] > best[1] ? entry : best), ['', 0])
      if (count >= LEAST_COUNT && count / total >= LEAST_SHARE) return { word, share: count / total }
    }
    return null
  }

  #count(context: readonly string[], word: string): void {
    const key = keyOf(context)
    const following = this.#following.get(key) ?? new Map<string, number>()
    following.set(word, (following.get(word) ?? 0) + 1)
    this.#following.delete(key) // the one learnt last stands last
    this.#following.set(key, following)
    const oldest = this.#following.size > MOST_CONTEXTS ? this.#following.keys().next().value : undefined
    if (oldest !== undefined) this.#following.delete(oldest)
  }
}

function keyOf(words: readonly string[]): string {
  return words.join(' ').toLowerCase()
}

/** A phrase as it is kept: what stands in front, and the word. */
function split(phrase: string): [context: string, word: string] {
  const at = phrase.lastIndexOf(' ')
  return [phrase.slice(0, Math.max(0, at)), phrase.slice(at + 1)]
}

function withoutFirst(phrase: string): string {
  return phrase.slice(phrase.indexOf(' ') + 1)
}

/** Letters of a word that is being typed. */
const PARTIAL = /[\p{L}\p{N}'’-]*$/u

/** The words of the last sentence, with the marks that stand at them but without those that end a sentence. */
function sentenceWords(text: string): string[] {
  const last = text.split(/[.!?…]["'”’)]*\s+|\n+/u).at(-1) ?? ''
  return last.split(/\s+/u).filter(word => word !== '')
}
