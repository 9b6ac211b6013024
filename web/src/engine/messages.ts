/** Checks the messages of a request and brings them to the one shape that chat templates take. */
import type { ChatMessage, ToolCall } from './api.ts'
import { EngineError } from './errors.ts'
import { wrong } from './wrong.ts'

const ROLES = ['system', 'developer', 'user', 'assistant', 'tool'] as const
const FIELDS = ['role', 'content', 'tool_calls', 'tool_call_id', 'name', 'prefix']
/** What assistants' messages carry when a client sends them back: empty here, and must stay so. */
const EMPTY_FIELDS = ['refusal', 'annotations', 'audio', 'function_call', 'parsed']

/**
 * Messages whose last one may be the beginning of the answer (`prefix: true`).
 * @throws EngineError 'bad-request', naming the field
 */
export function conversationArgs(messages: unknown): { messages: ChatMessage[]; prefix: string } {
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : undefined
  const all = messagesArgs(messages)
  if (Object(last).prefix !== true) return { messages: all, prefix: '' }
  const begun = all.at(-1)
  if (all.length < 2 || begun?.role !== 'assistant' || begun.tool_calls)
    throw wrong(`messages[${all.length - 1}].prefix`, "the last message to be an assistant's text behind others", true)
  return { messages: all.slice(0, -1), prefix: begun.content }
}

/** @throws EngineError 'bad-request', naming the field */
function messagesArgs(messages: unknown): ChatMessage[] {
  if (!Array.isArray(messages) || messages.length === 0)
    throw wrong('messages', 'a list with at least one message', messages)
  return messages.map((message, index) => messageArgs(message, `messages[${index}]`))
}

function messageArgs(message: unknown, where: string): ChatMessage {
  if (typeof message !== 'object' || message === null) throw wrong(where, 'an object', message)
  const fields: Record<string, unknown> = { ...message }
  const { content, tool_calls: calls, tool_call_id: answered } = fields
  const role = ROLES.find(name => name === fields.role)
  if (!role) throw wrong(`${where}.role`, `one of ${ROLES.join(', ')}`, fields.role)
  for (const [name, value] of Object.entries(fields)) {
    const isEmpty = value === null || value === undefined || (Array.isArray(value) && value.length === 0)
    if (!FIELDS.includes(name) && !(isEmpty && EMPTY_FIELDS.includes(name)))
      throw new EngineError('bad-request', `${where}.${name}: is not supported.`)
  }
  const toolCalls = calls === undefined || calls === null ? [] : callsArgs(calls, `${where}.tool_calls`)
  if (toolCalls.length > 0 && role !== 'assistant') throw wrong(`${where}.tool_calls`, 'none for this role', calls)
  const isSilent = role === 'assistant' && toolCalls.length > 0 && (content === null || content === undefined)
  const result: ChatMessage = {
    role: role === 'developer' ? 'system' : role,
    content: isSilent ? '' : textOf(content, `${where}.content`),
  }
  if (toolCalls.length > 0) result.tool_calls = toolCalls
  if (role === 'tool') {
    if (typeof answered !== 'string') throw wrong(`${where}.tool_call_id`, 'the id of a tool call', answered)
    result.tool_call_id = answered
  }
  return result
}

function textOf(content: unknown, where: string): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) throw wrong(where, 'a text', content)
  return content
    .map((part, index) => {
      const { type, text } = Object(part)
      if (type !== 'text') throw wrong(`${where}[${index}].type`, '"text", the only kind that this model reads', type)
      if (typeof text !== 'string') throw wrong(`${where}[${index}].text`, 'a text', text)
      return text
    })
    .join('')
}

function callsArgs(calls: unknown, where: string): ToolCall[] {
  if (!Array.isArray(calls)) throw wrong(where, 'a list', calls)
  return calls.map((call, index) => {
    const { id, type, function: called } = Object(call)
    const { name, arguments: args } = Object(called)
    if (typeof id !== 'string') throw wrong(`${where}[${index}].id`, 'a text', id)
    if (type !== 'function') throw wrong(`${where}[${index}].type`, '"function"', type)
    if (typeof name !== 'string') throw wrong(`${where}[${index}].function.name`, 'a text', name)
    if (!isObjectJson(args)) throw wrong(`${where}[${index}].function.arguments`, 'the JSON of an object', args)
    return { id, type, function: { name, arguments: args } }
  })
}

function isObjectJson(text: unknown): text is string {
  if (typeof text !== 'string') return false
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
