/**
 * How likely a model finds each of several texts behind one prompt: sums of log probabilities.
 * What writing an answer has told of them is known already (known-logs.ts), and what texts have in common is computed once:
 * the next is always the one that shares most with the cache.
 */
import type { Context, Rows } from '../context.ts'
import { nextTask } from '../generate.ts'
import type { Place } from '../known-logs.ts'
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
  const { prompt, continuations, signal } = scoring
  const shared = scoring.differences ? sharedLength(continuations) : 0
  const found: number[] = new Array(continuations.length).fill(0)
  const left = new Set(continuations.keys())
  while (left.size > 0) {
    await nextTask()
    signal.throwIfAborted()
    await scoring.giveWay()
    signal.throwIfAborted()
    const cached = (index: number) => context.shares([...prompt, ...(continuations[index] ?? [])])
    const next = [...left].reduce((best, index) => (cached(index) > cached(best) ? index : best))
    left.delete(next)
    found[next] = await scoreOf(context, scoring, { tokens: continuations[next] ?? [], shared })
  }
  return found
}

interface Continuation {
  tokens: readonly number[]
  /** How many of them do not count. */
  shared: number
}

async function scoreOf(context: Context, scoring: Scoring, { tokens, shared }: Continuation): Promise<number> {
  const { endOfTurn } = scoring
  const steps = stepsOf(context.known.behind(scoring.prompt), tokens, endOfTurn)
  const isKnown = ({ place, asked }: Step, at: number) => at < shared || asked.every(token => place.logs.has(token))
  const unknown = steps.findIndex((step, at) => !isKnown(step, at))
  let at = unknown
  if (unknown >= 0)
    for await (const { rows, row } of rowsFrom(context, scoring, { tokens, known: unknown })) {
      const step = steps[at++]
      if (step) await note(context, { rows, row }, step)
    }
  const logs = steps.map(({ place, asked }) => asked.map(token => place.logs.get(token) ?? Number.NEGATIVE_INFINITY))
  const sum = logs.slice(shared, tokens.length).reduce((total, [log = 0]) => total + log, 0)
  const end = logs[tokens.length]?.reduce((total, log) => total + Math.exp(log), 0) ?? 0
  return sum + (endOfTurn.length > 0 ? Math.log(end) : 0)
}

/** What is asked at each place of a continuation: its next token; behind the last one the tokens that end an answer. */
interface Step {
  place: Place
  asked: readonly number[]
}

function stepsOf(first: Place, tokens: readonly number[], endOfTurn: readonly number[]): Step[] {
  let place = first
  const steps = tokens.map((token): Step => {
    const step = { place, asked: [token] }
    place = place.behind(token)
    return step
  })
  return [...steps, { place, asked: endOfTurn }]
}

async function note(context: Context, { rows, row }: { rows: Rows; row: number }, { place, asked }: Step) {
  const step = rows[row]
  if (step) context.known.note(place, step, asked)
  if (asked.some(token => !place.logs.has(token))) context.known.note(place, await context.logits(rows, row), asked)
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
