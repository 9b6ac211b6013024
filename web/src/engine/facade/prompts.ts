/** Prompts of the LanguageModelPrompt API as messages of the engine, and its constraints as response formats. */
import type { ChatMessageParam, ResponseFormat } from '../chat-types.ts'
import { notSupported } from './errors.ts'
import type {
  LanguageModelCreateCoreOptions,
  LanguageModelMessage,
  LanguageModelPrompt,
  LanguageModelPromptOptions,
  LanguageModelSamplingMode,
} from './shapes.ts'

/**
 * @param takesSystem whether a system message may come first
 * @throws TypeError, or a DOMException as the LanguageModelPrompt API has it
 */
export function messagesOf(input: LanguageModelPrompt, takesSystem: boolean): ChatMessageParam[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }]
  if (!Array.isArray(input) || input.length === 0) throw new TypeError('A prompt is a text or a list of messages.')
  return input.map((message, at) =>
    messageOf(message, { isFirst: at === 0 && takesSystem, isLast: at === input.length - 1 }),
  )
}

function messageOf({ role, content, prefix }: LanguageModelMessage, place: { isFirst: boolean; isLast: boolean }) {
  if (role !== 'system' && role !== 'user' && role !== 'assistant')
    throw new TypeError(`"${role}" is no role: use system, user or assistant.`)
  if (role === 'system' && !place.isFirst)
    throw new TypeError('A system message is the first message of a session or is not at all.')
  if (prefix && !(role === 'assistant' && place.isLast))
    throw new DOMException('Only a last message of the assistant can be a prefix.', 'SyntaxError')
  const message: ChatMessageParam = { role, content: textOf(content) }
  return prefix ? { ...message, prefix } : message
}

function textOf(content: LanguageModelMessage['content']): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) throw new TypeError('A message has a text, or a list of parts, as its content.')
  return content
    .map(({ type, value }) => {
      if (type !== 'text') throw notSupported(`This model reads text and no ${type}.`)
      if (typeof value !== 'string') throw new TypeError('A part of type "text" has a text as its value.')
      return value
    })
    .join('')
}

export interface Shaped {
  messages: ChatMessageParam[]
  format: ResponseFormat | null
}

/** Holds an answer to its constraint, and tells the model of it unless it must not. */
export function shaped(messages: ChatMessageParam[], options: LanguageModelPromptOptions): Shaped {
  const { responseConstraint: constraint, omitResponseConstraintInput: omit } = options
  if (constraint === undefined) {
    if (omit) throw new TypeError('omitResponseConstraintInput needs a responseConstraint.')
    return { messages, format: null }
  }
  const format = formatOf(constraint)
  const last = messages.findLastIndex(({ role }) => role === 'user')
  const told = omit ? messages : messages.map((message, at) => (at === last ? tell(message, format) : message))
  return { messages: told, format }
}

/** Flags that do not change what matches from beginning to end. */
const HARMLESS_FLAGS = /^[dguy]*$/

function formatOf(constraint: unknown): ResponseFormat {
  if (constraint instanceof RegExp) {
    if (!HARMLESS_FLAGS.test(constraint.flags))
      throw notSupported(`The flags "${constraint.flags}" of a regular expression are not supported.`)
    return { type: 'regex', pattern: constraint.source }
  }
  if (typeof constraint !== 'object' || constraint === null || Array.isArray(constraint))
    throw new TypeError('A responseConstraint is a JSON schema or a RegExp.')
  return { type: 'json_schema', json_schema: { schema: { ...constraint } } }
}

function tell(message: ChatMessageParam, format: ResponseFormat): ChatMessageParam {
  const shape =
    format.type === 'json_schema'
      ? `Answer with JSON that satisfies this schema: ${JSON.stringify(format.json_schema.schema)}`
      : format.type === 'regex'
        ? `Answer with text that matches this regular expression: ${format.pattern}`
        : ''
  return { ...message, content: `${message.content}\n\n${shape}` }
}

/** Of what a model likes best (0) to what it likes almost as well; null for the model's own setting. */
const TEMPERATURES: Record<LanguageModelSamplingMode, number | null> = {
  'most-predictable': 0,
  predictable: 0.3,
  'slightly-predictable': 0.5,
  balanced: null,
  'slightly-creative': 0.9,
  creative: 1.1,
  'most-creative': 1.3,
}

/** @throws RangeError, TypeError as the LanguageModelPrompt API has it */
export function samplingOf({ samplingMode, temperature, topK }: LanguageModelCreateCoreOptions): {
  temperature?: number
  top_k?: number
} {
  if (samplingMode !== undefined && (temperature !== undefined || topK !== undefined))
    throw new TypeError('Either samplingMode or temperature and topK can be given.')
  if (temperature !== undefined && !(temperature >= 0)) throw new RangeError('temperature is a number of at least 0.')
  if (topK !== undefined && !(topK >= 1)) throw new RangeError('topK is a number of at least 1.')
  if (samplingMode !== undefined && !(samplingMode in TEMPERATURES))
    throw new TypeError(`"${samplingMode}" is no samplingMode: use one of ${Object.keys(TEMPERATURES).join(', ')}.`)
  const chosen = samplingMode === undefined ? temperature : (TEMPERATURES[samplingMode] ?? undefined)
  return {
    ...(chosen === undefined ? {} : { temperature: chosen }),
    ...(topK === undefined ? {} : { top_k: Math.floor(topK) }),
  }
}

/** What the engine lacks of what a page expects, null where it has all. */
export function lacking({
  expectedInputs = [],
  expectedOutputs = [],
  tools = [],
}: LanguageModelCreateCoreOptions): string | null {
  const other = [...expectedInputs, ...expectedOutputs].find(({ type }) => type !== 'text')
  if (other) return `This model reads and writes text and no ${other.type}.`
  return tools.length > 0 ? 'Tools are not supported here: use engine.chat.completions with tools.' : null
}
