/** Summaries, and what in them the text does not bear out. Pure but for the engine passed in. */
import type { ChatMessage, ChatRequest } from '../../engine/api.ts'
import { type Span, sentencesOf, wordsOf } from './sentences.ts'

export interface CheckedSentence extends Span {
  /** Share of its content words that one sentence of the text has, 0 to 1. */
  support: number
  /** That sentence of the text, null where none shares a word. */
  source: Span | null
  /** Names and numbers that the text does not have. */
  unknown: string[]
}

const SHORT = new Set(
  (
    'a an the and or but if of in on at by for from with to as is are was were be been being it its this that these those he she ' +
    'they we you i his her their our your not no do does did has have had can could will would may might should so than then there ' +
    'which who whom whose what when where why how also into over about after before between during through'
  ).split(' '),
)

/** @param sentences asked for, 1 to 5: a small model writes on behind them (`firstSentences`) */
export function summaryRequest(text: string, sentences: number, signal: AbortSignal): ChatRequest & { stream: true } {
  const amount = sentences === 1 ? 'one sentence' : `${sentences} sentences`
  const messages: ChatMessage[] = [
    { role: 'user', content: `Summarize this text in ${amount}. Say only what the text says.\n\n${text.trim()}` },
  ]
  return { messages, stream: true, signal, temperature: 0, max_tokens: 60 * sentences }
}

/** So many sentences of a text that is being written, once another one has begun; null until then. */
export function firstSentences(written: string, most: number): string | null {
  const found = sentencesOf(written)
  const last = found[most - 1]
  return found.length > most && last ? written.slice(0, last.end).trim() : null
}

export function translationRequest(
  text: string,
  language: string,
  signal: AbortSignal,
): ChatRequest & { stream: true } {
  const messages: ChatMessage[] = [{ role: 'user', content: `Translate this text into ${language}:\n\n${text.trim()}` }]
  return { messages, stream: true, signal, temperature: 0, max_tokens: 40 + text.length }
}

/** Holds every sentence of a summary against the text it is of. */
export function checkSummary(summary: string, text: string): CheckedSentence[] {
  const sources = sentencesOf(text).map(span => ({ span, words: contentWords(span.text) }))
  const all = new Set(sources.flatMap(({ words }) => [...words]))
  return sentencesOf(summary).map(sentence => {
    const words = contentWords(sentence.text)
    const shared = (source: ReadonlySet<string>) => [...words].filter(word => source.has(word)).length
    const best = sources.reduce<(typeof sources)[number] | null>(
      (found, source) => (shared(source.words) > (found ? shared(found.words) : 0) ? source : found),
      null,
    )
    return {
      ...sentence,
      support: words.size && best ? shared(best.words) / words.size : 0,
      source: best?.span ?? null,
      unknown: namesAndNumbers(sentence.text).filter(name => !all.has(stem(name))),
    }
  })
}

function contentWords(text: string): Set<string> {
  const words = wordsOf(text).map(({ text: word }) => word.toLowerCase())
  return new Set(words.filter(word => !SHORT.has(word)).map(stem))
}

/** Names in the middle of a sentence, and whatever has a digit. */
function namesAndNumbers(text: string): string[] {
  const words = wordsOf(text)
  return words
    .filter(({ text: word }, index) => /\d/.test(word) || (index > 0 && /^\p{Lu}/u.test(word)))
    .map(({ text: word }) => word)
}

/** Forms of one word fall together: enough to hold words against words. */
function stem(word: string): string {
  const small = word.toLowerCase().replace(/[’']s$/, '')
  return small.length > 4 ? small.replace(/(?:ing|ed|es|ly|s)$/, '') : small
}
