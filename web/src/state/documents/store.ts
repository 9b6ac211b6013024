/**
 * The user's documents in IndexedDB: what the list shows, texts and versions in stores of their own, so that the list
 * opens fast whatever the texts' lengths. Every change is one transaction: a crash leaves the old state or the new one.
 */
import { type DBSchema, type IDBPDatabase, openDB } from 'idb'
import { siteName } from '../../engine/names.ts'
import { type Synced, type Ticket, ticket } from '../sync/wire.ts'
import { countLine } from './count.ts'
import type { FileFormat } from './encoding.ts'
import { spare, type VersionMark, type VersionReason } from './versions.ts'

export type TextFormat = 'text' | 'markdown'

/** The file that a document was opened from or saved to. */
export interface FileOrigin extends FileFormat {
  name: string
  /** Where the browser has File System Access: saves go to this very file. */
  handle?: FileSystemFileHandle
  /** When the file was last changed, as far as we know: another program may have written it since. */
  modifiedAt?: number
}

export interface DocumentEntry {
  id: string
  /** Given by the user; empty: `opening` stands for it. */
  title: string
  /** The text's first line with something in it, cut. */
  opening: string
  format: TextFormat
  words: number
  createdAt: number
  changedAt: number
  /** Grows with every save: tells whether another tab has saved meanwhile. */
  revision: number
  caret: number
  file: FileOrigin | null
}

export type StoredMark = Omit<VersionMark, 'id'> & { id?: number; document: string }

export interface Schema extends DBSchema {
  documents: { key: string; value: DocumentEntry }
  texts: { key: string; value: string }
  versions: { key: number; value: StoredMark; indexes: { document: string } }
  version_texts: { key: number; value: string }
  /** What is to be sent to the server's copy: a document ('' stands for it) or one of its versions, by `versionName`. */
  outbox: { key: [string, string]; value: Ticket }
  /** What the server's copy had when it was last compared; of a document also when its text was changed. */
  synced: { key: [string, string]; value: Synced<number> }
}

const DATABASE = siteName('slm-playground.documents')
/** Where tabs tell each other that a document has changed: its id. */
export const CHANNEL = siteName('slm-playground.documents')

/** The database itself, for who compares it with the server's copy. */
export function openDocuments(name = DATABASE): Promise<IDBPDatabase<Schema>> {
  return openDB<Schema>(name, 2, {
    upgrade(db, from) {
      if (from < 1) {
        db.createObjectStore('documents', { keyPath: 'id' })
        db.createObjectStore('texts')
        db.createObjectStore('versions', { keyPath: 'id', autoIncrement: true }).createIndex('document', 'document')
        db.createObjectStore('version_texts')
      }
      db.createObjectStore('outbox')
      db.createObjectStore('synced')
    },
    blocking(_, __, event) {
      ;(event.target as IDBDatabase).close() // a newer page waits for us
    },
  })
}

/** What a save writes: `entry` as it was when it was read, with the text's new state. */
export interface Save {
  entry: DocumentEntry
  text: string
  words: number
  caret: number
  now: number
}

const OPENING_CHARACTERS = 80

export class DocumentStore {
  readonly #db: Promise<IDBPDatabase<Schema>>
  readonly #channel = new BroadcastChannel(CHANNEL)

  constructor(name = DATABASE) {
    this.#db = openDocuments(name)
  }

  /** Calls back with the ids of documents that other tabs have changed. */
  listen(onNews: (ids: readonly string[]) => void): () => void {
    const hear = ({ data }: MessageEvent<readonly string[]>) => onNews(data)
    this.#channel.addEventListener('message', hear)
    return () => this.#channel.removeEventListener('message', hear)
  }

