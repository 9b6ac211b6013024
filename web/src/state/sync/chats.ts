/** The browser's chats beside the server's copy of them: what is to be sent, and what comes in. */
import type { IDBPDatabase, IDBPTransaction } from 'idb'
import { all, type Schema } from '../chats/indexed-store.ts'
import type { News } from '../chats/news.ts'
import type { ChatHead, Message, TokenTable } from '../chats/types.ts'
import { mergeHeads, mergeMessages } from './merge.ts'
import { type Body, batchOf, type Outgoing, type Replica, same, type Ticket, ticket, type WireRecord } from './wire.ts'

const STORES = ['heads', 'messages', 'tokens', 'outbox', 'synced'] as const
type Work = IDBPTransaction<Schema, typeof STORES, 'readwrite'>
type Key = [chat: string, message: string]

interface Parcel {
  message: Message
  table: TokenTable | null
}

export class ChatReplica implements Replica {
  readonly kinds = ['chat', 'message'] as const
  readonly #database: IDBPDatabase<Schema>
  readonly #tell: (news: News) => void

  constructor(database: IDBPDatabase<Schema>, tell: (news: News) => void) {
    this.#database = database
    this.#tell = tell
  }

  async begin(): Promise<void> {
    const work = this.#database.transaction(STORES, 'readwrite')
    const [chats, messages] = await Promise.all([
      work.objectStore('heads').getAllKeys(),
      work.objectStore('messages').getAllKeys(),
    ])
    const [outbox, at] = [work.objectStore('outbox'), ticket(0)] // older than whatever anybody does from now on
    const keys: Key[] = [...chats.map((id): Key => [id, '']), ...messages]
    const waiting = new Set((await outbox.getAllKeys()).map(key => JSON.stringify(key)))
    for (const key of keys) if (!waiting.has(JSON.stringify(key))) void outbox.put(at, key)
    await Promise.all([work.objectStore('synced').clear(), work.done])
  }

  async take(records: readonly WireRecord[]): Promise<{ again: boolean }> {
    const work = this.#database.transaction(STORES, 'readwrite')
    const touched = new Set<string>()
    let again = false
    for (const record of records) {
      const key = keyOf(record)
      const known = await work.objectStore('synced').get(key)
      if (known && known.version >= record.version) continue
      const changed = key[1] ? await takeMessage(work, key, record) : await takeHead(work, key, record)
      if (changed === 'again') again = true
      if (changed) touched.add(key[0])
    }
    const news = await settle(work, touched)
    await work.done
    if (news.changed.length + news.removed.length > 0) this.#tell(news)
    return { again }
  }

  async pending(): Promise<{ batch: Outgoing[]; tooLarge: number }> {
    return batchOf(await this.#database.getAllKeys('outbox'), key => this.#outgoing(key))
  }

  async #outgoing(key: Key): Promise<Outgoing | null> {
    const work = this.#database.transaction(STORES)
    const [mark, known, body] = await Promise.all([
      work.objectStore('outbox').get(key),
      work.objectStore('synced').get(key),
      key[1] ? readMessage(work, key) : readHead(work, key[0]),
    ])
    if (!mark || body === 'open') return null
    if (!body && !known) {
      await this.#database.delete('outbox', key) // made and deleted before anybody heard of it
      return null
    }
    const base = known?.version ?? 0
    return { write: { ...nameOf(key), base, written_at: mark.at, body }, ticket: mark }
  }

  async sent({ write, ticket: mark }: Outgoing, version: number): Promise<void> {
    const work = this.#database.transaction(STORES, 'readwrite')
    const key = keyOf({ ...write, version })
    await work.objectStore('synced').put(syncedOf(key, version, write.body), key)
    await unlessNewer(work, key, mark)
    await work.done
  }
}

/** @returns whether something here has changed; `again` where what was passed over before is wanted after all */
async function takeHead(work: Work, key: Key, record: WireRecord): Promise<boolean | 'again'> {
  const [id] = key
  const [outbox, heads] = [work.objectStore('outbox'), work.objectStore('heads')]
  const [mine, mark, known] = await Promise.all([heads.get(id), outbox.get(key), work.objectStore('synced').get(key)])
  const theirs = headOf(record.body)
  await work.objectStore('synced').put(syncedOf(key, record.version, record.body), key)
  if (!theirs) return takeDeleted(work, id, mine !== undefined)
  if (!mine) {
    if (mark && record.written_at <= mark.at) return false // deleted here, later: that is sent
    await heads.put(theirs)
    if (!mark) return true
    await Promise.all([outbox.delete(key), work.objectStore('synced').delete(all(id))])
    return 'again'
  }
  if (!mark) {
    await heads.put(theirs)
    return true
  }
  const base = known?.base ?? null
  const merged = mergeHeads(base, { value: mine, at: mark.at }, { value: theirs, at: record.written_at })
  await heads.put(merged)
  if (same(withoutCount(merged), withoutCount(theirs))) await outbox.delete(key)
  return true
}

async function takeDeleted(work: Work, id: string, isHere: boolean): Promise<boolean> {
  const outbox = work.objectStore('outbox')
  if (!isHere) {
    await outbox.delete([id, ''])
    return false
  }
  const [unsent] = await outbox.getAllKeys(all(id), 1)
  if (!unsent) return forget(work, id)
  await sendAll(work, id) // deleted there, written on here: it stays
  return false
}

