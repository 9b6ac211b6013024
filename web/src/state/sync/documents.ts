/** The browser's documents beside the server's copy of them: what is to be sent, and what comes in. */
import type { IDBPDatabase, IDBPTransaction } from 'idb'
import { countLine } from '../documents/count.ts'
import {
  type DocumentEntry,
  type FileOrigin,
  markOf,
  openingOf,
  type Schema,
  type TextFormat,
  versionName,
} from '../documents/store.ts'
import type { VersionReason } from '../documents/versions.ts'
import { type Body, batchOf, type Outgoing, type Replica, ticket, type WireRecord } from './wire.ts'

const STORES = ['documents', 'texts', 'versions', 'version_texts', 'outbox', 'synced'] as const
type Work = IDBPTransaction<Schema, typeof STORES, 'readwrite'>
type Reading = IDBPTransaction<Schema, typeof STORES, 'readonly' | 'readwrite'>
type Key = [document: string, version: string]

interface DocumentBody {
  title: string
  format: TextFormat
  caret: number
  created_at: number
  changed_at: number
  file: Omit<FileOrigin, 'handle'> | null
  text: string
}

interface VersionBody {
  at: number
  reason: VersionReason
  text: string
}

export class DocumentReplica implements Replica {
  readonly kinds = ['document', 'text_version'] as const
  readonly #database: IDBPDatabase<Schema>
  readonly #tell: (ids: readonly string[]) => void

  constructor(database: IDBPDatabase<Schema>, tell: (ids: readonly string[]) => void) {
    this.#database = database
    this.#tell = tell
  }

  async begin(): Promise<void> {
    const work = this.#database.transaction(STORES, 'readwrite')
    const outbox = work.objectStore('outbox')
    const [documents, versions, waiting] = await Promise.all([
      work.objectStore('documents').getAllKeys(),
      work.objectStore('versions').getAll(),
      outbox.getAllKeys(),
    ])
    const keys: Key[] = [
      ...documents.map((id): Key => [id, '']),
      ...versions.map((mark): Key => [mark.document, versionName(mark)]),
    ]
    const known = new Set(waiting.map(key => JSON.stringify(key)))
    for (const key of keys) if (!known.has(JSON.stringify(key))) void outbox.put(ticket(0), key)
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
      const changed = key[1] ? await takeVersion(work, key, record) : await takeDocument(work, key, record)
      if (changed === 'again') again = true
      if (changed) touched.add(key[0])
    }
    await work.done
    if (touched.size > 0) this.#tell([...touched])
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
      bodyOf(work, key),
    ])
    // A sheet that nobody has written on yet: every browser begins with one.
    if (!mark || (!known && body?.text === '' && body.title === '')) return null
    if (!body && !known) {
      await this.#database.delete('outbox', key)
      return null
    }
    return { write: { ...nameOf(key), base: known?.version ?? 0, written_at: mark.at, body }, ticket: mark }
  }

  async sent({ write, ticket: mark }: Outgoing, version: number): Promise<void> {
    const work = this.#database.transaction(STORES, 'readwrite')
    const key = keyOf(write)
    await work.objectStore('synced').put(syncedOf(version, write.body), key)
    const now = await work.objectStore('outbox').get(key)
    if (now?.mark === mark.mark) await work.objectStore('outbox').delete(key)
    await work.done
  }
}

async function takeDocument(work: Work, key: Key, record: WireRecord): Promise<boolean | 'again'> {
  const [id] = key
  const outbox = work.objectStore('outbox')
  const [mine, text, mark, known] = await Promise.all([
    work.objectStore('documents').get(id),
    work.objectStore('texts').get(id),
    outbox.get(key),
    work.objectStore('synced').get(key),
  ])
  await work.objectStore('synced').put(syncedOf(record.version, record.body), key)
  const theirs = record.body as DocumentBody | null // only our own page writes there, so the shape is ours
  if (!theirs) return takeDeleted(work, id, mine !== undefined)
  if (!mine || text === undefined) {
    if (mark && record.written_at <= mark.at) return false
    await put(work, { id, theirs, mine: null })
    if (!mark) return true
    await Promise.all([outbox.delete(key), work.objectStore('synced').delete(all(id))])
    return 'again'
  }
  if (!mark || text === theirs.text || mine.changedAt === known?.base) {
    // Here nothing was written since: at most its caret has moved, or its title was changed.
    await put(work, {
      id,
      theirs: mark && record.written_at < mark.at ? { ...theirs, title: mine.title } : theirs,
      mine,
    })
    if (!mark || record.written_at >= mark.at || mine.title === theirs.title) await outbox.delete(key)
    return true
  }
  return keepBoth(work, { id, mine, text, theirs })
}

