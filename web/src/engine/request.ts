/** Checks a caller's request and turns it into what the worker takes. */
import type {
  ChatRequest,
  CompletionRequest,
  CountOptions,
  EngineInfo,
  SamplingOptions,
  ScoreRequest,
  ToolFormat,
} from './api.ts'
import { EngineError } from './errors.ts'
import { conversationArgs } from './messages.ts'
import type { CountArgs, GenerateArgs, Sampling, ScoreArgs } from './protocol.ts'
import { responseConstraint } from './response-format.ts'
import { toolUse } from './tools.ts'
import { wrong } from './wrong.ts'

const MAX_STOPS = 4
const MAX_TOP_LOGPROBS = 20
const POLICIES = ['error', 'drop-oldest'] as const
const PRIORITIES = ['interactive', 'background'] as const
const SPECULATIONS = ['off', 'copy'] as const

/** What every request may say. */
const FIELDS = (
  'temperature top_p top_k min_p repetition_penalty presence_penalty frequency_penalty logit_bias seed stop model n user ' +
  'max_tokens max_completion_tokens response_format priority speculate prediction metadata store onProgress signal stream'
).split(' ')
const CHAT_FIELDS = [
  ...FIELDS,
  ...[
    'messages',
    'logprobs',
    'top_logprobs',
    'context_policy',
    'prefix_tokens',
    'tools',
    'tool_choice',
    'parallel_tool_calls',
  ],
]
const COMPLETION_FIELDS = [...FIELDS, 'prompt', 'logprobs']

export interface ChatArgs {
  args: GenerateArgs
  /** How to read the calls of tools in the answer, null where there are none to read. */
  toolFormat: ToolFormat | null
}

/** @throws EngineError 'bad-request', naming the field, also one that is not known */
export function chatArgs(given: ChatRequest, info: EngineInfo): ChatArgs {
  const request = present(given, CHAT_FIELDS)
  const conversation = conversationArgs(request.messages)
  const shared = common(request, info)
  const use = toolUse(request, shared.constraint, info)
  const policy = { field: 'context_policy', among: POLICIES, without: 'error' } as const
  return {
    args: {
      ...shared,
      prompt: { kind: 'chat', ...conversation, tools: use.tools },
      constraint: use.constraint,
      contextPolicy: choice(request.context_policy, policy),
      topLogprobs: chatLogprobs(request),
      resume: prefixTokens(request.prefix_tokens),
    },
    toolFormat: use.format,
  }
}

/** @throws EngineError 'bad-request', naming the field, also one that is not known */
export function completionArgs(given: CompletionRequest, info: EngineInfo): GenerateArgs {
  const request = present(given, COMPLETION_FIELDS)
  const { prompt, logprobs } = request
  if (typeof prompt !== 'string') throw wrong('prompt', 'a text', prompt)
  if (logprobs !== undefined && !isTopLogprobs(logprobs)) throw wrong('logprobs', TOP_LOGPROBS, logprobs)
  return {
    ...common(request, info),
    prompt: { kind: 'text', text: prompt },
    contextPolicy: 'error', // a raw prompt has no turns that could be left out
    topLogprobs: logprobs ?? null,
  }
}

/** A request without what is null in it, which says the same as nothing. */
function present<R extends object>(request: R, fields: readonly string[]): R {
  const given = Object.entries(request).filter(([, value]) => value !== null && value !== undefined)
  for (const [name] of given) {
    if (!fields.includes(name)) throw new EngineError('bad-request', `${name}: is not supported. Leave it out.`)
  }
  return Object.fromEntries(given) as R // the same fields, less those that were empty
}

/** @throws EngineError 'bad-request', naming the field */
export function countArgs(input: unknown, options: CountOptions, info: EngineInfo): CountArgs {
  const { max_tokens: maxTokens } = options
  if (maxTokens !== undefined && !RULES.max_tokens.valid(maxTokens))
    throw wrong('max_tokens', RULES.max_tokens.expected, maxTokens)
  const { tools } = toolUse(options, null, info)
  const prompt: CountArgs['prompt'] =
    typeof input === 'string' ? { kind: 'text', text: input } : { kind: 'chat', ...conversationArgs(input), tools }
  return { prompt, maxTokens: maxTokens ?? null, constraint: responseConstraint(options.response_format) }
}

/** @throws EngineError 'bad-request', naming the field */
export function scoreArgs({ prompt, continuations, withEnd, priority }: ScoreRequest): ScoreArgs {
  const isText = typeof prompt === 'string'
  if (!Array.isArray(continuations) || continuations.length === 0 || continuations.some(text => text === ''))
    throw wrong('continuations', 'a list of texts, none of them empty', continuations)
  return {
    prompt: isText ? { kind: 'text', text: prompt } : scoredPrompt(prompt),
    continuations: continuations.map((text, index) => textArgs(text, `continuations[${index}]`)),
    withEnd: withEnd ?? !isText,
    differences: false,
    priority: choice(priority, { field: 'priority', among: PRIORITIES, without: 'interactive' }),
  }
}