  #tell(id: string): void {
    this.#channel.postMessage([id])
  }

  /** Changed last first. */
  async list(): Promise<DocumentEntry[]> {
    const entries = await (await this.#db).getAll('documents')
    return entries.sort((a, b) => b.changedAt - a.changedAt)
  }

  async read(id: string): Promise<{ entry: DocumentEntry; text: string } | null> {
    const tx = (await this.#db).transaction(['documents', 'texts'])
    const [entry, text] = await Promise.all([tx.objectStore('documents').get(id), tx.objectStore('texts').get(id)])
    return entry && text !== undefined ? { entry, text } : null
  }

  async create(text: string, format: TextFormat, file: FileOrigin | null, now: number): Promise<DocumentEntry> {
    const entry: DocumentEntry = {
      ...{ id: crypto.randomUUID(), title: '', format, file, revision: 1, caret: 0, createdAt: now, changedAt: now },
      ...{ opening: openingOf(text), words: countLine(text).words },
    }
    const tx = (await this.#db).transaction(['documents', 'texts', 'outbox'], 'readwrite')
    void tx.objectStore('outbox').put(ticket(), [entry.id, ''])
    await Promise.all([tx.objectStore('documents').put(entry), tx.objectStore('texts').put(text, entry.id), tx.done])
    this.#tell(entry.id)
    return entry
  }

  /**
   * Saves a text; a document that was deleted in another tab comes back. Where another tab saved since `entry` was read,
   * its text is kept as a version.
   */
  async save({ entry, text, words, caret, now }: Save): Promise<DocumentEntry> {
    const tx = (await this.#db).transaction(['documents', 'texts', 'versions', 'version_texts', 'outbox'], 'readwrite')
    const [entries, texts] = [tx.objectStore('documents'), tx.objectStore('texts')]
    const outbox = tx.objectStore('outbox')
    const [known, stored] = await Promise.all([entries.get(entry.id), texts.get(entry.id)])
    if (known && known.revision !== entry.revision && stored !== undefined && stored !== text) {
      const mark = markOf(entry.id, stored, 'other-tab', now)
      await tx.objectStore('version_texts').put(stored, await tx.objectStore('versions').add(mark))
      await outbox.put(ticket(), [entry.id, versionName(mark)])
    }
    const next: DocumentEntry = {
      ...{ ...(known ?? entry), opening: openingOf(text), words, caret },
      ...{ changedAt: stored === text ? entry.changedAt : now, revision: (known ?? entry).revision + 1 },
    }
    void outbox.put(ticket(), [entry.id, ''])
    await Promise.all([entries.put(next), texts.put(text, entry.id), tx.done])
    this.#tell(entry.id)
    return next
  }

  /** Title, format or file; the text stays. */
  async amend(
    id: string,
    part: Partial<Pick<DocumentEntry, 'title' | 'format' | 'file'>>,
  ): Promise<DocumentEntry | null> {
    const tx = (await this.#db).transaction(['documents', 'outbox'], 'readwrite')
    const entry = await tx.objectStore('documents').get(id)
    const next = entry ? { ...entry, ...part } : null
    if (next)
      await Promise.all([tx.objectStore('documents').put(next), tx.objectStore('outbox').put(ticket(), [id, ''])])
    await tx.done
    this.#tell(id)
    return next
  }

  /** Deletes a document with its versions; the returned function brings all of it back. */
  async remove(id: string): Promise<() => Promise<void>> {
    const db = await this.#db
    const tx = db.transaction(['documents', 'texts', 'versions', 'version_texts', 'outbox'], 'readwrite')
    // With a document the server deletes its versions.
    await tx.objectStore('outbox').delete(IDBKeyRange.bound([id], [id, []]))
    await tx.objectStore('outbox').put(ticket(), [id, ''])
    const [entries, texts] = [tx.objectStore('documents'), tx.objectStore('texts')]
    const [versions, versionTexts] = [tx.objectStore('versions'), tx.objectStore('version_texts')]
    const [entry, text] = await Promise.all([entries.get(id), texts.get(id)])
    const old: { mark: StoredMark; text: string }[] = []
    for await (const { primaryKey, value } of versions.index('document').iterate(id)) {
      old.push({ mark: value, text: (await versionTexts.get(primaryKey)) ?? '' })
      await Promise.all([versions.delete(primaryKey), versionTexts.delete(primaryKey)])
    }
    await Promise.all([entries.delete(id), texts.delete(id), tx.done])
    this.#tell(id)
    return async () => {
      if (!entry || text === undefined) return
      const back = db.transaction(['documents', 'texts', 'versions', 'version_texts', 'outbox'], 'readwrite')
      await Promise.all([back.objectStore('documents').put(entry), back.objectStore('texts').put(text, id)])
      await back.objectStore('outbox').put(ticket(), [id, ''])
      for (const version of old) {
        await back.objectStore('outbox').put(ticket(), [id, versionName(version.mark)])
        const key = await back.objectStore('versions').put(version.mark)
        await back.objectStore('version_texts').put(version.text, key)
      }
      await back.done
      this.#tell(id)
    }
  }

  /** Ids of documents whose title or text has the words as they stand, in any case of letters. */
  async find(query: string): Promise<Set<string>> {
    const wanted = query.trim().toLocaleLowerCase()
    const tx = (await this.#db).transaction(['documents', 'texts'])
    const found = new Set<string>()
    for (const { id, title } of await tx.objectStore('documents').getAll()) {
      if (title.toLocaleLowerCase().includes(wanted)) found.add(id)
    }
    for await (const cursor of tx.objectStore('texts')) {
      if (cursor.value.toLocaleLowerCase().includes(wanted)) found.add(cursor.key)
    }
    return found
  }

  /** Newest first. */
  async versions(document: string): Promise<VersionMark[]> {
    const marks = await (await this.#db).getAllFromIndex('versions', 'document', document)
    return marks.flatMap(withId).sort((a, b) => b.at - a.at || b.id - a.id)
  }

  /** The text of a version; empty where it is gone. */
  async versionText(version: number): Promise<string> {
    return (await (await this.#db).get('version_texts', version)) ?? ''
  }

  /** Keeps a version and removes those that are spare by now. */
  async keepVersion(document: string, text: string, reason: VersionReason, now: number): Promise<void> {
    const tx = (await this.#db).transaction(['versions', 'version_texts', 'outbox'], 'readwrite')
    const [versions, texts] = [tx.objectStore('versions'), tx.objectStore('version_texts')]
    const kept = markOf(document, text, reason, now)
    await texts.put(text, await versions.add(kept))
    const marks = await versions.index('document').getAll(document)
    const gone = spare(marks.flatMap(withId), now)
    for (const mark of [kept, ...gone]) void tx.objectStore('outbox').put(ticket(), [document, versionName(mark)])
    await Promise.all([...gone.flatMap(({ id }) => [versions.delete(id), texts.delete(id)]), tx.done])
    this.#tell(document)
  }

  async close(): Promise<void> {
    this.#channel.close()
    ;(await this.#db).close()
  }
}

/** Tells a document's versions apart in every browser; the numbers are each browser's own. */
export function versionName({ at, characters, reason }: Omit<VersionMark, 'id'>): string {
  return `${at}.${characters}.${reason}`
}

/** What IndexedDB gives back has its key. */
function withId(mark: StoredMark): VersionMark[] {
  return mark.id === undefined ? [] : [{ ...mark, id: mark.id }]
}

export function markOf(document: string, text: string, reason: VersionReason, at: number): StoredMark {
  return { document, reason, at, characters: text.length }
}

export function openingOf(text: string): string {
  const line = /\S[^\n]*/.exec(text)?.[0] ?? ''
  const plain = line.replace(/^(?:#+|[-*+>]|\d+[.)])\s+/, '').trim()
  return [...plain.slice(0, 2 * OPENING_CHARACTERS)].slice(0, OPENING_CHARACTERS).join('')
}