async function takeMessage(work: Work, key: Key, record: WireRecord): Promise<boolean> {
  const [chat] = key
  const [outbox, messages, tokens] = [
    work.objectStore('outbox'),
    work.objectStore('messages'),
    work.objectStore('tokens'),
  ]
  const [mine, mark, chatMark, head] = await Promise.all([
    messages.get(key),
    outbox.get(key),
    outbox.get([chat, '']),
    work.objectStore('heads').get(chat),
  ])
  const theirs = parcelOf(record.body)
  await work.objectStore('synced').put({ version: record.version }, key)
  if (chatMark && !head) return false // the chat is deleted here, and that is still to be sent
  if (!theirs) {
    if (mark && mine) return false // what was written on here stays
    await Promise.all([messages.delete(key), tokens.delete(key), outbox.delete(key)])
    return mine !== undefined
  }
  if (!mark) return put(work, key, theirs)
  if (!mine) {
    if (record.written_at <= mark.at) return false
    await outbox.delete(key)
    return put(work, key, theirs)
  }
  return merge(work, key, { mine, theirs })
}

async function merge(work: Work, key: Key, { mine, theirs }: { mine: Message; theirs: Parcel }): Promise<boolean> {
  const table = (await work.objectStore('tokens').get(key)) ?? null
  const { kept, beside } = mergeMessages(mine, theirs.message)
  const mineStays = kept === mine
  if (beside) {
    const besideKey: Key = [key[0], beside.id]
    await put(work, besideKey, { message: beside, table: mineStays ? theirs.table : table })
    await work.objectStore('outbox').put(ticket(), besideKey)
  }
  if (mineStays) return beside !== null
  await put(work, key, { message: kept, table: theirs.table ?? (beside ? null : table) })
  if (same(kept, theirs.message)) await work.objectStore('outbox').delete(key)
  return true
}

async function put(work: Work, key: Key, { message, table }: Parcel): Promise<true> {
  await work.objectStore('messages').put(message, key)
  if (table) await work.objectStore('tokens').put(table, key)
  else await work.objectStore('tokens').delete(key)
  return true
}

async function forget(work: Work, chat: string): Promise<true> {
  await Promise.all([
    work.objectStore('heads').delete(chat),
    work.objectStore('messages').delete(all(chat)),
    work.objectStore('tokens').delete(all(chat)),
  ])
  return true
}

/** Everything of a chat is to be sent, its messages too: the server has deleted them. */
async function sendAll(work: Work, chat: string): Promise<void> {
  const [outbox, mark] = [work.objectStore('outbox'), ticket()]
  for (const key of await work.objectStore('messages').getAllKeys(all(chat))) await outbox.put(mark, key)
  await outbox.put(mark, [chat, ''])
}

/** Counts the messages of what has changed, for the list. */
async function settle(work: Work, touched: ReadonlySet<string>): Promise<News> {
  const [changed, removed]: [string[], string[]] = [[], []]
  for (const chat of touched) {
    const head = await work.objectStore('heads').get(chat)
    if (!head) {
      removed.push(chat)
      continue
    }
    const count = await work.objectStore('messages').count(all(chat))
    if (count !== head.message_count) await work.objectStore('heads').put({ ...head, message_count: count })
    changed.push(chat)
  }
  return { changed, removed }
}

async function unlessNewer(work: Work, key: Key, mark: Ticket): Promise<void> {
  const now = await work.objectStore('outbox').get(key)
  if (now?.mark === mark.mark) await work.objectStore('outbox').delete(key)
}

type Reading = IDBPTransaction<Schema, typeof STORES, 'readonly'>

async function readHead(work: Reading, chat: string): Promise<Body | null> {
  const head = await work.objectStore('heads').get(chat)
  return head ? { ...withoutCount(head) } : null
}

/** `open`: it is still being written, and sent when it has ended. */
async function readMessage(work: Reading, key: Key): Promise<Body | null | 'open'> {
  const [message, table] = await Promise.all([
    work.objectStore('messages').get(key),
    work.objectStore('tokens').get(key),
  ])
  if (!message) return null
  if (message.state === 'waiting' || message.state === 'writing') return 'open'
  return { message, table: table ?? null }
}

function syncedOf(key: Key, version: number, body: Body | null) {
  const base = key[1] ? null : headOf(body)
  return base ? { version, base } : { version }
}

/** How many messages there are is counted here. */
function withoutCount({ message_count: _, ...head }: ChatHead): Omit<ChatHead, 'message_count'> {
  return head
}

/** Only our own page writes there (the server asks for its token), so the shape is ours. */
function headOf(body: Body | null): ChatHead | null {
  return body ? ({ ...body, message_count: 0 } as unknown as ChatHead) : null
}

function parcelOf(body: Body | null): Parcel | null {
  return body as Parcel | null // as above
}

/** `chat/message`, each escaped: an imported chat's ids may be anything. */
function nameOf([chat, message]: Key): Pick<WireRecord, 'kind' | 'id' | 'parent'> {
  const own = encodeURIComponent(chat)
  return message
    ? { kind: 'message', id: `${own}/${encodeURIComponent(message)}`, parent: own }
    : { kind: 'chat', id: own, parent: null }
}

function keyOf({ id }: Pick<WireRecord, 'id' | 'version'>): Key {
  const [chat = '', message = ''] = id.split('/')
  return [decodeURIComponent(chat), decodeURIComponent(message)]
}
