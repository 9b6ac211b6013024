/** How a suggestion meets the text behind the caret: nothing twice, and a space where words would run together. Pure. */
import { firstCharacter, isUnspaced, isWordCharacter, lastCharacter, wordStarts, wordsOf } from './letters.ts'

/** So many words of the text behind, said again, are a repetition even where the suggestion goes on. */
const REPEATED_WORDS = 3

/** The suggestion as it is to be put in between; '' where all of it stands behind the caret already. */
export function fitted(text: string, after: string): string {
  const line = /^[^\n\r]*/.exec(after)?.[0] ?? ''
  if (line.trim() === '') return text
  let fit = withoutRepetition(text, line)
  if (fit.trim() === '') return ''
  const next = firstCharacter(line)
  if (/^[.,;:!?…)\]}"'”’»]/u.test(line)) fit = fit.replace(/[.,;:!?…\s]+$/u, '')
  const last = lastCharacter(fit)
  const runTogether = isWordCharacter(next) && isWordCharacter(last) && !isUnspaced(next) && !isUnspaced(last)
  if (runTogether || (isWordCharacter(next) && /[.,;:!?…]$/u.test(fit))) return `${fit} `
  return /^\s/.test(next) ? fit.trimEnd() : fit
}

function withoutRepetition(text: string, line: string): string {
  const behind = wordsOf(line.slice(0, 200)).map(lower)
  if (behind.length === 0) return text
  for (const start of wordStarts(text)) {
    const rest = wordsOf(text.slice(start)).map(lower)
    const needed = Math.min(rest.length, behind.length, REPEATED_WORDS)
    if (rest.slice(0, needed).every((word, index) => word === behind[index])) return text.slice(0, start).trimEnd()
  }
  return text
}

function lower(word: string): string {
  return word.toLowerCase()
}
