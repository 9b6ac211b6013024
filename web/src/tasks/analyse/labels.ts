/**
 * Choosing among labels that are known, with a small model: each label is scored behind examples and the text, and what the
 * model would say of a text without content is taken off first ("contextual calibration", Zhao et al. 2021, arXiv
 * 2102.09690): small models prefer some labels whatever the text is. Pure but for the engine passed in.
 */
import type { Engine } from '../../engine/api.ts'

export type Scorer = Pick<Engine, 'score'>

export interface LabelTask<L extends string> {
  /** What the model reads before the label, for a text. */
  prompt: (text: string) => string
  /** How each label is written behind the prompt. */
  written: Readonly<Record<L, string>>
  /** Texts without content, whose scores are taken off. */
  empty: readonly string[]
}

/** Of a task and an engine, once: logarithms to be taken off. */
const offsets = new WeakMap<Scorer, Map<object, Promise<number[]>>>()

/** Probabilities of the labels, 0 to 1, together 1. @throws as `Engine.score` */
export async function labelled<L extends string>(
  engine: Scorer,
  { task, text, signal }: { task: LabelTask<L>; text: string; signal?: AbortSignal },
): Promise<Record<L, number>> {
  const labels = Object.keys(task.written) as L[] // exactly the labels, by its type
  const off = await offsetsOf(engine, task, labels)
  const found = await scored(engine, { task, text, labels, signal })
  const shares = softmax(found.map((score, index) => score - (off[index] ?? 0)))
  const pairs = labels.map((label, index) => [label, shares[index] ?? 0] as const)
  return Object.fromEntries(pairs) as Record<L, number> // one entry for each label
}

async function offsetsOf<L extends string>(
  engine: Scorer,
  task: LabelTask<L>,
  labels: readonly L[],
): Promise<number[]> {
  const known = offsets.get(engine) ?? new Map<object, Promise<number[]>>()
  offsets.set(engine, known)
  let found = known.get(task)
  if (!found) {
    found = mean(engine, task, labels)
    known.set(task, found)
    found.catch(() => known.delete(task)) // the next text asks again
  }
  return found
}

async function mean<L extends string>(engine: Scorer, task: LabelTask<L>, labels: readonly L[]): Promise<number[]> {
  const sums = labels.map(() => 0)
  for (const text of task.empty) {
    const shares = softmax(await scored(engine, { task, text, labels }))
    for (const [index, share] of shares.entries()) sums[index] = (sums[index] ?? 0) + share
  }
  return sums.map(sum => Math.log(sum / task.empty.length))
}

async function scored<L extends string>(
  engine: Scorer,
  asked: { task: LabelTask<L>; text: string; labels: readonly L[]; signal?: AbortSignal | undefined },
): Promise<number[]> {
  const { task, text, labels, signal } = asked
  const continuations = labels.map(label => task.written[label])
  return engine.score({ prompt: task.prompt(text), continuations, ...(signal ? { signal } : {}) })
}

/** Shares of e^x, safe for large numbers. */
export function softmax(logs: readonly number[]): number[] {
  const most = Math.max(...logs)
  const parts = logs.map(log => Math.exp(log - most))
  const sum = parts.reduce((total, part) => total + part, 0)
  return parts.map(part => part / sum)
}
