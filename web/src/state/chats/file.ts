/** Files with chats: what ours are called, what comes out of one, and why nothing does. */
import type { Chat, TokenTable } from './types.ts'

export const FILE_FORMAT = 'slm-playground-chats'
export const FILE_VERSION = 1

export interface Imported {
  chat: Chat
  tokens: ReadonlyMap<string, TokenTable>
}

/** `unreadable`: the file itself, gone or changed since it was chosen. */
export type ImportTrouble = 'unreadable' | 'not-json' | 'unknown' | 'too-new' | 'damaged' | 'empty'

export class ImportError extends Error {
  override readonly name = 'ImportError'
  readonly trouble: ImportTrouble

  /** @param where what is wrong, where that is known: `chats.2.messages.0.role` */
  constructor(trouble: ImportTrouble, where = '') {
    super(where)
    this.trouble = trouble
  }
}
