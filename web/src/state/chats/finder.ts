/** The search box of the list: what is typed, and what it finds. Texts are read when somebody first searches. */
import { signal } from '@preact/signals'
import { openChats } from './desk.ts'
import { chatList, type Library } from './library.ts'
import { type Hit, TextIndex } from './search.ts'

export const query = signal('')
/** Null while nothing is searched for. */
export const hits = signal<readonly Hit[] | null>(null)

export class Finder {
  readonly #library: Library
  readonly #index = new TextIndex()
  /** When each chat was last changed as it was indexed. */
  readonly #indexed = new Map<string, number>()
  #reading: Promise<void> | null = null
  #turn = 0

  constructor(library: Library) {
    this.#library = library
  }

  async search(words: string): Promise<void> {
    query.value = words
    const turn = ++this.#turn
    if (!words.trim()) {
      hits.value = null
      return
    }
    await this.#read()
    if (turn === this.#turn) hits.value = this.#index.search(words, chatList.value)
  }

  /** Brings the index up to date: all chats at first, then those that have changed. */
  async #read(): Promise<void> {
    this.#reading ??= this.#library
      .scan(found => {
        for (const { chat, message } of found) this.#index.put(chat, message)
      })
      .then(() => {
        for (const { id, updated_at } of chatList.value) this.#indexed.set(id, updated_at)
      })
      .catch(() => {}) // chats that are open are still searched
    await this.#reading
    for (const { id, updated_at } of chatList.value) {
      const open = openChats.value.get(id)
      if (this.#indexed.get(id) === updated_at && !open) continue
      const chat = open ?? (await this.#library.peek(id).catch(() => null))
      this.#index.replace(id, chat?.messages.values() ?? [])
      this.#indexed.set(id, updated_at)
    }
  }
}
