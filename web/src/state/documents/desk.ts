/**
 * The desk: which document lies open, and the care for it: saving while the user writes, versions at moments that matter.
 * The text itself lives in the editor; the desk asks for it when it saves.
 */
import { computed, signal } from '@preact/signals'
import type { DocumentEntry, DocumentStore, FileOrigin, TextFormat } from './store.ts'
import { type VersionMark, type VersionReason, versionDue } from './versions.ts'

/** What the editor gives when it is asked. */
export interface Draft {
  text: string
  words: number
  caret: number
}

export interface OpenDocument {
  id: string
  text: string
  caret: number
}

export type SaveState = { status: 'saved' } | { status: 'unsaved' } | { status: 'failed'; message: string }

/** Saved after this long without a key, and at the latest after MOST_WAIT_MS of steady typing. */
const QUIET_MS = 600
const MOST_WAIT_MS = 2500

export class Desk {
  readonly entries = signal<readonly DocumentEntry[]>([])
  /** The document that lies open, as it was when it was opened: a new object means that the editor must show it. */
  readonly opened = signal<OpenDocument | null>(null)
  readonly saveState = signal<SaveState>({ status: 'saved' })
  readonly current = computed(() => this.entries.value.find(({ id }) => id === this.opened.value?.id) ?? null)
  readonly #store: DocumentStore
  readonly #now: () => number
  #read: (() => Draft) | null = null
  #savedText = ''
  #versionAt: number | null = null
  #dirtySince = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #saving: Promise<void> = Promise.resolve()
  /** Counts what is being opened: the latest counts. */
  #opening = 0

  constructor(store: DocumentStore, now: () => number = Date.now) {
    this.#store = store
    this.#now = now
  }

  async load(): Promise<void> {
    this.entries.value = await this.#store.list()
  }

  /**
   * Follows what other tabs change: the list, and the open document where nothing in it is unsaved here. What is unsaved is
   * saved over theirs, which becomes a version.
   * @param onGone the open document was deleted elsewhere
   */
  follow(onGone: () => void): () => void {
    return this.#store.listen(ids => void this.#hear(ids, onGone).catch(() => {})) // the next save says what is wrong
  }

  async #hear(ids: readonly string[], onGone: () => void): Promise<void> {
    await this.#saving
    const entries = await this.#store.list()
    const open = this.opened.peek()
    const found = open && ids.includes(open.id) ? await this.#store.read(open.id) : null
    const isIdle = this.saveState.peek().status === 'saved' && this.opened.peek() === open
    const own = this.current.peek()
    // While it is being written it keeps its entry: its next save brings it back, or finds the other text and keeps it.
    const others = entries.filter(({ id }) => id !== own?.id)
    this.entries.value = isIdle || !own ? entries : [own, ...others].sort((a, b) => b.changedAt - a.changedAt)
    if (!open || !isIdle || !ids.includes(open.id)) return
    if (!found) onGone()
    else if (found.text !== this.#savedText) this.#show(found.entry, found.text)
  }

