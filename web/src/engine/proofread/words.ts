/**
 * A sentence as the words and signs that it is made of, each with its place, whatever lies between them: spaces of every
 * kind, line ends, signs of Markdown, invisible characters. Pure; offsets are UTF-16 code units.
 */
import type { GuardReason } from './types.ts'
import { CODE, LINK } from './untouched.ts'

export interface Word {
  start: number
  end: number
  /** As the model is shown it: straight quotation marks, no invisible characters. */
  shown: string
  /** As it stands in the text. */
  raw: string
  /** Equal for words that say the same: one form of dashes, dots and accents. */
  key: string
  /** Whether white space, or something invisible, stands before it. */
  spaced: boolean
  /** Why it must not be changed; null for words that may. */
  locked: Extract<GuardReason, 'link' | 'code' | 'quote'> | null
}

const PICTURE = String.raw`\p{Extended_Pictographic}(?:\p{M}|\p{Emoji_Modifier}|\u200d\p{Extended_Pictographic})*`
const LETTER = String.raw`[\p{L}\p{M}\p{N}\u00ad\u200c\u200d]`
/** In this order: what is no prose, numbers, abbreviations, words, dots, pictures, any other sign. */
const PARTS = [
  `(?<link>${LINK})`,
  `(?<code>${CODE})`,
  String.raw`\p{N}+(?:[.,:/]\p{N}+)*${LETTER}*`,
  String.raw`(?:\p{L}\.){2,}`,
  String.raw`(?=${LETTER})[\p{L}\p{N}]${LETTER}*(?:['’‑-][\p{L}\p{N}]${LETTER}*)*`,
  String.raw`\.{2,}`,
  PICTURE,
  String.raw`[^\s\p{Cc}\p{Cf}]`,
].join('|')

/** @param text from which words are taken, at `start` of what their places count in */
export function wordsOf(text: string, start = 0, visible = text): Word[] {
  const words: Word[] = []
  let end = 0
  for (const { index, 0: found, groups } of visible.matchAll(new RegExp(PARTS, 'gu'))) {
    const shown = found.replace(/[\u00ad\p{Cf}]/gu, sign => (sign === '\u200d' ? sign : '')).replace(/[’‘]/g, "'")
    words.push({
      start: start + index,
      end: start + index + found.length,
      shown: shown.replace(/[“”„]/g, '"'),
      raw: found,
      key: keyOf(shown),
      spaced: words.length > 0 && /[\s\p{Cc}\p{Cf}]/u.test(text.slice(end, index)),
      locked: groups?.code ? 'code' : groups?.link ? 'link' : null,
    })
    end = index + found.length
  }
  return words
}

function keyOf(word: string): string {
  return word
    .normalize('NFC')
    .replace(/[“”„«»]/g, '"')
    .replace(/[’‘`´]/g, "'")
    .replace(/[‐‑–—―−]/g, '-')
    .replace(/…|\.{2,}/g, '...')
}

/** The sentence as the model is shown it: single spaces, no signs of Markdown. */
export function shownText(words: readonly Pick<Word, 'shown' | 'spaced'>[]): string {
  return words.map(({ shown, spaced }, index) => (spaced && index > 0 ? ` ${shown}` : shown)).join('')
}

/** The same words with their places in `shownText`. */
export function shownPlaces(words: readonly Word[]): Word[] {
  let next = 0
  return words.map((word, index) => {
    const start = next + (word.spaced && index > 0 ? 1 : 0)
    next = start + word.shown.length
    return { ...word, start, end: next }
  })
}

export function isWord(key: string): boolean {
  return /[\p{L}\p{N}]/u.test(key)
}
