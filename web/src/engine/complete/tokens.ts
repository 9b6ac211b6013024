/**
 * A vocabulary as completion sees it: what each token spells, which tokens begin with given bytes, and what a token does
 * to the word in front of it. Bytes are characters U+0000 to U+00FF. Made once per model.
 */
import type { Spelling } from '../constraint/spelling.ts'
import { isUnspaced, isWordCharacter } from './letters.ts'

/** What the text in front of a token is, by the token that follows. */
export const KIND = {
  /** Spells nothing: the end of a text, or a mark of the chat format. */
  end: 0,
  /** Ends a word in front of it: begins with a space or a mark. */
  border: 1,
  /** Goes on with the word. */
  inside: 2,
  /** Begins in the middle of a character, or is a character's beginning only. */
  partial: 3,
} as const

export const KINDS = 4

/** A space and then a letter, in Latin or another alphabet of two bytes: fragments of words have no space. */
const WORD_BEGINNING = /^ [A-Za-z\u00c3-\u00df][^ ]*$/

export class TokenTable {
  /** Every token that the model has a logit for. */
  readonly all: Int32Array
  /** By token: one of `KIND`. */
  readonly kinds: Uint8Array
  /** By token: bytes that it spells. */
  readonly lengths: Uint16Array
  readonly #bytes: readonly (string | null)[]
  /** Tokens in the order of their bytes. */
  readonly #sorted: Int32Array
  readonly #words = new Set<string>()
  readonly #ids = new Map<string, number>()

  /** @param size tokens that the model has logits for */
  constructor({ bytes }: Pick<Spelling, 'bytes'>, size: number) {
    this.#bytes = bytes.slice(0, size)
    this.kinds = new Uint8Array(size)
    this.lengths = new Uint16Array(size)
    this.all = new Int32Array(size).map((_, token) => token)
    const spelled: [string, number][] = []
    for (const [token, text] of this.#bytes.entries()) {
      if (text === null) continue
      spelled.push([text, token])
      if (!this.#ids.has(text)) this.#ids.set(text, token)
      this.kinds[token] = kindOf(text)
      this.lengths[token] = text.length
      if (WORD_BEGINNING.test(text)) this.#words.add(utf8(text).trim().toLowerCase())
    }
    spelled.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    this.#sorted = Int32Array.from(spelled, ([, token]) => token)
  }

  /** What a token spells, '' for one that spells nothing. */
  bytes(token: number): string {
    return this.#bytes[token] ?? ''
  }

  /** Tokens whose bytes begin with `prefix`. */
  startingWith(prefix: string): Int32Array {
    const from = this.#firstNotBelow(prefix)
    let high = this.#sorted.length
    let low = from
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.bytes(this.#sorted[middle] ?? 0).startsWith(prefix)) low = middle + 1
      else high = middle
    }
    return this.#sorted.subarray(from, low)
  }

  /** The token that spells just these bytes, null where there is none. */
  token(bytes: string): number | null {
    return this.#ids.get(bytes) ?? null
  }

  /** True where one token spells the word, as it does for words that are common: the model's own word list. */
  isWord(word: string): boolean {
    return this.#words.has(word.toLowerCase())
  }

  #firstNotBelow(prefix: string): number {
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.bytes(this.#sorted[middle] ?? 0) < prefix) low = middle + 1
      else high = middle
    }
    return low
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Text of bytes, U+FFFD where they are none. */
export function utf8(bytes: string): string {
  return decoder.decode(Uint8Array.from(bytes, letter => letter.charCodeAt(0)))
}

/** Text of bytes, null where they end within a character or are no text. */
export function wholeText(bytes: string): string | null {
  try {
    return strict.decode(Uint8Array.from(bytes, letter => letter.charCodeAt(0)))
  } catch {
    return null
  }
}

/** A hyphen and an apostrophe are inside a word where letters go on at once: `well-known`, `don't`. */
const INSIDE = /^(?:['’]\p{L}|-(?!-)|[_@/])/u

function kindOf(bytes: string): number {
  const first = bytes.charCodeAt(0)
  if (first >= 0x80 && first < 0xc0) return KIND.partial
  const [character = ''] = utf8(bytes)
  if (character === '\uFFFD') return KIND.partial
  if (isUnspaced(character)) return KIND.border
  return isWordCharacter(character) || INSIDE.test(utf8(bytes)) ? KIND.inside : KIND.border
}
