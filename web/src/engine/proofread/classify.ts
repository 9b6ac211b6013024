/** What kind of mistake an edit repairs, in the Proofreader API's six categories, and a sentence that says so. */
import { movedWords } from './align.ts'
import { ARTICLES, areConfused, areForms, PREPOSITIONS } from './grammar-words.ts'
import { similarity } from './similar.ts'
import type { CorrectionType } from './types.ts'
import { isWord } from './words.ts'

export interface Finding {
  types: CorrectionType[]
  explanation: string
}

interface Parts {
  before: readonly string[]
  after: readonly string[]
}

/**
 * @param before words and signs that go, as they stand in the text
 * @param after those that come
 * @param neighbour the word in front of them, '' at the beginning of a sentence
 */
export function classify(before: readonly string[], after: readonly string[], neighbour: string): Finding {
  const parts = { before, after }
  const words = { before: before.filter(isWord), after: after.filter(isWord) }
  const [old, fresh] = [joined(before), joined(after)]
  if (words.before.length === 0 && words.after.length === 0) return punctuation(parts)
  if (lettersOf(old) === lettersOf(fresh)) return sameLetters(parts)
  if (lower(lettersOf(old)) === lower(lettersOf(fresh))) {
    const types: CorrectionType[] = ['capitalization']
    if (signsOf(old) !== signsOf(fresh)) types.push('punctuation')
    return { types, explanation: `Capital letters: “${fresh}”.` }
  }
  if (words.before.length === 0) return inserted(words.after, parts)
  if (words.after.length === 0) return deleted(words.before, parts, neighbour)
  const finding = replaced(words, { old, fresh })
  const punctuated = signsOf(old) !== signsOf(fresh)
  return punctuated ? { ...finding, types: [...finding.types, 'punctuation'] } : finding
}

function punctuation({ before, after }: Parts): Finding {
  const [old, fresh] = [before.join(' '), after.join(' ')]
  const types: CorrectionType[] = ['punctuation']
  if (old === '') return { types, explanation: `“${fresh}” is missing.` }
  if (fresh === '') return { types, explanation: `“${old}” is not needed.` }
  return { types, explanation: `“${fresh}” instead of “${old}”.` }
}

/** Only signs within or between the words changed, or where they are divided. */
function sameLetters({ before, after }: Parts): Finding {
  const [old, fresh] = [joined(before), joined(after)]
  if (signsOf(old) !== signsOf(fresh)) {
    const apostrophe = /'/.test(fresh) || /['’]/.test(old)
    return { types: ['punctuation'], explanation: apostrophe ? `Apostrophe: “${fresh}”.` : `Punctuation: “${fresh}”.` }
  }
  const isOne = after.filter(isWord).length < before.filter(isWord).length
  return { types: ['spelling'], explanation: `“${fresh}” is written as ${isOne ? 'one word' : 'separate words'}.` }
}

function inserted(words: readonly string[], { after }: Parts): Finding {
  const types: CorrectionType[] = ['missing-words']
  if (words.every(word => PREPOSITIONS.has(lower(word)))) types.unshift('preposition')
  if (after.length > words.length) types.push('punctuation')
  const missing = words.join(' ')
  if (words.every(word => ARTICLES.has(lower(word))))
    return { types, explanation: `The article “${missing}” is missing.` }
  return { types, explanation: `“${missing}” is missing.` }
}

function deleted(words: readonly string[], { before }: Parts, neighbour: string): Finding {
  const gone = before.join(' ')
  const types: CorrectionType[] = [words.every(word => PREPOSITIONS.has(lower(word))) ? 'preposition' : 'grammar']
  const isRepeated = words.length === 1 && lower(words[0] ?? '') === lower(neighbour)
  return { types, explanation: isRepeated ? `“${gone}” is repeated.` : `“${gone}” is not needed.` }
}

function replaced({ before, after }: Parts, { old, fresh }: { old: string; fresh: string }): Finding {
  const [one, other] = [lower(before.join(' ')), lower(after.join(' '))]
  const single = before.length === 1 && after.length === 1
  if (movedWords(before, after) > 0) return { types: ['grammar'], explanation: `Order of the words: “${fresh}”.` }
  if (PREPOSITIONS.has(one) && PREPOSITIONS.has(other) && !areConfused(one, other))
    return { types: ['preposition'], explanation: `“${fresh}” is the preposition that belongs here, not “${old}”.` }
  if (single && areConfused(one, other))
    return { types: ['grammar'], explanation: `“${old}” and “${fresh}” are easily mixed up.` }
  if (single && areForms(one, other))
    return { types: ['grammar'], explanation: `Another form of the word: “${fresh}”.` }
  const isRespelled = similarity(joined(before), joined(after)) >= RESPELLED
  if (isRespelled && before.length !== after.length)
    return { types: ['spelling'], explanation: `“${fresh}” is how this is written.` }
  if (single && isRespelled && !isSmall(one))
    return { types: ['spelling'], explanation: `“${old}” may be a misspelling of “${fresh}”.` }
  return { types: ['grammar'], explanation: `“${fresh}” fits better than “${old}”.` }
}

const RESPELLED = 0.5

function isSmall(word: string): boolean {
  return word.length <= 2 || PREPOSITIONS.has(word) || ARTICLES.has(word)
}

function joined(parts: readonly string[]): string {
  return parts.join(' ')
}

function lower(text: string): string {
  return text.toLowerCase()
}

function lettersOf(text: string): string {
  return text.replace(/[^\p{L}\p{M}\p{N}]/gu, '')
}

function signsOf(text: string): string {
  return text.replace(/[\p{L}\p{M}\p{N}\s]/gu, '').replace(/’/g, "'")
}
