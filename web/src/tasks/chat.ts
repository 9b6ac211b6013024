/** The chat task: what a user may set, which values are possible, and which request a conversation with it makes. Pure. */
import type { ChatMessageParam, ChatRequest, ResponseFormat } from '../engine/api.ts'
import { EngineError } from '../engine/errors.ts'

export type NumberName =
  | 'temperature'
  | 'top_p'
  | 'top_k'
  | 'min_p'
  | 'repetition_penalty'
  | 'presence_penalty'
  | 'frequency_penalty'
  | 'max_tokens'
  | 'seed'

/** Numbers that are null are left to the model's defaults; without a seed each answer draws its own. */
export interface ChatSettings extends Record<NumberName, number | null> {
  system: string
  stop: string[]
  format: AnswerFormat
}

/** The shape that every answer must have. A schema is kept as it was typed. */
export type AnswerFormat =
  | { type: 'text' }
  | { type: 'json_object' }
  | { type: 'json_schema'; schema: string }
  | { type: 'regex'; pattern: string }

export interface NumberRange {
  least: number
  most: number
  /** Of the slider and of the arrow keys; 1 for whole numbers. */
  step: number
}

/** `max_tokens` is limited by the model's context too. */
export const RANGES: Readonly<Record<NumberName, NumberRange>> = {
  temperature: { least: 0, most: 2, step: 0.05 },
  top_p: { least: 0.01, most: 1, step: 0.01 },
  top_k: { least: 0, most: 200, step: 1 },
  min_p: { least: 0, most: 1, step: 0.01 },
  repetition_penalty: { least: 0.5, most: 2, step: 0.01 },
  presence_penalty: { least: -2, most: 2, step: 0.1 },
  frequency_penalty: { least: -2, most: 2, step: 0.1 },
  max_tokens: { least: 1, most: 131_072, step: 1 },
  seed: { least: 0, most: 2 ** 32 - 1, step: 1 },
}

export const NUMBERS = Object.keys(RANGES) as NumberName[] // the keys of a constant, which Object.keys forgets
export const MAX_STOPS = 4

export const MODEL_DEFAULTS: Readonly<ChatSettings> = {
  system: '',
  temperature: null,
  top_p: null,
  top_k: null,
  min_p: null,
  repetition_penalty: null,
  presence_penalty: null,
  frequency_penalty: null,
  max_tokens: null,
  seed: null,
  stop: [],
  format: { type: 'text' },
}

/** What of a request to come does not follow from conversation and settings. */
export type RequestExtras = Pick<ChatRequest, 'logprobs' | 'top_logprobs' | 'prefix_tokens'>

/**
 * What does not fit into the model's context is left out from the oldest turn on: the page says so beforehand.
 * @throws EngineError 'bad-request' where the schema is not JSON
 */
export function chatRequest(
  messages: readonly ChatMessageParam[],
  settings: ChatSettings,
  signal: AbortSignal,
  extras: RequestExtras = {},
): ChatRequest & { stream: true } {
  const request: ChatRequest & { stream: true } = {
    messages: spoken(messages, settings),
    stream: true,
    context_policy: 'drop-oldest',
    signal,
    ...extras,
  }
  for (const name of NUMBERS) {
    const value = settings[name]
    if (value !== null) request[name] = value
  }
  if (settings.stop.length > 0) request.stop = settings.stop
  if (settings.format.type !== 'text') request.response_format = responseFormat(settings.format)
  return request
}

/** The conversation as the model gets it, with its instructions before it. */
export function spoken(messages: readonly ChatMessageParam[], { system }: ChatSettings): ChatMessageParam[] {
  const plain = messages.map(({ role, content, prefix }) => ({
    ...{ role, content: content ?? '' },
    ...(prefix ? { prefix } : {}),
  }))
  return system.trim() ? [{ role: 'system', content: system.trim() }, ...plain] : plain
}

/** @throws EngineError 'bad-request' where a schema is not JSON */
export function responseFormat(format: AnswerFormat): ResponseFormat {
  if (format.type !== 'json_schema') return format
  try {
    return { type: 'json_schema', json_schema: { schema: JSON.parse(format.schema) } }
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause)
    throw new EngineError('bad-request', { kind: 'schema-not-json', said }, { cause })
  }
}

/** The same settings with a seed, so that what comes of them can be made again. */
export function seeded(settings: ChatSettings): ChatSettings & { seed: number } {
  return { ...settings, seed: settings.seed ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0 }
}

/**
 * Settings out of anything: what is missing is left to the model, what is impossible is named in `wrong` and left out.
 */
export function readChatSettings(value: unknown): { settings: ChatSettings; wrong: string[] } {
  const given: Record<string, unknown> = { ...Object(value) }
  const settings: ChatSettings = { ...MODEL_DEFAULTS }
  const wrong: string[] = []
  const take = <T>(name: string, read: (found: unknown) => T | undefined, put: (found: T) => void) => {
    const found = given[name]
    if (found === undefined || found === null) return
    const read_ = read(found)
    if (read_ === undefined) wrong.push(name)
    else put(read_)
  }
  for (const name of NUMBERS) {
    take(
      name,
      found => possible(name, found),
      number => {
        settings[name] = number
      },
    )
  }
  take('system', textOf, system => {
    settings.system = system
  })
  take('stop', stopsOf, stop => {
    settings.stop = stop
  })
  take('format', formatOf, format => {
    settings.format = format
  })
  return { settings, wrong }
}

/** The number where a setting can have it, else undefined. */
export function possible(name: NumberName, value: unknown): number | undefined {
  const { least, most, step } = RANGES[name]
  if (typeof value !== 'number' || !(value >= least && value <= most)) return undefined
  return step === 1 && !Number.isInteger(value) ? undefined : value
}

/**
 * A chat's own settings after a change: `part` over `own`, without what is as it is beneath them (`base`), so that
 * those follow `base` again.
 */
export function overriding(
  own: Partial<ChatSettings>,
  part: Partial<ChatSettings>,
  base: ChatSettings,
): Partial<ChatSettings> {
  const names = Object.keys(part) as (keyof ChatSettings)[] // the keys of its type, which Object.keys forgets
  const same = new Set<string>(names.filter(name => sameValue(part[name], base[name])))
  return Object.fromEntries(Object.entries({ ...own, ...part }).filter(([name]) => !same.has(name)))
}

/** True where two values of a setting are one: stop strings and formats are lists and objects. */
export function sameValue(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** True where two settings ask for the same. */
export function sameSettings(a: ChatSettings, b: ChatSettings): boolean {
  return JSON.stringify(readChatSettings(a).settings) === JSON.stringify(readChatSettings(b).settings)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function stopsOf(value: unknown): string[] | undefined {
  const valid = Array.isArray(value) && value.length <= MAX_STOPS
  return valid && value.every(text => typeof text === 'string' && text !== '') ? [...value] : undefined
}

function formatOf(value: unknown): AnswerFormat | undefined {
  const { type, schema, pattern } = Object(value)
  if (type === 'text' || type === 'json_object') return { type }
  if (type === 'json_schema' && typeof schema === 'string') return { type, schema }
  if (type === 'regex' && typeof pattern === 'string') return { type, pattern }
  return undefined
}
