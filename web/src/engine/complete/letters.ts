/**
 * Where words begin and end in a text, for writing systems with and without spaces between words. Pure; offsets are
 * UTF-16 code units.
 */

/** Letters, digits and marks: what words are made of. */
const WORD = /[\p{L}\p{N}\p{M}]/u
/** Scripts that write no spaces between words: every character may be a word's last. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー々]/u

export function isWordCharacter(character: string): boolean {
  return WORD.test(character)
}

export function isUnspaced(character: string): boolean {
  return UNSPACED.test(character)
}

/** The last character of a text, '' where there is none. */
export function lastCharacter(text: string): string {
  const two = text.slice(-2)
  return two.length === 2 && (two.codePointAt(0) ?? 0) > 0xffff ? two : text.slice(-1)
}

export function firstCharacter(text: string): string {
  const [first = ''] = text
  return first
}

/** The letters in front of the caret that belong to the word being typed; '' at a word's border. */
export function partialWord(before: string): string {
  const found = /[\p{L}\p{N}\p{M}'’_-]+$/u.exec(before)?.[0] ?? ''
  const word = found.replace(/^['’_-]+/, '')
  return isUnspaced(lastCharacter(word)) ? '' : word
}

const SMALL_WORD = /(?<![\p{L}\p{N}\p{M}'’_-])\p{Ll}{2,}$/u
const LONGEST_WORD = 64

/**
 * True where `next` would be a word of its own without a space in front: "and" and then "The", as models learn it from text
 * whose line breaks are lost. Not where the text has such a word already ("macOS"). Names begin with a capital or one letter.
 */
export function runsTogether(text: string, next: string): boolean {
  if (!/^\p{Lu}/u.test(next)) return false
  const [word] = SMALL_WORD.exec(text.slice(-LONGEST_WORD)) ?? []
  return word !== undefined && !text.includes(word + firstCharacter(next))
}

/** Words in their order, without punctuation; characters of unspaced scripts one by one. */
export function wordsOf(text: string): string[] {
  return Array.from(text.matchAll(WORDS), ([word]) => word)
}

/** Where each word begins. */
export function wordStarts(text: string): number[] {
  return Array.from(text.matchAll(WORDS), ({ index }) => index)
}

const WORDS = new RegExp(
  `${UNSPACED.source}|(?:(?!${UNSPACED.source})[\\p{L}\\p{N}\\p{M}])(?:(?!${UNSPACED.source})[\\p{L}\\p{N}\\p{M}'’_@/-])*`,
  'gu',
)

/** A sentence's end: a full stop and its like, closing quotes and brackets behind it. */
export const SENTENCE_END = /[.!?…。！？]["'”’»)\]]*$/u
