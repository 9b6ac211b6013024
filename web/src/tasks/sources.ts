/**
 * Attached texts that are longer than a model reads: cut into passages, ranked for a question, the best ones read. By
 * meaning where a model for embeddings is there, else by words (BM25: Robertson & Zaragoza 2009). Pure.
 */
import { type Span, sentencesOf, wordsOf } from './analyse/sentences.ts'

/** Passages that an answer was given, in the order of their texts. */
export interface Sources {
  by: 'meaning' | 'words'
  passages: SourcePassage[]
}

export interface SourcePassage {
  /** The attachment's id. */
  attachment: string
  /** Place in the attachment's text, in UTF-16 code units [start, end). */
  start: number
  end: number
}

export interface Passage extends Span {
  attachment: string
}

/** Called between two short pieces of work: lets the page do what it has to meanwhile. */
export type Breathe = () => Promise<unknown>

/** A text is cut into passages so many characters at a time: some milliseconds. */
const BLOCK_CHARACTERS = 20_000
/** As long as models for embeddings read in one go, about 150 tokens. */
const PASSAGE_CHARACTERS = 600
const K1 = 1.2
const B = 0.75

/** Of a text of any length, in many short pieces of work. */
export async function passagesIn(text: string, attachment: string, breathe: Breathe): Promise<Passage[]> {
  const passages: Passage[] = []
  for (let from = 0; from < text.length; ) {
    const to = endOfBlock(text, from + BLOCK_CHARACTERS)
    for (const passage of passagesOf(text.slice(from, to), attachment)) {
      passages.push({ ...passage, start: passage.start + from, end: passage.end + from })
    }
    from = to
    await breathe()
  }
  return passages
}

/** Behind the next line's end, which ends a sentence too; a text without lines is cut between two words. */
function endOfBlock(text: string, from: number): number {
  if (from >= text.length) return text.length
  for (const border of ['\n', ' ']) {
    const at = text.indexOf(border, from)
    if (at >= 0 && at < from + BLOCK_CHARACTERS) return at + 1
  }
  return from
}

/** Runs of whole sentences; a sentence that is longer is a passage of its own. */
export function passagesOf(text: string, attachment: string): Passage[] {
  const passages: Passage[] = []
  for (const sentence of sentencesOf(text)) {
    const last = passages.at(-1)
    if (last && sentence.end - last.start <= PASSAGE_CHARACTERS) {
      passages[passages.length - 1] = {
        attachment,
        start: last.start,
        end: sentence.end,
        text: text.slice(last.start, sentence.end),
      }
    } else passages.push({ attachment, ...sentence })
  }
  return passages
}

/** BM25 of each passage for a question; 0 where they share no word. */
export async function rankByWords(passages: readonly Span[], question: string, breathe: Breathe): Promise<number[]> {
  const wanted = [...new Set(stemsOf(question))]
  const tallies: Tally[] = []
  for (const { text } of passages) {
    tallies.push(tallyOf(text, wanted))
    await breathe()
  }
  const mean = tallies.reduce((sum, { length }) => sum + length, 0) / Math.max(1, tallies.length)
  const weights = wanted.map((_, index) => {
    const having = tallies.reduce((sum, { counts }) => sum + Number((counts[index] ?? 0) > 0), 0)
    return Math.log(1 + (tallies.length - having + 0.5) / (having + 0.5))
  })
  return tallies.map(({ length, counts }) =>
    counts.reduce((score, count, index) => {
      const weight = weights[index] ?? 0
      return score + (weight * count * (K1 + 1)) / (count + K1 * (1 - B + (B * length) / mean))
    }, 0),
  )
}

/** How long a passage is, in words that count, and how often it has each of the wanted ones. */
interface Tally {
  length: number
  counts: number[]
}

function tallyOf(text: string, wanted: readonly string[]): Tally {
  const stems = stemsOf(text)
  return { length: stems.length, counts: wanted.map(stem => stems.filter(other => other === stem).length) }
}

/** Dot products with the question's vector; the vectors have length 1. */
export function rankByMeaning(vectors: readonly Float32Array[], question: Float32Array): number[] {
  return vectors.map(vector => vector.reduce((sum, value, index) => sum + value * (question[index] ?? 0), 0))
}

/** The best passages that fit into so many characters together, at least one, in the order of their texts. */
export function chosen(passages: readonly Passage[], scores: readonly number[], characters: number): SourcePassage[] {
  const order = passages.map((_, index) => index).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0))
  const taken = new Set<number>()
  let left = characters
  for (const index of order) {
    const length = passages[index]?.text.length ?? 0
    if (taken.size > 0 && length > left) break
    taken.add(index)
    left -= length
  }
  return passages.flatMap(({ attachment, start, end }, index) => (taken.has(index) ? [{ attachment, start, end }] : []))
}

function stemsOf(text: string): string[] {
  return wordsOf(text)
    .map(({ text: word }) => word.toLowerCase().replace(/[’']s$/, ''))
    .filter(word => word.length > 2 || /\d/.test(word))
    .map(word => (word.length > 4 ? word.replace(/(?:ing|ed|es|ly|s)$/, '') : word))
}
