/** Chats out of files: our own, ChatGPT's and those of llama.cpp's web page. A file is read as a whole or not at all. Pure. */
import * as v from 'valibot'
import { readChatSettings } from '../../tasks/chat.ts'
import { isTrace } from '../../tasks/trace.ts'
import { FILE_FORMAT, FILE_VERSION, ImportError, type Imported } from './file.ts'
import { chatGptChats, isChatGpt } from './foreign-chatgpt.ts'
import { isLlama, llamaChats } from './foreign-llama.ts'
import { chatOf } from './tree.ts'
import type { Message, TokenTable } from './types.ts'

/** @throws ImportError */
export function readChats(content: string): Imported[] {
  const value = parse(content)
  const found = read(value).filter(({ chat }) => chat.messages.size > 0)
  if (found.length === 0) throw new ImportError('empty')
  return found
}

function read(value: unknown): Imported[] {
  const { format, version } = Object(value)
  if (format === FILE_FORMAT) {
    if (version !== FILE_VERSION) throw new ImportError('too-new')
    return ownChats(value)
  }
  try {
    if (isChatGpt(value)) return chatGptChats(value).map(chat => ({ chat, tokens: new Map() }))
    if (isLlama(value)) return llamaChats(value).map(chat => ({ chat, tokens: new Map() }))
  } catch (error) {
    throw new ImportError('damaged', error instanceof Error ? error.message : String(error))
  }
  throw new ImportError('unknown')
}

function parse(content: string): unknown {
  try {
    return JSON.parse(content.replace(/^\uFEFF/, ''))
  } catch {
    throw new ImportError('not-json')
  }
}

const time = v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(8.64e15))
const size = v.pipe(v.number(), v.finite(), v.minValue(0))
const settings = v.pipe(
  v.looseObject({}),
  v.transform(value => readChatSettings(value).settings),
)

const STATS = v.object({
  promptTokens: size,
  cachedTokens: size,
  outputTokens: size,
  timeToFirstTokenMs: size,
  prefillMs: size,
  decodeMs: size,
  tokensPerSecond: size,
  stopReason: v.picklist(['end-of-turn', 'stop-string', 'max-tokens', 'context-full', 'cancelled', 'error']),
  droppedMessages: size,
  draftedTokens: size,
  acceptedTokens: size,
  recoveries: size,
})

const ORIGIN = v.object({
  model: v.string(),
  model_name: v.string(),
  variant: v.string(),
  device: v.picklist(['webgpu', 'cpu']),
  backend: v.string(),
  settings,
  begun: v.exactOptional(v.boolean()),
})

const ATTACHMENT = v.object({
  id: v.string(),
  name: v.string(),
  media_type: v.string(),
  size_bytes: size,
  text: v.string(),
})

const SOURCES = v.object({
  by: v.picklist(['meaning', 'words']),
  passages: v.array(v.object({ attachment: v.string(), start: size, end: size })),
})

const MESSAGE = v.object({
  id: v.pipe(v.string(), v.nonEmpty()),
  parent: v.nullable(v.string()),
  role: v.picklist(['user', 'assistant']),
  content: v.string(),
  created_at: time,
  state: v.picklist(['waiting', 'writing', 'done', 'stopped', 'failed']),
  edited: v.exactOptional(v.boolean()),
  interrupted: v.exactOptional(v.boolean()),
  attachments: v.exactOptional(v.array(ATTACHMENT)),
  sources: v.exactOptional(SOURCES),
  error: v.exactOptional(v.string()),
  code: v.exactOptional(
    v.picklist([
      ...(['no-model', 'bad-manifest', 'download', 'integrity', 'quota', 'out-of-memory'] as const),
      ...(['device-lost', 'unsupported', 'bad-request', 'internal'] as const),
    ]),
  ),
  stats: v.exactOptional(STATS),
  origin: v.exactOptional(ORIGIN),
  has_tokens: v.exactOptional(v.boolean()),
})

const CHAT = v.object({
  id: v.pipe(v.string(), v.nonEmpty()),
  title: v.string(),
  renamed: v.boolean(),
  pinned: v.boolean(),
  created_at: time,
  updated_at: time,
  overrides: v.looseObject({}),
  selected: v.record(v.string(), v.string()),
  messages: v.array(MESSAGE),
  tokens: v.optional(v.record(v.string(), v.custom<TokenTable>(isTrace)), {}),
})

const FILE = v.object({ chats: v.array(CHAT) })

function ownChats(value: unknown): Imported[] {
  const result = v.safeParse(FILE, value)
  if (!result.success) {
    const [issue] = result.issues
    throw new ImportError('damaged', `${v.getDotPath(issue) ?? ''}: ${issue.message}`)
  }
  return result.output.chats.map((chat, index) => {
    const { messages, tokens, overrides, ...head } = chat
    if (new Set(messages.map(({ id }) => id)).size < messages.length)
      throw new ImportError('damaged', `chats.${index}.messages: two of them have one id`)
    const given = Object.entries(readChatSettings(overrides).settings).filter(([name]) => name in overrides)
    const ended: Message[] = messages.map(message => withTokens(ending(message), tokens))
    const whole = { ...head, overrides: Object.fromEntries(given), message_count: messages.length }
    const known = Object.entries(tokens).filter(([id]) => messages.some(message => message.id === id))
    return { chat: chatOf({ head: whole, messages: ended }), tokens: new Map(known) }
  })
}

/** An answer that was being written when the file was saved. */
function ending(message: Message): Message {
  const isOpen = message.state === 'waiting' || message.state === 'writing'
  return isOpen ? { ...message, state: 'stopped', interrupted: true } : message
}

function withTokens(message: Message, tokens: Record<string, TokenTable>): Message {
  if (!message.has_tokens || message.id in tokens) return message
  const { has_tokens: _, ...rest } = message
  return rest
}
