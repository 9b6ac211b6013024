/**
 * Where chats are kept: one interface, whoever keeps them. Records are small: a head per chat, a record per message, and
 * the tokens of an answer apart from it, so that lists and search never read them. Nothing is ever saved per token.
 */
import type { ChatHead, Message, StoredChat, TokenTable } from './types.ts'

export interface StoredTokens {
  message: string
  table: TokenTable
}

/** What has changed in one chat. */
export interface Part {
  head: ChatHead
  /** New and changed messages. */
  messages: readonly Message[]
  /** Ids of messages that are gone, and their tokens with them. */
  removed?: readonly string[]
  tokens?: readonly StoredTokens[]
}

/** @throws StoreError from every method */
export interface ChatStore {
  /** Of all chats, or of those of these ids that there are, in no order. */
  heads(ids?: readonly string[]): Promise<ChatHead[]>
  read(id: string): Promise<StoredChat | null>
  /** Of those messages that have any. */
  tokens(chat: string, messages: readonly string[]): Promise<StoredTokens[]>
  /** All parts or, where it throws, none. */
  save(parts: readonly Part[]): Promise<void>
  remove(chat: string): Promise<void>
  /** Every message of every chat, some hundred at a time. */
  scan(visit: (found: readonly { chat: string; message: Message }[]) => void): Promise<void>
  close(): void
}

/**
 * `full`: no room; `forbidden`: the browser keeps nothing for this page; `newer`: a newer version of the page has changed
 * how chats are stored; `failed`: anything else.
 */
export type StoreTrouble = 'full' | 'forbidden' | 'newer' | 'failed'

export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly trouble: StoreTrouble

  constructor(trouble: StoreTrouble, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.trouble = trouble
  }
}
