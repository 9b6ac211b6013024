/**
 * What of an answer is not believed, whatever the model gives it: a whole answer that is another text, an edit that
 * changes what a correction has no business with. Pure.
 */
import { type Change, movedWords } from './align.ts'
import { canBeEnglish } from './language.ts'
import { similarity } from './similar.ts'
import type { GuardReason } from './types.ts'
import { isWord, type Word } from './words.ts'

/** Longer ones are not sentences that the models were trained on. */
const MOST_CHARACTERS = 2000
/** A heading's single word is no sentence: models answer it. */
const LEAST_WORDS = 2
const LENGTH_RATIO = { least: 0.7, most: 1.4 }
/** A few characters more or less are no other text, however short the sentence. */
const FREE_CHARACTERS = 8
const MOST_CHANGED = 0.5
/** Edits in one sentence. */
const MOST_CHANGES = 16

/** Why a sentence is not to be asked about, null where it is. */
export function silence(words: readonly Word[]): GuardReason | null {
  const keys = words
    .filter(({ key, locked }) => isWord(key) && locked !== 'link' && locked !== 'code')
    .map(({ key }) => key)
  if (words.length > 0 && (words.at(-1)?.end ?? 0) - (words[0]?.start ?? 0) > MOST_CHARACTERS) return 'too-long'
  if (keys.length < LEAST_WORDS || !keys.some(key => /\p{L}{2}/u.test(key))) return 'no-words'
  if (words.some(({ shown }) => !isWellFormed(shown))) return 'no-words'
  return canBeEnglish(keys) ? null : 'not-english'
}

/** False for half of a surrogate pair, which is no text. */
function isWellFormed(text: string): boolean {
  return !/\p{Cs}/u.test(text)
}

export interface Answered {
  sentence: readonly Word[]
  answer: readonly Word[]
  /** Null where the two could not be compared. */
  changes: readonly Change[] | null
  /** The model was stopped before its end. */
  cutOff: boolean
}

/** Why a whole answer is dropped, null where it is not. */
export function wholeGuard({ sentence, answer, changes, cutOff }: Answered): GuardReason | null {
  if (cutOff) return 'cut-off'
  if (answer.length === 0 || speaks(sentence, answer)) return 'answers-text'
  const [before, after] = [lengthOf(sentence), lengthOf(answer)]
  const ratio = after / before
  const isOther = ratio < LENGTH_RATIO.least || ratio > LENGTH_RATIO.most
  if (isOther && Math.abs(after - before) > FREE_CHARACTERS) return 'length'
  if (changes === null || changes.length > MOST_CHANGES) return 'rewrites'
  const most = Math.max(countWords(sentence), countWords(answer))
  return wordsChanged(sentence, changes) > MOST_CHANGED * most ? 'rewrites' : null
}

