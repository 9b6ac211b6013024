/** Checks a caller's request and turns it into what the worker takes. */
import type { ChatMessage, ChatRequest, CompletionRequest, SamplingOptions } from './api.ts'
import { EngineError } from './errors.ts'
import type { GenerateArgs, Sampling } from './protocol.ts'

const MAX_STOPS = 4
const ROLES = ['system', 'user', 'assistant']

/** @throws EngineError 'bad-request', naming the field */
export function chatArgs(request: ChatRequest): GenerateArgs {
  const { messages } = request
  if (!Array.isArray(messages) || messages.length === 0)
    throw wrong('messages', 'a list with at least one message', messages)
  return { prompt: { kind: 'chat', messages: messages.map(message) }, ...common(request) }
}

/** @throws EngineError 'bad-request', naming the field */
export function completionArgs(request: CompletionRequest): GenerateArgs {
  const { prompt } = request
  if (typeof prompt !== 'string') throw wrong('prompt', 'a text', prompt)
  return { prompt: { kind: 'text', text: prompt }, ...common(request) }
}

/** @throws EngineError 'bad-request', naming the field */
export function textArgs(text: unknown, field = 'text'): string {
  if (typeof text !== 'string') throw wrong(field, 'a text', text)
  return text
}

/** @throws EngineError 'bad-request', naming the field */
export function textsArgs(texts: unknown): string[] {
  if (!Array.isArray(texts)) throw wrong('texts', 'a list of texts', texts)
  return texts.map((text, index) => textArgs(text, `texts[${index}]`))
}

function message({ role, content }: ChatMessage, index: number): ChatMessage {
  if (!ROLES.includes(role)) throw wrong(`messages[${index}].role`, `one of ${ROLES.join(', ')}`, role)
  if (typeof content !== 'string') throw wrong(`messages[${index}].content`, 'a text', content)
  return { role, content }
}

function common(request: SamplingOptions): { sampling: Sampling; stop: string[] } {
  const sampling: Sampling = {}
  for (const [name, { expected, valid }] of Object.entries(RULES)) {
    const key = name as keyof typeof RULES // Object.entries forgets the key type of a constant
    const value = request[key]
    if (value === undefined) continue
    if (typeof value !== 'number' || !valid(value)) throw wrong(key, expected, value)
    sampling[key] = value
  }
  return { sampling, stop: stops(request.stop) }
}

function stops(stop: SamplingOptions['stop']): string[] {
  const list = stop === undefined ? [] : Array.isArray(stop) ? stop : [stop]
  const valid = list.length <= MAX_STOPS && list.every(text => typeof text === 'string' && text !== '')
  if (!valid) throw wrong('stop', `a text or up to ${MAX_STOPS} of them, none empty`, stop)
  return list
}

const RULES = {
  temperature: { expected: 'a number of at least 0', valid: (value: number) => Number.isFinite(value) && value >= 0 },
  top_p: { expected: 'a number above 0 and up to 1', valid: (value: number) => value > 0 && value <= 1 },
  top_k: { expected: 'a whole number of at least 0', valid: (value: number) => Number.isInteger(value) && value >= 0 },
  repetition_penalty: { expected: 'a number above 0', valid: (value: number) => Number.isFinite(value) && value > 0 },
  seed: { expected: 'a whole number', valid: (value: number) => Number.isSafeInteger(value) },
  max_tokens: {
    expected: 'a whole number of at least 1',
    valid: (value: number) => Number.isInteger(value) && value >= 1,
  },
} satisfies { [K in keyof Sampling]-?: { expected: string; valid: (value: number) => boolean } }

function wrong(field: string, expected: string, found: unknown): EngineError {
  const shown = found === undefined ? 'nothing' : JSON.stringify(found)?.slice(0, 80)
  return new EngineError('bad-request', `${field}: expected ${expected}, found ${shown}.`)
}
