/** When a suggestion would not help: where the caret stands, and what the suggestion says. Pure. */
import { isForeign } from './language.ts'
import { firstCharacter, isUnspaced, isWordCharacter, lastCharacter, partialWord, wordsOf } from './letters.ts'
import type { SilenceReason } from './types.ts'

export interface Place {
  before: string
  after: string
}

/** Why nothing is asked of the model here, null where it is. @param allowsCode for models of code */
export function caretSilence({ before, after }: Place, allowsCode = false): SilenceReason | null {
  if (before.trim() === '') return 'nothing-to-go-on'
  const last = lastCharacter(before)
  const next = firstCharacter(after)
  const word = /\S+$/u.exec(before)?.[0] ?? ''
  if (isAddress(word) || isAddress(word + (/^\S+/u.exec(after)?.[0] ?? ''), word)) return 'in-address'
  if (!allowsCode && isInCode(before)) return 'in-code'
  if (/\p{N}(?:[.,:/%-]?)$/u.test(word) && /^[\p{Sc}+-]?\p{N}[\p{N}.,:/%-]*$/u.test(word)) return 'in-number'
  const isInside = isWordCharacter(last) && isWordCharacter(next)
  if (isInside && !isUnspaced(last) && !isUnspaced(next)) return 'inside-word'
  return null
}

const ADDRESS =
  /(?:^|[("'<[])(?:https?:|ftp:|file:|mailto:|www\.|[a-z]:\\|~?\/\w|\.{1,2}\/\w)|\w@\w*|\w\.\w+\/|\w\.(?:com|org|net|io|gov|edu|de|uk|eu)\b|\w\\\w/i

/** @param within the part in front of the caret, where the whole goes on behind it */
function isAddress(word: string, within = word): boolean {
  return within !== '' && ADDRESS.test(word)
}

/** Behind an open ``` fence, or behind an odd number of ` in the paragraph; an indented code block begins with a tab or four spaces. */
function isInCode(before: string): boolean {
  const fences = before.match(/^ {0,3}(?:```|~~~)/gmu)?.length ?? 0
  if (fences % 2 === 1) return true
  const paragraph = before.slice(before.lastIndexOf('\n\n') + 1)
  const spans = paragraph.replace(/^ {0,3}```.*$/gmu, '').match(/`+/gu)?.length ?? 0
  return spans % 2 === 1
}

export interface Said {
  text: string
  /** Of the first word's pieces behind the first one, the least probability; 1 where it is one piece. */
  leastInFirstWord: number
  /** True for words that the model's vocabulary has whole. */
  isWord: (word: string) => boolean
}

/** @param tokens of a suggestion, in order: what they spell, and how probable each one was */
export function leastInFirstWord(tokens: readonly { text: string; probability: number }[]): number {
  let least = 1
  for (const [index, { text, probability }] of tokens.entries()) {
    if (index === 0) continue
    if (/^[^\p{L}\p{N}\p{M}]/u.test(text)) break
    least = Math.min(least, probability)
  }
  return least
}

/** Why this suggestion would not help, null where it would. Its confidence is judged elsewhere. */
export function textSilence({ before, after }: Place, said: Said): SilenceReason | null {
  const { text } = said
  const words = wordsOf(text)
  if (text.trim() === '') return 'empty'
  if (words.length === 0) return /\p{Emoji_Presentation}/u.test(text) ? null : 'only-punctuation'
  if (repeatsBefore(before, text) || repeatsItself(before, text)) return 'repeats-before'
  if (wouldMisspell(before, said)) return 'would-misspell'
  const typed = isWordCharacter(firstCharacter(text)) ? partialWord(before) : ''
  if (isForeign(typed + text, before.slice(0, before.length - typed.length))) return 'wrong-language'
  const behind = wordsOf(after.slice(0, 200))
  if (behind.length > 0 && isPrefix(words, behind)) return 'repeats-following'
  return null
}

/** English doubles these rightly. */
const DOUBLED = new Set(['had', 'that', 'is', 'so', 'very', 'no', 'bye', 'ha', 'knock', 'now'])

/** The last word again, or the last three and more. */
function repeatsBefore(before: string, text: string): boolean {
  const typed = partialWord(before)
  const said = wordsOf((isWordCharacter(firstCharacter(text)) ? typed + text : text).toLowerCase())
  const standing = isWordCharacter(firstCharacter(text)) ? before.slice(0, before.length - typed.length) : before
  const words = wordsOf(standing.slice(-400).toLowerCase())
  const [first = ''] = said
  const isDoubled =
    first === words.at(-1) && !DOUBLED.has(first) && !isUnspaced(first) && /^\s*$/.test(between(standing, text))
  if (isDoubled) return true
  const length = said.length
  return length >= 3 && words.slice(-length).join(' ') === said.join(' ')
}

/** A word or up to four of them, and the same again. */
const AGAIN =
  /(?<![\p{L}\p{N}\p{M}])((?:[\p{L}\p{N}\p{M}'’-]+\s+){0,3}[\p{L}\p{N}\p{M}'’-]+)\s+\1(?![\p{L}\p{N}\p{M}])/giu

/** True where the suggestion, with the letters typed, goes round in circles, as small models do. */
export function repeatsItself(before: string, text: string): boolean {
  const typed = isWordCharacter(firstCharacter(text)) ? partialWord(before) : ''
  return Array.from((typed + text).matchAll(AGAIN)).some(([, said = '']) => !DOUBLED.has(said.toLowerCase()))
}

/** What stands between the last word in front and the first one of the suggestion. */
function between(standing: string, text: string): string {
  const tail = /[^\p{L}\p{N}\p{M}]*$/u.exec(standing)?.[0] ?? ''
  const head = /^[^\p{L}\p{N}\p{M}]*/u.exec(text)?.[0] ?? ''
  return tail + head
}

/** A word is odd where no single token spells it, the text has it nowhere, and the model had doubts within it. */
const LEAST_WITHIN_WORD = 0.3
/** Letters that are a word, or the beginning of one that the model gives up. */
const FEW_LETTERS = 3

function wouldMisspell(before: string, { text, leastInFirstWord, isWord }: Said): boolean {
  const typed = partialWord(before)
  if (typed === '') return false
  const joins = isWordCharacter(firstCharacter(text)) || /^['’-]/.test(text)
  const word = joins ? typed + (/^[\p{L}\p{N}\p{M}'’-]+/u.exec(text)?.[0] ?? '') : typed
  const isKnown = (candidate: string) =>
    isWord(candidate) || standsIn(before.slice(0, before.length - typed.length), candidate)
  if (isKnown(word) || isKnown(word.replace(/['’]s$/, ''))) return false
  return joins ? leastInFirstWord < LEAST_WITHIN_WORD : [...word].length <= FEW_LETTERS
}

function standsIn(text: string, word: string): boolean {
  return wordsOf(text.toLowerCase()).includes(word.toLowerCase())
}

function isPrefix(part: readonly string[], whole: readonly string[]): boolean {
  const same = Math.min(part.length, whole.length)
  return part.slice(0, same).every((word, index) => word.toLowerCase() === whole[index]?.toLowerCase())
}
