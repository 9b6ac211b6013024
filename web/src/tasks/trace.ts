/**
 * The tokens of an answer as the model saw them: what came, how likely it was, what else could have come. Kept beside
 * the answer in a compact form that is plain JSON. Probabilities are the model's own, before any sampling setting. Pure.
 */
import type { ChatLogprobs, TokenLogprob } from '../engine/api.ts'

/** How many likeliest tokens are asked for beside each token. */
export const ALTERNATIVES = 5

export interface TracedToken {
  id: number
  /** As it is spelled alone: U+FFFD for part of a character; a special token by its name. */
  text: string
  /** UTF-8; [] for special tokens without text. */
  bytes: number[]
  /** 0 to 1. */
  probability: number
}

export interface TracedStep extends TracedToken {
  /** The likeliest tokens at this place, best first; the one that came is among them or not. */
  top: TracedToken[]
}

/**
 * `text_offset`: where the text of these tokens begins in the answer, in UTF-16 code units: behind a beginning that was given
 * as text. `ids` and `nats` are little-endian Uint32 and Uint16 in base64: of each token itself, then its `top` alternatives.
 * `nats` are −1000 times the natural logarithm of probabilities, 65535 for what is less likely than that can say.
 * `spell`: id → text; → bytes where a token holds part of a character; → a name in a list for special tokens.
 */
export interface Trace {
  text_offset: number
  top: number
  ids: string
  nats: string
  spell: Record<string, string | number[] | [string]>
}

/** Collects what an answer's chunks tell of its tokens. */
export class Tracer {
  readonly #steps: TracedStep[]
  readonly #textOffset: number

  /** @param begun the steps that the answer has already, and where their text begins in it */
  constructor(begun: readonly TracedStep[] = [], textOffset = 0) {
    this.#steps = [...begun]
    this.#textOffset = textOffset
  }

  take(logprobs: ChatLogprobs | undefined): void {
    for (const { top_logprobs: top, ...token } of logprobs?.content ?? [])
      this.#steps.push({ ...traced(token), top: top.map(traced) })
  }

  get steps(): readonly TracedStep[] {
    return this.#steps
  }

  /** Null where nothing was told. */
  pack(): Trace | null {
    return this.#steps.length === 0 ? null : pack(this.#steps, this.#textOffset)
  }
}

function traced({ token, token_id: id, bytes, logprob }: TokenLogprob): TracedToken {
  return { id, text: token, bytes: bytes ?? [], probability: Math.exp(logprob) }
}

const LEAST = 65_535

export function pack(steps: readonly TracedStep[], textOffset = 0): Trace {
  const top = Math.max(0, ...steps.map(step => step.top.length))
  const all = steps.flatMap(step => [step, ...Array.from({ length: top }, (_, index) => step.top[index] ?? step)])
  const ids = Uint32Array.from(all, ({ id }) => id)
  const nats = Uint16Array.from(all, ({ probability }) => Math.min(LEAST, Math.round(-1000 * Math.log(probability))))
  const spell: Trace['spell'] = {}
  for (const { id, text, bytes } of all) {
    if (bytes.length === 0) spell[id] = [text]
    else spell[id] = isWhole(text, bytes) ? text : bytes
  }
  return { text_offset: textOffset, top, ids: base64(ids), nats: base64(nats), spell }
}

/** @throws Error where `trace` is not what `pack` made: from a damaged file */
export function unpack(trace: Trace): TracedStep[] {
  const ids = new Uint32Array(bytesOf(trace.ids).buffer)
  const nats = new Uint16Array(bytesOf(trace.nats).buffer)
  const width = 1 + trace.top
  if (ids.length !== nats.length || ids.length % width !== 0) throw new Error('The tokens of this answer are damaged.')
  const at = (place: number): TracedToken => {
    const id = ids[place] ?? 0
    return { id, ...spelled(trace.spell[id]), probability: Math.exp(-(nats[place] ?? LEAST) / 1000) }
  }
  return Array.from({ length: ids.length / width }, (_, step) => ({
    ...at(step * width),
    top: distinct(Array.from({ length: trace.top }, (_, index) => at(step * width + 1 + index))),
  }))
}

/** True for what `pack` makes, as far as its shape tells: for files from elsewhere. */
export function isTrace(value: unknown): value is Trace {
  const { text_offset, top, ids, nats, spell } = Object(value)
  const plain =
    Number.isInteger(text_offset) && Number.isInteger(top) && typeof ids === 'string' && typeof nats === 'string'
  return plain && typeof spell === 'object' && spell !== null
}

/** A step with fewer alternatives than others was filled up with its own token. */
function distinct(tokens: TracedToken[]): TracedToken[] {
  return tokens.filter(({ id }, index) => tokens.findIndex(other => other.id === id) === index)
}

function spelled(spelling: Trace['spell'][string] | undefined): { text: string; bytes: number[] } {
  if (spelling === undefined) return { text: '\uFFFD', bytes: [] }
  if (typeof spelling === 'string') return { text: spelling, bytes: Array.from(new TextEncoder().encode(spelling)) }
  if (typeof spelling[0] === 'string') return { text: spelling[0], bytes: [] }
  const bytes = spelling.filter(byte => typeof byte === 'number')
  return { text: new TextDecoder().decode(Uint8Array.from(bytes)), bytes }
}

function isWhole(text: string, bytes: readonly number[]): boolean {
  const again = new TextEncoder().encode(text)
  return again.length === bytes.length && bytes.every((byte, index) => byte === again[index])
}

function base64(numbers: Uint32Array | Uint16Array): string {
  const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength)
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(atob(text), letter => letter.charCodeAt(0))
}