/** How models begin when they talk about a text instead of correcting it. */
const OPENINGS =
  /^(?:sure|certainly|of course|here is|here's|here are|the correct(?:ed)?|correct(?:ed|ion)?:|i'm sorry|i am sorry|sorry|as an ai|i cannot|i can't|yes|no|fix:|the sentence|this sentence|the text|it seems|to fix|you can)\b/i

function speaks(sentence: readonly Word[], answer: readonly Word[]): boolean {
  const opening = (words: readonly Word[]) =>
    OPENINGS.exec(
      words
        .slice(0, 4)
        .map(({ key, spaced }) => (spaced ? ` ${key}` : key))
        .join(''),
    )?.[0].toLowerCase() ?? null
  const said = opening(answer)
  return said !== null && said !== opening(sentence)
}

function lengthOf(words: readonly Word[]): number {
  return words.reduce((length, { shown }) => length + shown.length, 0)
}

function countWords(words: readonly Word[]): number {
  return words.filter(({ key }) => isWord(key)).length
}

/** A word that is spelled otherwise counts by what changed of it, one in another place as gone and come. */
function wordsChanged(sentence: readonly Word[], changes: readonly Change[]): number {
  return changes.reduce((sum, { from, to, words }) => {
    const before = sentence.slice(from, to).filter(({ key }) => isWord(key))
    const after = words.filter(({ key }) => isWord(key))
    const [only] = before
    const [other] = after
    if (only && other && before.length === 1 && after.length === 1) return sum + 1 - similarity(only.key, other.key)
    const keys = (some: readonly Pick<Word, 'key'>[]) => some.map(({ key }) => key)
    return sum + (2 * movedWords(keys(before), keys(after)) || Math.max(before.length, after.length))
  }, 0)
}

export interface Lexicon {
  /** Lower-cased names of the text. */
  names: ReadonlySet<string>
  /** Lower-cased words that must stay. */
  keep: ReadonlySet<string>
}

/** Why one change is dropped, null where it is not. */
export function changeGuard(sentence: readonly Word[], change: Change, lexicon: Lexicon): GuardReason | null {
  const before = sentence.slice(change.from, change.to)
  const after = change.words
  const locked = before.find(word => word.locked !== null)?.locked ?? null
  if (locked !== null) return locked
  const isInside = sentence[change.from - 1]?.locked === 'quote' && sentence[change.to]?.locked === 'quote'
  if (isInside || after.some(({ key }) => key === '"') || before.some(({ key }) => key === '"')) return 'quote'
  if (digitsOf(before) !== digitsOf(after)) return 'number'
  if (after.some(({ key }) => /:\/\/|@\S|^`/.test(key))) return 'link'
  const lost = before.filter(({ key }) => isWord(key) && !after.some(word => isKeptIn(word.key, key)))
  if (lost.some(({ key }) => lexicon.keep.has(key.toLowerCase()))) return 'kept-word'
  const isFirst = change.from <= firstWord(sentence)
  if (lost.some(({ key }) => isName(key, lexicon) && !(isFirst && !lexicon.names.has(key.toLowerCase())))) return 'name'
  return inventsName(before, after, isFirst) ? 'name' : null
}

function digitsOf(words: readonly Pick<Word, 'key'>[]): string {
  return words.map(({ key }) => key.replace(/[^\p{N}]/gu, '')).join('')
}

/** Whether a word is still there: with other signs, in other case, or as the day or month that it was meant to be. */
function isKeptIn(fresh: string, key: string): boolean {
  const letters = (word: string) => word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')
  return letters(fresh) === letters(key) || (CALENDAR.test(fresh) && similarity(fresh, key) >= 0.5)
}

const FIRST_PERSON = /^I(?:$|')/
const CALENDAR =
  /^(?:mon|tues|wednes|thurs|fri|satur|sun)day|^(?:january|february|march|april|june|july|august|september|october|november|december|english|spanish|french|german|chinese|american|british|european)/i

function isName(key: string, { names }: Lexicon): boolean {
  if (names.has(key.toLowerCase())) return true
  return /^\p{Lu}/u.test(key) && key.length > 1 && !FIRST_PERSON.test(key)
}

function inventsName(before: readonly Word[], after: readonly Pick<Word, 'key'>[], isFirst: boolean): boolean {
  return after.some(
    ({ key }, index) =>
      /^\p{Lu}\p{Ll}/u.test(key) &&
      !(isFirst && index === 0) &&
      !FIRST_PERSON.test(key) &&
      !CALENDAR.test(key) &&
      !before.some(word => similarity(word.key, key) >= 0.5),
  )
}

/** An answer to an item of a list, which keeps the small letter that it begins with, but for “I” and the names of days. */
export function asItem(sentence: readonly Word[], answer: readonly Word[]): Word[] {
  const at = firstWord(answer)
  const isSmall = /^\p{Ll}/u.test(sentence[firstWord(sentence)]?.key ?? '')
  return answer.map((word, index) => {
    const isGiven = index === at && /^\p{Lu}(?!\p{Lu})/u.test(word.key)
    if (!isSmall || !isGiven || FIRST_PERSON.test(word.key) || CALENDAR.test(word.key)) return word
    const small = (text: string) => text.charAt(0).toLowerCase() + text.slice(1)
    return { ...word, shown: small(word.shown), key: small(word.key) }
  })
}

function firstWord(sentence: readonly Word[]): number {
  return sentence.findIndex(({ key }) => isWord(key))
}

/** A word with a capital; `inside`: not its sentence's first word. */
export interface Capital {
  name: string
  inside: boolean
}

export function capitalsOf(sentence: readonly Word[]): Capital[] {
  const first = firstWord(sentence)
  return sentence.flatMap(({ key, locked }, index) => {
    if (!/^\p{Lu}\p{L}/u.test(key) || FIRST_PERSON.test(key) || locked === 'code' || locked === 'link') return []
    return [{ name: key.replace(/'s$/, ''), inside: index > first }]
  })
}

/** Words that a text has twice or more with a capital, once of it inside of a sentence: its names, as it writes them first. */
export function namesAmong(capitals: Iterable<Capital>): Set<string> {
  const counts = new Map<string, { name: string; all: number; inside: number }>()
  for (const { name, inside } of capitals) {
    const so = counts.get(name.toLowerCase()) ?? { name, all: 0, inside: 0 }
    counts.set(name.toLowerCase(), { name: so.name, all: so.all + 1, inside: so.inside + (inside ? 1 : 0) })
  }
  return new Set([...counts.values()].filter(({ all, inside }) => all >= 2 && inside >= 1).map(({ name }) => name))
}
