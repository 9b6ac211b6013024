/**
 * One answer: reads the part of the prompt that is not in the KV cache yet, then picks and decodes token by token, or
 * several at a time where guesses by copying come true. Ends when the model ends its turn, a stop string comes, the limit
 * is reached or somebody cancels. Between runs of the model it lets others have the model first, and goes on afterwards.
 */
import { Answer, type AnswerSettings } from './answer.ts'
import type { Stats, StopReason } from './api.ts'
import type { Context, Rows } from './context.ts'
import { Copier } from './copying.ts'
import { EngineError } from './errors.ts'
import type { Place } from './known-logs.ts'
import type { PrefillEvent, TextEvent } from './protocol.ts'
import { wrong } from './wrong.ts'

export interface Generation extends Omit<AnswerSettings, 'continuesPrompt' | 'vocabularySize' | 'limit'> {
  maxTokens: number
  /** Tokens of this answer that are known and shown already. */
  resume: readonly number[]
  /** Guesses by copying; `draft` is a text much like the answer, [] for none: what it and the answer gain is kept. Null without. */
  speculation: { draft: readonly number[] } | null
  /** Waits where something more urgent does; true where that used the model meanwhile. */
  giveWay: () => Promise<boolean>
  signal: AbortSignal
}

export type GenerationEvent = PrefillEvent | TextEvent
export type GenerationStats = Omit<Stats, 'droppedMessages' | 'recoveries'>

/** Returns the figures, also when cancelled. */
export async function* generate(
  context: Context,
  request: Generation,
): AsyncGenerator<GenerationEvent, GenerationStats> {
  const run = new Run(context, request)
  let rows = yield* run.begin()
  while (rows !== null) {
    const token = await run.pick(rows)
    const event = run.answer.flush()
    if (event) yield event
    if (run.answer.ended !== null) break
    rows = await run.step(token)
  }
  return run.stats()
}

class Run {
  readonly answer: Answer
  readonly #context: Context
  readonly #request: Generation
  readonly #copier: Copier | null
  /** Behind the answer so far; null where nobody will ask what it gains. */
  #place: Place | null
  /** Guessed tokens of the last step, which its rows answer. */
  #guesses: number[] = []
  readonly #counts = { cachedTokens: 0, draftedTokens: 0, acceptedTokens: 0 }
  readonly #clock = { started: performance.now(), prefilled: 0, firstToken: 0, waited: 0 }

  constructor(context: Context, request: Generation) {
    const { backend } = context
    this.#context = context
    this.#request = request
    this.answer = new Answer({
      ...request,
      limit: answerLimit(context, request),
      continuesPrompt: backend.continuesPrompt,
      vocabularySize: backend.vocabularySize,
    })
    // Guesses have to be taken back, which an encoder-decoder's cache cannot.
    const copies = request.speculation !== null && backend.continuesPrompt
    this.#copier = copies ? new Copier(request.speculation?.draft ?? [], request.prompt) : null
    this.#place = request.speculation?.draft.length ? context.known.behind(request.prompt) : null
    for (const [at, token] of request.resume.entries()) {
      this.#resume(token, at)
      this.#copier?.accept(token)
      this.#place = this.#place?.behind(token) ?? null
    }
    this.answer.flush() // shown already
  }

  #resume(token: number, at: number): void {
    try {
      this.answer.take(token)
    } catch (cause) {
      if (this.#request.constraint === null) throw cause
      throw wrong(`prefix_tokens[${at}]`, 'a token that response_format and tools allow there', token)
    }
  }

  /** Rows to pick the first token from; null where there is nothing to pick, or the job was cancelled. */
  async *begin(): AsyncGenerator<PrefillEvent, Rows | null> {
    if (this.answer.ended !== null) return null
    const rows = yield* this.#read()
    this.#clock.prefilled = performance.now()
    return rows
  }