function scoredPrompt(prompt: Exclude<ScoreRequest['prompt'], string>): ScoreArgs['prompt'] {
  if (typeof prompt !== 'object' || prompt === null || !('task' in prompt))
    return { kind: 'chat', ...conversationArgs(prompt), tools: [] }
  return { kind: 'task', task: textArgs(prompt.task, 'prompt.task'), text: textArgs(prompt.text, 'prompt.text') }
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

type Common = Omit<GenerateArgs, 'prompt' | 'contextPolicy' | 'topLogprobs'>

function common(request: SamplingOptions, { bundle }: EngineInfo): Common {
  const { model, n, store } = request
  if (model !== undefined && model !== bundle.id) throw wrong('model', `"${bundle.id}", which is loaded`, model)
  if (n !== undefined && n !== 1) throw wrong('n', '1: one answer a call', n)
  if (store !== undefined && store !== false) throw wrong('store', 'false: nothing is stored', store)
  return {
    sampling: sampling(request),
    stop: stops(request.stop),
    priority: choice(request.priority, { field: 'priority', among: PRIORITIES, without: 'interactive' }),
    speculation: speculation(request),
    constraint: responseConstraint(request.response_format),
    resume: [],
  }
}

function sampling(request: SamplingOptions): Sampling {
  const sampling: Sampling = {}
  const { max_tokens, max_completion_tokens: newer } = request
  if (max_tokens !== undefined && newer !== undefined)
    throw wrong('max_completion_tokens', 'nothing, since max_tokens is given', newer)
  const named = newer === undefined ? request : { ...request, max_tokens: newer }
  for (const [name, { expected, valid }] of Object.entries(RULES)) {
    const key = name as keyof typeof RULES // Object.entries forgets the key type of a constant
    const value = named[key]
    if (value === undefined) continue
    if (typeof value !== 'number' || !valid(value)) throw wrong(key, expected, value)
    sampling[key] = value
  }
  if (request.logit_bias !== undefined) sampling.logit_bias = logitBias(request.logit_bias)
  return sampling
}

function logitBias(bias: unknown): Record<string, number> {
  const expected = 'an object of token ids with numbers from -100 to 100'
  if (typeof bias !== 'object' || bias === null || Array.isArray(bias)) throw wrong('logit_bias', expected, bias)
  for (const [token, value] of Object.entries(bias)) {
    if (!/^\d+$/.test(token) || !within(value, 100)) throw wrong('logit_bias', expected, { [token]: value })
  }
  return { ...bias }
}

function chatLogprobs({ logprobs, top_logprobs: top }: ChatRequest): number | null {
  if (logprobs !== undefined && typeof logprobs !== 'boolean') throw wrong('logprobs', 'true or false', logprobs)
  if (top === undefined) return logprobs ? 0 : null
  if (!isTopLogprobs(top)) throw wrong('top_logprobs', TOP_LOGPROBS, top)
  if (!logprobs) throw wrong('logprobs', 'true, since top_logprobs is given', logprobs)
  return top
}

const TOP_LOGPROBS = `a whole number from 0 to ${MAX_TOP_LOGPROBS}`

function isTopLogprobs(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_TOP_LOGPROBS
}

function prefixTokens(tokens: unknown): number[] {
  if (tokens === undefined) return []
  if (!Array.isArray(tokens) || !tokens.every(token => Number.isSafeInteger(token) && token >= 0))
    throw wrong('prefix_tokens', 'a list of token ids', tokens)
  return tokens
}

function speculation({ speculate, prediction }: SamplingOptions): GenerateArgs['speculation'] {
  const mode = choice(speculate, { field: 'speculate', among: SPECULATIONS, without: prediction ? 'copy' : 'off' })
  if (prediction !== undefined && typeof prediction?.content !== 'string')
    throw wrong('prediction', 'an object with a text as its content', prediction)
  return mode === 'off' ? null : { draft: prediction?.content ?? null }
}

function choice<T extends string>(value: unknown, rule: { field: string; among: readonly T[]; without: T }): T {
  if (value === undefined) return rule.without
  if (!isOneOf(value, rule.among)) throw wrong(rule.field, `one of ${rule.among.join(', ')}`, value)
  return value
}

function isOneOf<T extends string>(value: unknown, among: readonly T[]): value is T {
  return among.some(entry => entry === value)
}

function within(value: unknown, most: number): value is number {
  return typeof value === 'number' && Math.abs(value) <= most
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
  min_p: { expected: 'a number from 0 to 1', valid: (value: number) => value >= 0 && value <= 1 },
  repetition_penalty: { expected: 'a number above 0', valid: (value: number) => Number.isFinite(value) && value > 0 },
  presence_penalty: { expected: 'a number from -2 to 2', valid: (value: number) => within(value, 2) },
  frequency_penalty: { expected: 'a number from -2 to 2', valid: (value: number) => within(value, 2) },
  seed: { expected: 'a whole number', valid: (value: number) => Number.isSafeInteger(value) },
  max_tokens: {
    expected: 'a whole number of at least 1',
    valid: (value: number) => Number.isInteger(value) && value >= 1,
  },
} satisfies { [K in keyof Omit<Sampling, 'logit_bias'>]-?: { expected: string; valid: (value: number) => boolean } }
