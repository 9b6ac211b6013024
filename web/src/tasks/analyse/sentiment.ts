/** How a text feels, sentence by sentence. */
import type { Engine } from '../../engine/api.ts'
import { type LabelTask, labelled } from './labels.ts'
import { type Span, sentencesOf } from './sentences.ts'

export type Sentiment = 'positive' | 'negative' | 'neutral'

export interface FeltSentence extends Span {
  shares: Record<Sentiment, number>
  sentiment: Sentiment
}

export interface Feeling {
  sentences: FeltSentence[]
  /** Of the whole text: its sentences' shares, weighted by their length. */
  shares: Record<Sentiment, number>
  sentiment: Sentiment
}

const EXAMPLES: readonly (readonly [string, Sentiment])[] = [
  ['The soup was cold and the staff ignored us.', 'negative'],
  ['The shop opens at ten.', 'neutral'],
  ['We had a wonderful time, thank you!', 'positive'],
  ['My order never came.', 'negative'],
  ['The kids loved it and so did I.', 'positive'],
  ['The report has twelve pages.', 'neutral'],
  ['Never buy anything from them.', 'negative'],
  ['The hall seats four hundred people.', 'neutral'],
  ['Just what I needed.', 'positive'],
  ['The parcel was sent on Monday.', 'neutral'],
]
const SHOWN = EXAMPLES.map(([text, label]) => `Text: ${text}\nSentiment: ${label}\n\n`).join('')

const TASK: LabelTask<Sentiment> = {
  prompt: text => `${SHOWN}Text: ${text}\nSentiment:`,
  written: { positive: ' positive', negative: ' negative', neutral: ' neutral' },
  empty: ['N/A', '…', 'Text'],
}
const NONE: Record<Sentiment, number> = { positive: 0, negative: 0, neutral: 0 }

/** @param onSentence called with each sentence as it is judged @throws as `Engine.score` */
export async function feelingOf(
  engine: Pick<Engine, 'score'>,
  text: string,
  { signal, onSentence }: { signal?: AbortSignal; onSentence?: (done: number, all: number) => void } = {},
): Promise<Feeling> {
  const spans = sentencesOf(text)
  const sentences: FeltSentence[] = []
  for (const span of spans) {
    const shares = await labelled(engine, { task: TASK, text: span.text, ...(signal ? { signal } : {}) })
    sentences.push({ ...span, shares, sentiment: likeliest(shares) })
    onSentence?.(sentences.length, spans.length)
  }
  const shares = together(sentences)
  return { sentences, shares, sentiment: likeliest(shares) }
}

function together(sentences: readonly FeltSentence[]): Record<Sentiment, number> {
  const length = sentences.reduce((sum, { text }) => sum + text.length, 0)
  const sums = { ...NONE }
  for (const { text, shares } of sentences) {
    for (const label of labelsOf(sums)) sums[label] += (shares[label] * text.length) / length
  }
  return sums
}

function likeliest(shares: Record<Sentiment, number>): Sentiment {
  return labelsOf(shares).reduce((best, label) => (shares[label] > shares[best] ? label : best))
}

function labelsOf(shares: Record<Sentiment, number>): Sentiment[] {
  return Object.keys(shares) as Sentiment[] // exactly the labels, by its type
}