/** Both wrote: the later text is the document's, the other one a version of it. */
async function keepBoth(
  work: Work,
  { id, mine, text, theirs }: { id: string; mine: DocumentEntry; text: string; theirs: DocumentBody },
): Promise<true> {
  const theirsIsLater = theirs.changed_at >= mine.changedAt
  const [older, at] = theirsIsLater ? [text, mine.changedAt] : [theirs.text, theirs.changed_at]
  if (older.trim()) {
    const kept = markOf(id, older, 'other-tab', at)
    await work.objectStore('version_texts').put(older, await work.objectStore('versions').add(kept))
    await work.objectStore('outbox').put(ticket(), [id, versionName(kept)])
  }
  if (theirsIsLater) {
    await put(work, { id, theirs, mine })
    await work.objectStore('outbox').delete([id, ''])
  }
  return true
}

async function takeDeleted(work: Work, id: string, isHere: boolean): Promise<boolean> {
  const outbox = work.objectStore('outbox')
  if (!isHere) {
    await outbox.delete([id, ''])
    return false
  }
  const [unsent] = await outbox.getAllKeys(all(id), 1)
  const marks = await work.objectStore('versions').index('document').getAll(id)
  if (unsent) {
    // Deleted there, written on here: it stays.
    for (const mark of marks) await outbox.put(ticket(), [id, versionName(mark)])
    await outbox.put(ticket(), [id, ''])
    return false
  }
  for (const { id: number } of marks) if (number !== undefined) await removeVersion(work, number)
  await Promise.all([work.objectStore('documents').delete(id), work.objectStore('texts').delete(id)])
  return true
}

async function takeVersion(work: Work, key: Key, record: WireRecord): Promise<boolean> {
  const [id] = key
  const outbox = work.objectStore('outbox')
  await work.objectStore('synced').put({ version: record.version }, key)
  const [mark, parentMark, entry, mine] = await Promise.all([
    outbox.get(key),
    outbox.get([id, '']),
    work.objectStore('documents').get(id),
    findVersion(work, key),
  ])
  if (parentMark && !entry) return false // its document is deleted here, and that is still to be sent
  if (record.body && !mine && !mark) {
    const { at, reason, text } = record.body as unknown as VersionBody // as above
    await work
      .objectStore('version_texts')
      .put(text, await work.objectStore('versions').add(markOf(id, text, reason, at)))
    return true
  }
  if (!record.body && mine?.id !== undefined && !mark) {
    await removeVersion(work, mine.id)
    return true
  }
  // Versions never change: here as there.
  if (Boolean(record.body) === Boolean(mine)) await outbox.delete(key)
  return false
}

async function removeVersion(work: Work, number: number): Promise<void> {
  await Promise.all([work.objectStore('versions').delete(number), work.objectStore('version_texts').delete(number)])
}

async function findVersion(work: Reading, [id, name]: Key) {
  const marks = await work.objectStore('versions').index('document').getAll(id)
  return marks.find(mark => versionName(mark) === name)
}

async function put(
  work: Work,
  { id, theirs, mine }: { id: string; theirs: DocumentBody; mine: DocumentEntry | null },
): Promise<void> {
  const handle = mine?.file?.name === theirs.file?.name ? mine?.file?.handle : undefined
  const entry: DocumentEntry = {
    ...{ id, title: theirs.title, format: theirs.format, caret: theirs.caret },
    ...{ opening: openingOf(theirs.text), words: countLine(theirs.text).words },
    ...{ createdAt: theirs.created_at, changedAt: theirs.changed_at, revision: (mine?.revision ?? 0) + 1 },
    file: theirs.file ? { ...theirs.file, ...(handle ? { handle } : {}) } : null,
  }
  await Promise.all([work.objectStore('documents').put(entry), work.objectStore('texts').put(theirs.text, id)])
}

async function bodyOf(work: Reading, key: Key): Promise<Body | null> {
  const [id, version] = key
  if (version) {
    const mark = await findVersion(work, key)
    const text = mark?.id === undefined ? undefined : await work.objectStore('version_texts').get(mark.id)
    return mark && text !== undefined ? { at: mark.at, reason: mark.reason, text } : null
  }
  const [entry, text] = await Promise.all([work.objectStore('documents').get(id), work.objectStore('texts').get(id)])
  if (!entry || text === undefined) return null
  const { handle: _, ...file } = entry.file ?? { handle: undefined }
  const body: DocumentBody = {
    ...{ title: entry.title, format: entry.format, caret: entry.caret },
    ...{ created_at: entry.createdAt, changed_at: entry.changedAt },
    file: 'name' in file ? file : null,
    text,
  }
  return { ...body }
}

function syncedOf(version: number, body: Body | null) {
  const changedAt = body?.changed_at
  return typeof changedAt === 'number' ? { version, base: changedAt } : { version }
}

function all(id: string): IDBKeyRange {
  return IDBKeyRange.bound([id], [id, []])
}

function nameOf([id, version]: Key): Pick<WireRecord, 'kind' | 'id' | 'parent'> {
  return version ? { kind: 'text_version', id: `${id}/${version}`, parent: id } : { kind: 'document', id, parent: null }
}

function keyOf({ id }: Pick<WireRecord, 'id'>): Key {
  const [document = '', version = ''] = id.split('/')
  return [document, version]
}
