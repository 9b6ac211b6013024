/** Chats as files, piece by piece: JSON that holds everything and comes back without loss, and Markdown to read. Pure. */
import { text } from '../../text/index.ts'
import { FILE_FORMAT, FILE_VERSION } from './file.ts'
import type { StoredTokens } from './store.ts'
import { path } from './tree.ts'
import type { Chat, ChatHead, Message, TokenTable } from './types.ts'

/** One chat of a file. */
export interface FileChat extends Omit<ChatHead, 'message_count'> {
  messages: Message[]
  /** Id of a message → its tokens. */
  tokens: Record<string, TokenTable>
}

export interface ChatFile {
  format: typeof FILE_FORMAT
  version: typeof FILE_VERSION
  exported_at: string
  chats: FileChat[]
}

export interface Exported {
  chat: Chat
  tokens: readonly StoredTokens[]
}

type Chats = Iterable<Exported> | AsyncIterable<Exported>

/** The file in pieces of one message at most: what has all chats in it would be one long task to write. */
export async function* jsonPieces(chats: Chats, now: Date): AsyncGenerator<string> {
  const { format, version, exported_at }: Omit<ChatFile, 'chats'> = {
    format: FILE_FORMAT,
    version: FILE_VERSION,
    exported_at: now.toISOString(),
  }
  yield `${unclosed({ format, version, exported_at })},\n"chats": [`
  let between = '\n'
  for await (const { chat, tokens } of chats) {
    const { message_count: _, ...head } = chat.head
    yield `${between}${unclosed(head)},\n"messages": [`
    yield* listed(chat.messages.values(), message => JSON.stringify(message))
    yield '],\n"tokens": {'
    yield* listed(tokens, ({ message, table }) => `${JSON.stringify(message)}: ${JSON.stringify(table)}`)
    yield '}}'
    between = ',\n'
  }
  yield ']}\n'
}

/** JSON of an object that goes on. */
function unclosed(value: Omit<ChatFile, 'chats'> | Omit<FileChat, 'messages' | 'tokens'>): string {
  return JSON.stringify(value).slice(0, -1)
}

/** Each on a line of its own. */
function* listed<T>(entries: Iterable<T>, written: (entry: T) => string): Generator<string> {
  let between = '\n'
  for (const entry of entries) {
    yield between + written(entry)
    between = ',\n'
  }
}

/** What is shown of each chat, in pieces of one message at most; it says how many versions it leaves out. */
export async function* markdownPieces(chats: Chats, locale: string): AsyncGenerator<string> {
  let between = ''
  for await (const { chat } of chats) {
    yield between
    for (const part of oneAsMarkdown(chat, locale)) yield `${part}\n\n`
    between = '---\n\n'
  }
}

function* oneAsMarkdown(chat: Chat, locale: string): Generator<string> {
  const words = text.peek().chat
  const { head } = chat
  const shown = path(chat)
  const date = new Date(head.created_at).toLocaleDateString(locale, { dateStyle: 'long' })
  const others = chat.messages.size - shown.length
  yield `# ${head.title || words.untitled}`
  yield `${words.markdown.from(date)}.${others > 0 ? ` ${words.markdown.otherVersions(others)}` : ''}`
  if (head.overrides.system) yield `> ${head.overrides.system.replaceAll('\n', '\n> ')}`
  for (const message of shown) {
    yield `## ${speaker(message)}`
    yield* attached(message)
    yield message.content
  }
}

function speaker({ role, origin }: Message): string {
  const { you, answer } = text.peek().chat.markdown
  if (role === 'user') return you
  return origin ? `${answer} (${origin.model_name}, ${origin.variant})` : answer
}

function attached({ attachments = [] }: Message): string[] {
  return attachments.map(({ name, text: content }) => `**${name}**\n\n${fenced(content)}`)
}

/** A fence that is longer than any in the text. */
function fenced(content: string): string {
  const longest = Math.max(2, ...(content.match(/`+/g) ?? []).map(({ length }) => length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}\n${content}\n${fence}`
}

/** A name for a file, from a title. */
export function fileName(title: string, ending: string): string {
  const plain = title
    .normalize('NFKD')
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
    .toLowerCase()
    .slice(0, 60)
  return `${plain || 'chat'}.${ending}`
}