  /** Takes as many tokens from the rows as guesses came true, and one more; returns that one. */
  async pick(rows: Rows): Promise<number> {
    const guesses = this.#guesses
    const held = this.#context.length - guesses.length
    let token = 0
    let right = 0
    for (const [row, step] of rows.entries()) {
      token = await this.answer.next(step, () => this.#context.logits(rows, row))
      if (this.#clock.firstToken === 0) this.#clock.firstToken = performance.now()
      this.#copier?.accept(token)
      if (this.answer.ended !== null || token !== guesses[row]) break
      right++
    }
    this.#keep(rows, { token, right })
    if (guesses.length > 0) {
      this.#copier?.learn(guesses.length, right)
      this.#counts.draftedTokens += guesses.length
      this.#counts.acceptedTokens += right
      this.#context.truncate(held + right)
    }
    return token
  }

  /** Keeps what the rows say of the answer and of the guesses, those too that did not come true. */
  #keep(rows: Rows, { token, right }: { token: number; right: number }): void {
    let place = this.#place
    for (const [row, step] of rows.entries()) {
      if (place === null) return
      const guess = this.#guesses[row]
      const asked = [...(guess === undefined ? [] : [guess]), ...(row === right ? [token] : [])]
      this.#context.known.note(place, step, [...asked, ...this.#request.endOfTurn])
      if (row === right) this.#place = place.behind(token)
      place = guess === undefined ? null : place.behind(guess)
    }
  }

  /** Runs the model behind `token`; null where the job was cancelled. */
  async step(token: number): Promise<Rows | null> {
    await nextTask()
    if (this.#request.signal.aborted) return null
    this.#guesses = []
    if (await this.#giveWay()) return readQuietly(this.#read())
    const room = Math.min(this.answer.tokensLeft, this.#context.backend.contextLength - this.#context.length) - 1
    this.#guesses = room > 0 ? (this.#copier?.guess(room) ?? []) : []
    const all = this.answer.needsLogits
    if (this.#guesses.length === 0) return this.#context.decode(token, all)
    return this.#context.verify([token, ...this.#guesses], all)
  }

  stats(): GenerationStats {
    const { started, prefilled, firstToken, waited } = this.#clock
    const { outputTokens, ended } = this.answer
    const now = performance.now()
    const decodeMs = firstToken > 0 ? now - firstToken - waited : 0
    const decoded = outputTokens - this.#request.resume.length
    return {
      ...this.#counts,
      promptTokens: this.#request.prompt.length,
      outputTokens,
      timeToFirstTokenMs: firstToken > 0 ? firstToken - started : 0,
      prefillMs: (prefilled || now) - started,
      decodeMs,
      // The first token comes out of the prefill: what decoding made is all the others.
      tokensPerSecond: decoded > 1 && decodeMs > 0 ? ((decoded - 1) / decodeMs) * 1000 : 0,
      stopReason: ended ?? 'cancelled',
    }
  }

  /** Brings the context to hold every token so far, chunk by chunk; rows behind the last one, null where cancelled. */
  async *#read(): AsyncGenerator<PrefillEvent, Rows | null> {
    const { prompt } = this.#request
    const { backend } = this.#context
    while (!this.#request.signal.aborted) {
      const { tokens } = this.answer
      const isPromptAlone = tokens.length === prompt.length
      const cachedTokens = await this.#context.reuse(tokens)
      const isBeginning = this.answer.outputTokens === this.#request.resume.length
      if (isBeginning) this.#counts.cachedTokens = Math.min(cachedTokens, prompt.length)
      const end = backend.continuesPrompt ? tokens.length : prompt.length
      let rows: Rows | null = null
      let interrupted = false
      for (let from = cachedTokens; from < end; from += backend.chunkTokens) {
        await nextTask()
        if (this.#request.signal.aborted) return null
        interrupted = await this.#giveWay()
        if (interrupted) break
        const to = Math.min(end, from + backend.chunkTokens)
        rows = await this.#context.prefill(tokens.subarray(from, to), this.answer.needsLogits)
        if (isPromptAlone) yield { kind: 'prefill', prefilledTokens: to, promptTokens: prompt.length, cachedTokens }
      }
      if (interrupted) continue
      return end < tokens.length ? this.#rewrite(tokens.subarray(end)) : rows
    }
    return null
  }

  /** An encoder-decoder's answer so far, written again behind its prompt. */
  async #rewrite(tokens: Int32Array): Promise<Rows> {
    const rows = await this.#context.verify(tokens, this.answer.needsLogits)
    return rows.slice(-1)
  }

  async #giveWay(): Promise<boolean> {
    const before = performance.now()
    const used = await this.#request.giveWay()
    if (this.#clock.firstToken > 0) this.#clock.waited += performance.now() - before
    return used
  }
}

async function readQuietly(reading: AsyncGenerator<PrefillEvent, Rows | null>): Promise<Rows | null> {
  for (;;) {
    const step = await reading.next()
    if (step.done) return step.value
  }
}

/** How many tokens may come: what was asked for, or what fits. */
function answerLimit({ backend }: Context, { prompt, maxTokens }: Generation): { tokens: number; reason: StopReason } {
  if (prompt.length === 0) throw new EngineError('bad-request', { kind: 'empty-prompt' })
  const room = backend.room(prompt.length)
  if (room === 0) {
    const facts = { tokens: prompt.length, most: backend.contextLength }
    throw new EngineError('bad-request', { kind: 'prompt-too-long', ...facts })
  }
  return maxTokens <= room ? { tokens: maxTokens, reason: 'max-tokens' } : { tokens: room, reason: 'context-full' }
}

const channel = new MessageChannel()
const waiting: (() => void)[] = []
channel.port1.onmessage = () => waiting.shift()?.()

/** Lets the worker read its messages. Awaiting a backend is not enough: on the CPU it never leaves the current task. */
export function nextTask(): Promise<void> {
  return new Promise(resolve => {
    waiting.push(resolve)
    channel.port2.postMessage(null)
  })
}
