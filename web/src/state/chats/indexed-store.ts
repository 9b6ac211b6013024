/** Chats in the browser's IndexedDB. */
import { type DBSchema, type IDBPDatabase, type OpenDBCallbacks, openDB } from 'idb'
import { siteName } from '../../engine/names.ts'
import { isStorageRefused } from '../refused.ts'
import { type Synced, type Ticket, ticket } from '../sync/wire.ts'
import { type ChatStore, type Part, type StoredTokens, StoreError, type StoreTrouble } from './store.ts'
import type { ChatHead, Message, StoredChat, TokenTable } from './types.ts'

export interface Schema extends DBSchema {
  heads: { key: string; value: ChatHead }
  /** Key: the chat's id, the message's id. */
  messages: { key: [string, string]; value: Message }
  tokens: { key: [string, string]; value: TokenTable }
  /** What is to be sent to the server's copy; the message '' stands for the chat itself. */
  outbox: { key: [string, string]; value: Ticket }
  /** What the server's copy had when it was last compared. */
  synced: { key: [string, string]; value: Synced<ChatHead> }
}

type Upgrade = (database: IDBPDatabase<Schema>) => void

/** Version n of the database is what the first n steps make. A step that has been released is never changed. */
export const UPGRADES: readonly Upgrade[] = [
  database => {
    database.createObjectStore('heads', { keyPath: 'id' })
    database.createObjectStore('messages')
  },
  database => {
    database.createObjectStore('tokens')
  },
  database => {
    database.createObjectStore('outbox')
    database.createObjectStore('synced')
  },
]

const DATABASE = siteName('slm-playground.chats')
const BATCH = 400

/**
 * Opens the browser's database of chats, and brings an older one up to date.
 * @param onGone called when the database cannot be used any more: a newer version of the page needs it, or it was deleted
 * @throws StoreError
 */
export async function openIndexedStore(onGone: (trouble: StoreTrouble) => void, name = DATABASE): Promise<ChatStore> {
  return new IndexedStore(await openChats(onGone, name))
}

/** The database itself, for who compares it with the server's copy. @throws StoreError */
export async function openChats(
  onGone: (trouble: StoreTrouble) => void,
  name = DATABASE,
): Promise<IDBPDatabase<Schema>> {
  let database: IDBPDatabase<Schema> | null = null
  const callbacks: OpenDBCallbacks<Schema> = {
    upgrade(upgraded, from) {
      for (const step of UPGRADES.slice(from)) step(upgraded)
    },
    blocking() {
      database?.close() // a newer page waits for us
      onGone('newer')
    },
    terminated: () => onGone('failed'),
  }
  database = await told(() => openDB<Schema>(name, UPGRADES.length, callbacks))
  return database
}

class IndexedStore implements ChatStore {
  readonly #database: IDBPDatabase<Schema>

  constructor(database: IDBPDatabase<Schema>) {
    this.#database = database
  }

  heads(ids?: readonly string[]): Promise<ChatHead[]> {
    return told(async () => {
      const { store } = this.#database.transaction('heads') // one for all: each begins with a task of its own
      if (!ids) return store.getAll()
      const heads = await Promise.all(ids.map(id => store.get(id)))
      return heads.filter(head => head !== undefined)
    })
  }

  read(id: string): Promise<StoredChat | null> {
    return told(async () => {
      const work = this.#database.transaction(['heads', 'messages'])
      const [head, messages] = await Promise.all([
        work.objectStore('heads').get(id),
        work.objectStore('messages').getAll(all(id)),
      ])
      return head ? { head, messages } : null
    })
  }

  tokens(chat: string, messages: readonly string[]): Promise<StoredTokens[]> {
    return told(async () => {
      const store = this.#database.transaction('tokens').store
      const tables = await Promise.all(messages.map(message => store.get([chat, message])))
      return messages.flatMap((message, index) => {
        const table = tables[index]
        return table ? [{ message, table }] : []
      })
    })
  }

  save(parts: readonly Part[]): Promise<void> {
    return told(async () => {
      const work = this.#database.transaction(['heads', 'messages', 'tokens', 'outbox'], 'readwrite')
      const [heads, messages, tokens] = [
        work.objectStore('heads'),
        work.objectStore('messages'),
        work.objectStore('tokens'),
      ]
      const toSend = (chat: string, message: string) => work.objectStore('outbox').put(ticket(), [chat, message])
      const write = async () => {
        const requests: Promise<unknown>[] = []
        for (const part of parts) {
          if (requests.length > BATCH) await Promise.all(requests.splice(0)) // many chats at once: in more than one task
          const { id } = part.head
          requests.push(heads.put(part.head), toSend(id, ''))
          const changed = new Set([...part.messages.map(message => message.id), ...(part.removed ?? [])])
          for (const { message } of part.tokens ?? []) changed.add(message)
          for (const message of changed) requests.push(toSend(id, message))
          for (const message of part.messages) requests.push(messages.put(message, [id, message.id]))
          for (const { message, table } of part.tokens ?? []) requests.push(tokens.put(table, [id, message]))
          for (const gone of part.removed ?? []) requests.push(messages.delete([id, gone]), tokens.delete([id, gone]))
        }
        work.commit() // at once: a page that is closed now leaves it to the browser to write what it was given
        await Promise.all(requests)
      }
      await Promise.all([write(), work.done]).catch(error => {
        throw work.error ?? error // what ended the work, rather than which request felt it first
      })
    })
  }

  remove(chat: string): Promise<void> {
    return told(async () => {
      const work = this.#database.transaction(['heads', 'messages', 'tokens', 'outbox'], 'readwrite')
      await Promise.all([
        // With a chat the server deletes its messages.
        work.objectStore('outbox').delete(all(chat)),
        work.objectStore('outbox').put(ticket(), [chat, '']),
        work.objectStore('heads').delete(chat),
        work.objectStore('messages').delete(all(chat)),
        work.objectStore('tokens').delete(all(chat)),
        work.done,
      ])
    })
  }

  scan(visit: (found: readonly { chat: string; message: Message }[]) => void): Promise<void> {
    return told(async () => {
      let range: IDBKeyRange | null = null
      for (;;) {
        const store = this.#database.transaction('messages').store
        const [keys, messages] = await Promise.all([store.getAllKeys(range, BATCH), store.getAll(range, BATCH)])
        const last = keys.at(-1)
        if (!last) return
        visit(messages.map((message, index) => ({ chat: keys[index]?.[0] ?? '', message })))
        range = IDBKeyRange.lowerBound(last, true)
      }
    })
  }

  close(): void {
    this.#database.close()
  }
}

/** Keys of everything that belongs to a chat. Arrays come behind texts in the order of keys. */
export function all(chat: string): IDBKeyRange {
  return IDBKeyRange.bound([chat], [chat, []])
}

async function told<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw new StoreError(troubleOf(error), error)
  }
}

/** Names of https://w3c.github.io/IndexedDB/#exceptions */
function troubleOf(error: unknown): StoreTrouble {
  const name = error instanceof Error ? error.name : ''
  if (name === 'QuotaExceededError') return 'full'
  if (name === 'VersionError') return 'newer'
  const isForbidden = ['SecurityError', 'InvalidStateError', 'ReferenceError', 'NotAllowedError'].includes(name)
  // Chromium gives a refusal the same name as a broken database.
  return isForbidden || isStorageRefused() ? 'forbidden' : 'failed'
}