  /**
   * @returns false where there is no such document
   * @throws Error where the present one could not be saved: it stays open
   */
  async open(id: string): Promise<boolean> {
    const turn = ++this.#opening
    await this.#leave()
    const found = await this.#store.read(id)
    if (!found) return false
    const { entry, text } = found
    const [newest] = await this.#store.versions(id)
    this.#versionAt = newest?.at ?? null
    const isKept = newest !== undefined && (await this.#store.versionText(newest.id)) === text
    if (text.trim() && !isKept) await this.#keep(id, text, 'opened')
    await this.#leave() // what was typed while the other one was read
    if (turn === this.#opening) this.#show(entry, text) // else another one was asked for meanwhile
    return true
  }

  async create(text = '', format: TextFormat = 'markdown', file: FileOrigin | null = null): Promise<string> {
    this.#opening += 1
    await this.#leave()
    const entry = await this.#store.create(text, format, file, this.#now())
    await this.#leave() // what was typed while the new one was made
    this.#versionAt = null
    this.#show(entry, text)
    return entry.id
  }

  async openFile(text: string, file: FileOrigin): Promise<string> {
    return this.create(text, /\.(?:md|markdown)$/i.test(file.name) ? 'markdown' : 'text', file)
  }

  async #leave(): Promise<void> {
    do {
      await this.flush()
      const state = this.saveState.peek()
      if (state.status === 'failed') throw new Error(state.message)
    } while (this.#read && this.current.peek()) // typed while it was being saved; of a deleted one nothing is
  }

  #show(entry: DocumentEntry, text: string): void {
    this.#savedText = text
    this.#read = null
    this.saveState.value = { status: 'saved' }
    this.#put(entry)
    this.opened.value = { id: entry.id, text, caret: Math.min(entry.caret, text.length) }
  }

  /** The user changed the text; `read` gives it when the time to save has come. */
  changed(read: () => Draft): void {
    this.#read = read
    const now = this.#now()
    if (this.saveState.peek().status === 'saved') this.#dirtySince = now
    this.saveState.value = { status: 'unsaved' }
    clearTimeout(this.#timer)
    const wait = Math.max(0, Math.min(QUIET_MS, this.#dirtySince + MOST_WAIT_MS - now))
    this.#timer = setTimeout(() => void this.flush(), wait)
  }

  /** Saves what is unsaved now: on leaving the page, before another document is opened. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#saving = this.#saving.then(() => this.#save())
    return this.#saving
  }

  async #save(): Promise<void> {
    const [read, entry] = [this.#read, this.current.peek()]
    if (!read || !entry) return
    this.#read = null
    const { text, words, caret } = read()
    const now = this.#now()
    this.#dirtySince = now // what is typed from here on waits its own time
    try {
      this.#put(await this.#store.save({ entry, text, words, caret, now }))
      const sinceVersionMs = this.#versionAt === null ? null : now - this.#versionAt
      const due = versionDue({ before: this.#savedText, after: text, sinceVersionMs })
      this.#savedText = text
      if (due) await this.#keep(entry.id, due.text, due.reason)
      if (!this.#read) this.saveState.value = { status: 'saved' }
    } catch (error) {
      this.#read ??= read // the next key tries again
      this.saveState.value = { status: 'failed', message: error instanceof Error ? error.message : String(error) }
    }
  }

  async rename(id: string, title: string): Promise<void> {
    await this.#amend(id, { title: title.trim() })
  }

  async setFormat(id: string, format: TextFormat): Promise<void> {
    await this.#amend(id, { format })
  }

  /** The open document was written to a file. */
  async wroteFile(id: string, file: FileOrigin, text: string): Promise<void> {
    await this.#amend(id, { file })
    await this.#keep(id, text, 'file')
  }

  async #amend(id: string, part: Partial<Pick<DocumentEntry, 'title' | 'format' | 'file'>>): Promise<void> {
    await this.flush() // the entry that comes back must have the newest revision
    const entry = await this.#store.amend(id, part)
    if (entry) this.#put(entry)
  }

  /** Deletes; the returned function brings the document back. */
  async remove(id: string): Promise<() => Promise<void>> {
    if (this.opened.peek()?.id === id) {
      await this.flush()
      this.opened.value = null
    }
    const restore = await this.#store.remove(id)
    await this.load()
    return async () => {
      await restore()
      await this.load()
    }
  }

  find(query: string): Promise<Set<string>> {
    return this.#store.find(query)
  }

  async versions(): Promise<VersionMark[]> {
    await this.flush()
    const id = this.opened.peek()?.id
    return id ? this.#store.versions(id) : []
  }

  versionText(version: number): Promise<string> {
    return this.#store.versionText(version)
  }

  async keepVersion(): Promise<void> {
    await this.flush()
    const id = this.opened.peek()?.id
    if (id) await this.#keep(id, this.#savedText, 'manual')
  }

  /** Before `version` takes the text's place, the present text becomes a version itself. */
  async beforeRestore(): Promise<void> {
    await this.flush()
    const id = this.opened.peek()?.id
    if (id) await this.#keep(id, this.#savedText, 'restored')
  }

  async #keep(id: string, text: string, reason: VersionReason): Promise<void> {
    const now = this.#now()
    await this.#store.keepVersion(id, text, reason, now)
    this.#versionAt = now
  }

  #put(entry: DocumentEntry): void {
    const others = this.entries.peek().filter(({ id }) => id !== entry.id)
    this.entries.value = [entry, ...others].sort((a, b) => b.changedAt - a.changedAt)
  }
}
