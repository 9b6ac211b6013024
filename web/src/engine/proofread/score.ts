/**
 * How likely a model finds each of several texts behind one prompt: sums of log probabilities.
 * What texts have in common is computed once: they are taken in the order of their tokens, so that each begins with most of
 * the one before it, which lies in the cache.
 */
import type { Context, Rows } from '../context.ts'
import { nextTask } from '../generate.ts'
import { LogProbabilities } from '../logprobs.ts'
import { commonLength } from '../parked.ts'

export interface Scoring {
  prompt: readonly number[]
  continuations: readonly (readonly number[])[]
  /** Tokens that end an answer, [] where its end does not count. */
  endOfTurn: readonly number[]
  /** Leaves out the tokens that all continuations begin with. */
  differences: boolean
  giveWay: () => Promise<boolean>
  signal: AbortSignal
}

/** Rows of logits at a time: each is as long as the vocabulary. */
const MOST_ROWS = 32

/**
 * Natural logarithms, in the order of `continuations`; with `differences` each without the tokens that all begin with.
 * @throws an AbortError where the signal aborts
 */
export async function scores(context: Context, scoring: Scoring): Promise<number[]> {
  const { continuations, signal } = scoring
  const shared = scoring.differences ? sharedLength(continuations) : 0
  const order = continuations.map((_, index) => index).sort((a, b) => compare(continuations[a], continuations[b]))
  const read = new LogProbabilities(0, () => ({ text: '', bytes: [] }), context.backend.vocabularySize)
  const found: number[] = new Array(continuations.length).fill(0)
  let before: { tokens: readonly number[]; logs: number[] } | null = null
  for (const index of order) {
    const tokens = continuations[index] ?? []
    await nextTask()
    signal.throwIfAborted()
    await scoring.giveWay()
    signal.throwIfAborted()
    const known: number = before
      ? Math.min(commonLength(tokens, before.tokens), tokens.length)
      : Math.min(shared, tokens.length)
    const logs: number[] = before ? before.logs.slice(0, known) : new Array(known).fill(0)
    let end = 0
    for await (const { rows, row } of rowsFrom(context, scoring, { tokens, known })) {
      const log = async (token: number) => {
        const step = rows[row]
        const sure = step && read.of(step, token)
        return sure?.logprob ?? read.of(await context.logits(rows, row), token)?.logprob ?? Number.NEGATIVE_INFINITY
      }
      const next = tokens[logs.length]
      if (next !== undefined) logs.push(await log(next))
      else for (const token of scoring.endOfTurn) end += Math.exp(await log(token))
    }
    before = { tokens, logs }
    const sum = logs.slice(shared).reduce((total, log) => total + log, 0)
    found[index] = sum + (scoring.endOfTurn.length > 0 ? Math.log(end) : 0)
  }
  return found
}

/** The model's steps behind `known` tokens of a continuation, one more for each of its others. */
async function* rowsFrom(
  context: Context,
  { prompt, signal }: Scoring,
  { tokens, known }: { tokens: readonly number[]; known: number },
): AsyncGenerator<{ rows: Rows; row: number }> {
  const { backend } = context
  const continues = backend.continuesPrompt
  const all = [...prompt, ...tokens]
  // An encoder-decoder's text begins anew behind its prompt, and nothing of it can be kept.
  const first = continues ? prompt.length + known - 1 : prompt.length
  const held = await context.reuse(all.slice(0, first + 1))
  for (let from = held; from < first; from += backend.chunkTokens) {
    signal.throwIfAborted()
    const rows = await context.prefill(all.slice(from, Math.min(first, from + backend.chunkTokens)), false)
    if (!continues && known === 0) yield { rows, row: 0 }
    await nextTask()
  }
  for (let from = first; from < all.length; from += MOST_ROWS) {
    signal.throwIfAborted()
    const rows = await context.verify(all.slice(from, from + MOST_ROWS), false)
    for (const row of rows.keys()) if (continues || from - first + row >= known - 1) yield { rows, row }
  }
}

function sharedLength(texts: readonly (readonly number[])[]): number {
  const [first = []] = texts
  return texts.reduce((least, tokens) => Math.min(least, commonLength(tokens, first)), first.length)
}

function compare(one: readonly number[] = [], other: readonly number[] = []): number {
  const at = commonLength(one, other)
  return (one[at] ?? -1) - (other[at] ?? -1)
}
