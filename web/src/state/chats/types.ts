/**
 * What a conversation is: a tree of messages whose siblings are versions of one another. These are the records that are
 * stored and exported as they stand, so their keys are those of the JSON. Times are milliseconds since 1970.
 */
import type { Device, Stats } from '../../engine/api.ts'
import type { ErrorCode } from '../../engine/errors.ts'
import type { ChatSettings } from '../../tasks/chat.ts'
import type { Sources } from '../../tasks/sources.ts'
import type { Trace } from '../../tasks/trace.ts'

/** `waiting` for the model, `writing` while text comes; then how it ended. A question is `done`. */
export type MessageState = 'waiting' | 'writing' | 'done' | 'stopped' | 'failed'

/** What an answer was written with. */
export interface Origin {
  /** The bundle's id, and its name for people. */
  model: string
  model_name: string
  variant: string
  device: Device
  backend: string
  /** As they were when it was written, with the seed that was drawn where none was set: the same again gives the same text. */
  settings: ChatSettings
  /** True where the answer had a beginning already: its question alone does not make it again. */
  begun?: boolean
}

/** A text that was given along with a question. */
export interface Attachment {
  id: string
  name: string
  media_type: string
  size_bytes: number
  text: string
}

export interface Message {
  id: string
  /** The message before it, null for a first one. */
  parent: string | null
  role: 'user' | 'assistant'
  content: string
  created_at: number
  state: MessageState
  /** Where a person wrote what a model had said otherwise. */
  edited?: boolean
  /** Of a stopped answer: nobody stopped it, its page was closed or crashed. */
  interrupted?: boolean
  attachments?: readonly Attachment[]
  /** Of an answer: the passages of attached texts that it was given, where they were too long to be given whole. */
  sources?: Sources
  /** Of a failed answer: sentences for people, and of which kind the trouble is. */
  error?: string
  code?: ErrorCode
  /** Of an answer: the figures of its (last) run, with the reason why it stopped. */
  stats?: Stats
  origin?: Origin
  /** True where a `TokenTable` of the answer is stored. */
  has_tokens?: boolean
}

/** The tokens of an answer, to be looked at: `Tracer` of tasks/trace.ts collects them from the chunks. */
export type TokenTable = Trace

/** All of a conversation but its messages: what the list of chats needs. */
export interface ChatHead {
  id: string
  title: string
  /** True where a person chose the title; else it follows the first message. */
  renamed: boolean
  pinned: boolean
  created_at: number
  /** When a message was last added or changed. */
  updated_at: number
  message_count: number
  /** What this conversation sets otherwise than the page does. */
  overrides: Partial<ChatSettings>
  /** Parent ('' for none) → the child that is shown, where that is not the newest. */
  selected: Readonly<Record<string, string>>
}

export interface Chat {
  readonly head: ChatHead
  readonly messages: ReadonlyMap<string, Message>
  /** Parent ('' for none) → its children, oldest first. */
  readonly children: ReadonlyMap<string, readonly string[]>
}

export interface StoredChat {
  head: ChatHead
  messages: Message[]
}
