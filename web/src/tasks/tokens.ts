/**
 * Reading an answer's tokens: which of them make whole characters together, how unsure the model was, what text a branch
 * begins with, where two answers part. Pure.
 */
import type { TracedStep, TracedToken } from './trace.ts'

/** Tokens [from, to) that make whole characters together: most often one. */
export interface Cell {
  from: number
  to: number
  text: string
}

/** Bytes that never become a character are shown as U+FFFD. */
export function cellsOf(steps: readonly TracedStep[]): Cell[] {
  const cells: Cell[] = []
  let from = 0
  let open: number[] = []
  for (const [index, { text, bytes }] of steps.entries()) {
    open.push(...bytes)
    const joined = from === index ? text : decode(open)
    if (joined.endsWith('\uFFFD') && open.length < 4 && bytes.length > 0 && index < steps.length - 1) continue
    cells.push({ from, to: index + 1, text: joined })
    from = index + 1
    open = []
  }
  return cells
}

export type Certainty = 'sure' | 'wavering' | 'unsure' | 'guessing'

/**
 * In bits: up to so many, one level after the other. 1 bit is a fair coin's worth of doubt; five listed alternatives and
 * the rest as one tell of 2.6 at most.
 */
const LIMITS = [
  [0.7, 'sure'],
  [1.5, 'wavering'],
  [2.2, 'unsure'],
] as const

export function certainty(step: TracedStep): Certainty {
  const bits = entropyBits(step)
  return LIMITS.find(([most]) => bits <= most)?.[1] ?? 'guessing'
}

/**
 * Shannon entropy of what could have come at this place, at least: the tokens beside the listed ones count as one.
 */
export function entropyBits({ top, ...came }: TracedStep): number {
  const listed = top.some(({ id }) => id === came.id) ? top : [...top, came]
  const rest = Math.max(0, 1 - listed.reduce((sum, { probability }) => sum + probability, 0))
  return [...listed.map(({ probability }) => probability), rest].reduce(
    (bits, probability) => (probability > 0 ? bits - probability * Math.log2(probability) : bits),
    0,
  )
}

/** How surprising the token was: 1 bit where it had one chance in two, 10 bits for one in a thousand. */
export function surpriseBits({ probability }: TracedToken): number {
  return -Math.log2(probability)
}

/** Whether something else was likelier. */
export function isLikeliest({ id, top }: TracedStep): boolean {
  return top.length === 0 || top[0]?.id === id
}

/**
 * The text that a branch begins with: of the first `at` tokens, then of another one. Whole characters only; `answer` is
 * the text that was shown, where a tokenizer leaves out the space that its first token spells.
 */
export function branchText(steps: readonly TracedStep[], at: number, other: TracedToken, answer: string): string {
  const text = decode([...steps.slice(0, at), other].flatMap(({ bytes }) => bytes)).replaceAll('\uFFFD', '')
  const first = decode(steps.flatMap(({ bytes }) => bytes))
  return first.startsWith(' ') && !answer.startsWith(' ') ? text.slice(1) : text
}

/** The end of a text that may be the beginning of a stop text: the engine shows it itself once it is none. */
export function withoutHeldBack(text: string, stops: readonly string[]): string {
  const longest = Math.max(0, ...stops.map(stop => stop.length - 1))
  for (let length = Math.min(longest, text.length); length > 0; length--) {
    const end = text.slice(-length)
    if (stops.some(stop => stop.length > length && stop.startsWith(end))) return text.slice(0, -length)
  }
  return text
}

/** Where two answers part. */
export interface Parting {
  at: number
  /** The token of each at that place; null where that answer has ended. */
  first: TracedStep | null
  second: TracedStep | null
  /** How likely the other one's token was here, by each; null where it is not among the listed alternatives. */
  secondInFirst: number | null
  firstInSecond: number | null
}

/**
 * Null where both are the same. Tokens are compared by their bytes, which another vocabulary has too.
 */
export function parting(first: readonly TracedStep[], second: readonly TracedStep[]): Parting | null {
  const length = Math.max(first.length, second.length)
  for (let at = 0; at < length; at++) {
    const [one, other] = [first[at] ?? null, second[at] ?? null]
    if (one && other && sameToken(one, other)) continue
    return { at, first: one, second: other, secondInFirst: chance(one, other), firstInSecond: chance(other, one) }
  }
  return null
}

/** How likely `wanted` was where `step` came. */
function chance(step: TracedStep | null, wanted: TracedToken | null): number | null {
  if (!step || !wanted) return null
  return [step, ...step.top].find(token => sameToken(token, wanted))?.probability ?? null
}

function sameToken(a: TracedToken, b: TracedToken): boolean {
  return a.text === b.text && a.bytes.join() === b.bytes.join()
}

function decode(bytes: readonly number[]): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes))
}
