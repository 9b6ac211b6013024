/** Chats as files: JSON that holds everything and comes back without loss, and Markdown to read. Pure. */
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

export function toJson(chats: readonly Exported[], now: Date): string {
  const file: ChatFile = {
    format: FILE_FORMAT,
    version: FILE_VERSION,
    exported_at: now.toISOString(),
    chats: chats.map(({ chat, tokens }) => {
      const { message_count: _, ...head } = chat.head
      const tables = tokens.map(({ message, table }) => [message, table])
      return { ...head, messages: [...chat.messages.values()], tokens: Object.fromEntries(tables) }
    }),
  }
  return `${JSON.stringify(file, null, 1)}\n`
}

/** What is shown of each chat; it says how many versions it leaves out. */
export function toMarkdown(chats: readonly Chat[], locale: string): string {
  return chats.map(chat => oneAsMarkdown(chat, locale)).join('\n---\n\n')
}

function oneAsMarkdown(chat: Chat, locale: string): string {
  const words = text.peek().chat
  const { head } = chat
  const shown = path(chat)
  const date = new Date(head.created_at).toLocaleDateString(locale, { dateStyle: 'long' })
  const others = chat.messages.size - shown.length
  return [
    `# ${head.title || words.untitled}`,
    `${words.markdown.from(date)}.${others > 0 ? ` ${words.markdown.otherVersions(others)}` : ''}`,
    ...(head.overrides.system ? [`> ${head.overrides.system.replaceAll('\n', '\n> ')}`] : []),
    ...shown.flatMap(message => [`## ${speaker(message)}`, ...attached(message), message.content]),
    '',
  ].join('\n\n')
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
