/**
 * All chats: the list, what is saved, and what other tabs have changed. Saving compares with what was saved last, so that
 * whatever could not be written (the disk is full) goes along with the next thing that can.
 */
import { computed, signal } from '@preact/signals'
import { MemoryStore } from './memory-store.ts'
import { CHANNEL, type News } from './news.ts'
import { type ChatStore, type Part, type StoredTokens, StoreError, type StoreTrouble } from './store.ts'
import { chatOf } from './tree.ts'
import type { Chat, ChatHead, TokenTable } from './types.ts'

/** So often `catchUp` looks for a moment in which nothing is being saved; the next news of the chat tries again. */
const MOST_TURNS = 20

export type OpenStore = (onGone: (trouble: StoreTrouble) => void) => Promise<ChatStore>

const byId = signal<ReadonlyMap<string, ChatHead>>(new Map())

/** Every chat: pinned ones first, then the newest. */
export const chatList = computed(() =>
  [...byId.value.values()].sort((a, b) => Number(b.pinned) - Number(a.pinned) || b.updated_at - a.updated_at),
)
/** Why chats are not kept now, null where they are. */
export const storeTrouble = signal<StoreTrouble | null>(null)
/** False until the list of chats was read. */
export const isListed = signal(false)

export class Library {
  readonly #opened: Promise<ChatStore>
  readonly #channel = new BroadcastChannel(CHANNEL)
  readonly #listeners = new Set<(news: News) => void>()
  /** As they were saved or read last: of chats that were open here. */
  readonly #saved = new Map<string, Chat>()
  readonly #dirty = new Map<string, Chat>()
  readonly #tokens = new Map<string, Map<string, TokenTable>>()
  #saving: Promise<void> | null = null

