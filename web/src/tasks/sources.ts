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

/** As long as models for embeddings read in one go, about 150 tokens. */
const PASSAGE_CHARACTERS = 600
const K1 = 1.2
const B = 0.75

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
export function rankByWords(passages: readonly Span[], question: string): number[] {
  const bags = passages.map(({ text }) => stemsOf(text))
  const mean = bags.reduce((sum, bag) => sum + bag.length, 0) / Math.max(1, bags.length)
  const wanted = new Set(stemsOf(question))
  const weights = new Map(
    [...wanted].map(stem => {
      const having = bags.filter(bag => bag.includes(stem)).length
      return [stem, Math.log(1 + (bags.length - having + 0.5) / (having + 0.5))]
    }),
  )
  return bags.map(bag => {
    let score = 0
    for (const [stem, weight] of weights) {
      const count = bag.filter(other => other === stem).length
      score += (weight * count * (K1 + 1)) / (count + K1 * (1 - B + (B * bag.length) / mean))
    }
    return score
  })
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
