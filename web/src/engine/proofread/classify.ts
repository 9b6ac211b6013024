/** What kind of mistake an edit repairs, in the Proofreader API's six categories, and a sentence that says so. */
import { movedWords } from './align.ts'
import { ARTICLES, areConfused, areForms, PREPOSITIONS, PRONOUNS } from './grammar-words.ts'
import { explained } from './reasons.ts'
import { similarity } from './similar.ts'
import type { CorrectionReason, CorrectionType, ReasonCode } from './types.ts'
import { isWord } from './words.ts'

export interface Finding {
  types: CorrectionType[]
  reason: CorrectionReason
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
    return found(types, 'capital-letters', old, fresh)
  }
  if (words.before.length === 0) return inserted(words.after, parts)
  if (words.after.length === 0) return deleted(words.before, parts, neighbour)
  const finding = replaced(words, { old, fresh })
  const punctuated = signsOf(old) !== signsOf(fresh)
  return punctuated ? { ...finding, types: [...finding.types, 'punctuation'] } : finding
}

function found(types: CorrectionType[], code: ReasonCode, original: string, replacement: string): Finding {
  const reason = { code, original, replacement }
  return { types, reason, explanation: explained(reason) }
}

function punctuation({ before, after }: Parts): Finding {
  const [old, fresh] = [before.join(' '), after.join(' ')]
  const types: CorrectionType[] = ['punctuation']
  if (old === '') return found(types, 'missing', old, fresh)
  if (fresh === '') return found(types, 'not-needed', old, fresh)
  return found(types, 'instead', old, fresh)
}

/** Only signs within or between the words changed, or where they are divided. */
function sameLetters({ before, after }: Parts): Finding {
  const [old, fresh] = [joined(before), joined(after)]
  if (signsOf(old) !== signsOf(fresh)) {
    const apostrophe = /'/.test(fresh) || /['’]/.test(old)
    return found(['punctuation'], apostrophe ? 'apostrophe' : 'punctuation', old, fresh)
  }
  const isOne = after.filter(isWord).length < before.filter(isWord).length
  return found(['spelling'], isOne ? 'one-word' : 'separate-words', old, fresh)
}

function inserted(words: readonly string[], { after }: Parts): Finding {
  const types: CorrectionType[] = ['missing-words']
  if (words.every(word => PREPOSITIONS.has(lower(word)))) types.unshift('preposition')
  if (after.length > words.length) types.push('punctuation')
  const missing = words.join(' ')
  const isArticle = words.every(word => ARTICLES.has(lower(word)))
  return found(types, isArticle ? 'article-missing' : 'missing', '', missing)
}

function deleted(words: readonly string[], { before }: Parts, neighbour: string): Finding {
  const gone = before.join(' ')
  const types: CorrectionType[] = [words.every(word => PREPOSITIONS.has(lower(word))) ? 'preposition' : 'grammar']
  const isRepeated = words.length === 1 && lower(words[0] ?? '') === lower(neighbour)
  return found(types, isRepeated ? 'repeated' : 'not-needed', gone, '')
}

function replaced({ before, after }: Parts, { old, fresh }: { old: string; fresh: string }): Finding {
  const [one, other] = [lower(before.join(' ')), lower(after.join(' '))]
  const single = before.length === 1 && after.length === 1
  if (movedWords(before, after) > 0) return found(['grammar'], 'word-order', old, fresh)
  if (PREPOSITIONS.has(one) && PREPOSITIONS.has(other) && !areConfused(one, other))
    return found(['preposition'], 'preposition', old, fresh)
  if (single && areConfused(one, other)) return found(['grammar'], 'mixed-up', old, fresh)
  if (single && areForms(one, other)) return found(['grammar'], 'other-form', old, fresh)
  if (PRONOUNS.has(one) && PRONOUNS.has(other)) return found(['grammar'], 'fits-better', old, fresh)
  const isRespelled = similarity(joined(before), joined(after)) >= RESPELLED
  if (isRespelled && before.length !== after.length) return found(['spelling'], 'written-so', old, fresh)
  if (single && isRespelled && !isSmall(one)) return found(['spelling'], 'misspelling', old, fresh)
  return found(['grammar'], 'fits-better', old, fresh)
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