  constructor(open: OpenStore) {
    const onGone = (trouble: StoreTrouble) => {
      storeTrouble.value = trouble
    }
    this.#opened = open(onGone).catch(error => {
      onGone(troubleOf(error))
      return new MemoryStore()
    })
    this.#channel.onmessage = ({ data }: MessageEvent<News>) => void this.#hear(data)
  }

  /** Reads the list of chats. */
  async list(): Promise<void> {
    const store = await this.#opened
    const heads = await store.heads().catch(() => [])
    byId.value = new Map([...heads, ...byId.value.values()].map(head => [head.id, head]))
    isListed.value = true
  }

  /** Calls back when other tabs have changed or removed chats. */
  listen(onNews: (news: News) => void): () => void {
    this.#listeners.add(onNews)
    return () => this.#listeners.delete(onNews)
  }

  /** @throws StoreError */
  async read(id: string): Promise<Chat | null> {
    const unsaved = this.#dirty.get(id)
    if (unsaved) return unsaved
    const stored = await (await this.#opened).read(id)
    if (!stored) return null
    const chat = chatOf(stored)
    this.#saved.set(id, chat)
    return chat
  }

  /**
   * A chat that is open here was changed elsewhere: calls back, in one go, with how it was saved here last and how it is
   * now. What is still to be saved here is saved before.
   * @throws StoreError
   */
  async catchUp(id: string, act: (saved: Chat, now: Chat) => void): Promise<void> {
    for (let turn = 0; turn < MOST_TURNS; turn++) {
      await this.#saving
      const saved = this.#saved.get(id)
      const stored = await (await this.#opened).read(id)
      if (!stored) return
      if (this.#dirty.has(id) || this.#saving || this.#saved.get(id) !== saved) continue
      const now = chatOf(stored)
      this.#saved.set(id, now)
      act(saved ?? now, now)
      return
    }
  }

  /** The same for a look: the chat is not going to be changed. @throws StoreError */
  async peek(id: string): Promise<Chat | null> {
    const stored = this.#dirty.get(id) ?? (await (await this.#opened).read(id))
    return stored ? ('children' in stored ? stored : chatOf(stored)) : null
  }

  async tokens(chat: string, message: string): Promise<TokenTable | null> {
    const unsaved = this.#tokens.get(chat)?.get(message)
    if (unsaved) return unsaved
    const [found] = await (await this.#opened).tokens(chat, [message])
    return found?.table ?? null
  }

  allTokens(chat: string, messages: readonly string[]): Promise<StoredTokens[]> {
    return this.#opened.then(store => store.tokens(chat, messages))
  }

  scan: ChatStore['scan'] = async visit => (await this.#opened).scan(visit)

  /** Saves what is new in a chat; resolves when it is written or known not to be (`storeTrouble`). */
  save(chat: Chat, tokens: readonly StoredTokens[] = []): Promise<void> {
    byId.value = new Map(byId.value).set(chat.head.id, chat.head)
    this.#dirty.set(chat.head.id, chat)
    const kept = this.#tokens.get(chat.head.id) ?? new Map<string, TokenTable>()
    for (const { message, table } of tokens) kept.set(message, table)
    this.#tokens.set(chat.head.id, kept)
    this.#saving ??= this.#flush()
    return this.#saving
  }

  /** Forgets how a chat was saved last, once it is no longer open. */
  release(id: string): void {
    if (!this.#dirty.has(id)) this.#saved.delete(id)
  }

  /** Adds chats from elsewhere, all or none. @throws StoreError */
  async add(parts: readonly Part[]): Promise<void> {
    await (await this.#opened).save(parts)
    const heads = parts.map(({ head }): [string, ChatHead] => [head.id, head])
    byId.value = new Map([...byId.value, ...heads])
    this.#post({ changed: heads.map(([id]) => id), removed: [] })
  }

  /** Deletes a chat; the returned function brings it back with everything that belonged to it. @throws StoreError: it is still here */
  async remove(id: string): Promise<() => Promise<void>> {
    await this.#saving
    const store = await this.#opened
    const chat = await this.read(id)
    const messages = [...(chat?.messages.values() ?? [])]
    const ids = messages.flatMap(message => (message.has_tokens ? [message.id] : []))
    const tokens = ids.length > 0 ? await store.tokens(id, ids) : []
    await store.remove(id)
    this.#forget(id)
    this.#post({ changed: [], removed: [id] })
    return async () => {
      if (chat) await this.save(chat, tokens)
    }
  }

  /** Ends with an empty list; what is still to be saved is saved first. */
  async close(): Promise<void> {
    this.#channel.close()
    byId.value = new Map()
    isListed.value = false
    storeTrouble.value = null
    await this.#saving
    ;(await this.#opened).close()
  }

  async #flush(): Promise<void> {
    try {
      const store = await this.#opened
      while (this.#dirty.size > 0) await this.#write(store, [...this.#dirty.values()])
    } catch (error) {
      // With the next change, everything that is still to be saved is tried again.
      storeTrouble.value ??= troubleOf(error)
    } finally {
      this.#saving = null // here, and not a turn later: what is changed in between would be saved by nobody
    }
  }

  async #write(store: ChatStore, chats: readonly Chat[]): Promise<void> {
    await store.save(chats.map(chat => this.#part(chat)))
    if (!(store instanceof MemoryStore)) storeTrouble.value = null
    for (const chat of chats) this.#written(chat)
    this.#post({ changed: chats.map(({ head }) => head.id), removed: [] })
  }

  #part(chat: Chat): Part {
    const tokens = [...(this.#tokens.get(chat.head.id) ?? [])].map(([message, table]) => ({ message, table }))
    return { ...difference(this.#saved.get(chat.head.id) ?? null, chat), tokens }
  }

  #written(chat: Chat): void {
    const { id } = chat.head
    this.#saved.set(id, chat)
    if (this.#dirty.get(id) !== chat) return // changed meanwhile
    this.#dirty.delete(id)
    this.#tokens.delete(id)
  }

  #forget(id: string): void {
    this.#saved.delete(id)
    this.#dirty.delete(id)
    this.#tokens.delete(id)
    byId.value = new Map([...byId.value].filter(([key]) => key !== id))
  }

  #post(news: News): void {
    try {
      this.#channel.postMessage(news)
    } catch {
      // Closed: what was saved last is not news to anybody here.
    }
  }

  async #hear(news: News): Promise<void> {
    const store = await this.#opened
    for (const id of news.removed) this.#forget(id)
    const before = byId.value
    const heads = await store.heads(news.changed).catch(() => [])
    const isGone = (id: string) => before.has(id) && !byId.value.has(id) // removed meanwhile
    const known = heads.filter(({ id }) => !this.#dirty.has(id) && !isGone(id))
    byId.value = new Map([...byId.value, ...known.map((head): [string, ChatHead] => [head.id, head])])
    for (const listener of this.#listeners) listener(news)
  }
}

/** What to write so that `before` becomes `after`. */
export function difference(before: Chat | null, after: Chat): Part {
  return {
    head: after.head,
    messages: [...after.messages.values()].filter(message => before?.messages.get(message.id) !== message),
    removed: [...(before?.messages.keys() ?? [])].filter(id => !after.messages.has(id)),
  }
}

function troubleOf(error: unknown): StoreTrouble {
  return error instanceof StoreError ? error.trouble : 'failed'
}
