/**
 * Answers to a question out of a pasted text. Which sentences bear the answer: those after which the question is likeliest
 * (query likelihood, Ponte & Croft 1998, against the question's likelihood behind nothing). What the answer is: of all short
 * quotations of the best sentences the one that the model finds likeliest; so it cannot be made up. Pure but for the engine.
 */
import type { Engine } from '../../engine/api.ts'
import { softmax } from './labels.ts'
import { type Span, sentencesOf, wordsOf } from './sentences.ts'

export interface Evidence extends Span {
  /** How much likelier the question is behind this sentence than behind nothing, in nats. */
  gain: number
}

export interface Quotation extends Span {
  /** Among all quotations that were weighed, 0 to 1. */
  share: number
}

export interface Answer {
  /** Likeliest first, at most three that do not overlap; empty where the text holds no words. */
  quotations: Quotation[]
  /** Likeliest first. */
  evidence: Evidence[]
}

const EXAMPLES =
  'Text: Anna lives in Oslo with two cats.\nQuestion: Where does Anna live?\nAnswer: Oslo\n\n' +
  'Text: Snow had blocked the pass, so the driver turned back.\nQuestion: Why did the driver turn back?\nAnswer: Snow had blocked the pass\n\n'
/** Sentences whose quotations are weighed, and words of a quotation. */
const MOST_SENTENCES = 2
const MOST_WORDS = 8
const SHOWN_QUOTATIONS = 3

interface Asked {
  text: string
  question: string
  signal?: AbortSignal
  onProgress?: (done: number, all: number) => void
}

/** @throws as `Engine.score` */
export async function answerFrom(engine: Pick<Engine, 'score'>, asked: Asked): Promise<Answer> {
  const spans = sentencesOf(asked.text)
  const evidence: Evidence[] = []
  const prior = await likelihood(engine, asked, '')
  for (const span of spans) {
    evidence.push({ ...span, gain: (await likelihood(engine, asked, `${span.text}\n`)) - prior })
    asked.onProgress?.(evidence.length, spans.length + MOST_SENTENCES)
  }
  evidence.sort((a, b) => b.gain - a.gain)
  const weighed: { span: Span; log: number }[] = []
  for (const [index, sentence] of evidence.slice(0, MOST_SENTENCES).entries()) {
    weighed.push(...(await weigh(engine, asked, sentence)))
    asked.onProgress?.(spans.length + index + 1, spans.length + MOST_SENTENCES)
  }
  return { quotations: best(weighed), evidence }
}

async function likelihood(engine: Pick<Engine, 'score'>, { question, signal }: Asked, before: string): Promise<number> {
  const continuations = [` ${question.trim()}`]
  const [log = 0] = await engine.score({ prompt: `${before}Question:`, continuations, ...(signal ? { signal } : {}) })
  return log
}

/** Logarithms of every quotation of one sentence: how likely it is as the answer, and how likely the question is behind it. */
async function weigh(
  engine: Pick<Engine, 'score'>,
  { question, signal }: Asked,
  sentence: Evidence,
): Promise<{ span: Span; log: number }[]> {
  const spans = quotationsOf(sentence)
  if (spans.length === 0) return []
  const logs = await engine.score({
    prompt: `${EXAMPLES}Text: ${sentence.text}\nQuestion: ${question.trim()}\nAnswer:`,
    continuations: spans.map(({ text }) => ` ${text}\n`),
    ...(signal ? { signal } : {}),
  })
  return spans.map((span, index) => ({ span, log: (logs[index] ?? Number.NEGATIVE_INFINITY) + sentence.gain }))
}

/** Every run of one to eight words, with its place in the text. */
export function quotationsOf({ text, start }: Span): Span[] {
  const words = wordsOf(text)
  return words.flatMap((first, index) =>
    words.slice(index, index + MOST_WORDS).map(last => ({
      start: start + first.start,
      end: start + last.end,
      text: text.slice(first.start, last.end),
    })),
  )
}

/** The likeliest quotations that do not overlap; what overlaps a better one says nearly the same and adds to its share. */
function best(weighed: readonly { span: Span; log: number }[]): Quotation[] {
  const shares = softmax(weighed.map(({ log }) => log))
  const ranked = weighed.map(({ span }, index) => ({ ...span, share: shares[index] ?? 0 }))
  ranked.sort((a, b) => b.share - a.share)
  const chosen: Quotation[] = []
  for (const quotation of ranked) {
    const over = chosen.find(({ start, end }) => quotation.start < end && start < quotation.end)
    if (over) over.share += quotation.share
    else chosen.push({ ...quotation })
  }
  return chosen.sort((a, b) => b.share - a.share).slice(0, SHOWN_QUOTATIONS)
}
