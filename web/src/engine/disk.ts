/**
 * Downloaded files on the browser's private disk (OPFS), named by their SHA-256, so that variants and bundles share
 * what they have in common and a name can never hold other bytes. `<digest>.part` is a download that has not ended yet.
 * Beside them one record per bundle says which files it uses. Writing needs a worker; listing and removing do not.
 */
import { EngineError } from './errors.ts'
import type { FileEntry } from './manifest.ts'

/** Bytes of a file that is being received. */
export interface Sink {
  /** How many are there, those of an earlier download included. */
  readonly received: number
  write(chunk: Uint8Array): void
  /** Everything that is there, piece by piece. */
  pieces(): Iterable<Uint8Array>
  restart(): void
  /** All is there and verified: closes, and gives the file. */
  finish(): Promise<Blob>
  /** Closes; what is there stays for the next try, where it lies on disk. */
  close(): void
}

/** Copies what a file has from `at` on into `to`; how many bytes those were. */
export type ReadAt = (to: Uint8Array, at: number) => number

/** A whole file and what is noted about it. */
export interface StoredFile {
  /**
   * Calls `use` with the file to be read straight into memory of its own: several times as fast as a Blob, whose bytes
   * come by way of the browser's process. False where that is not to be had: not there, or open in another worker.
   */
  read(use: (read: ReadAt) => void): Promise<boolean>
  /** Null where nothing was noted since the file was downloaded. */
  note(): Promise<string | null>
  keepNote(text: string): Promise<void>
}

export interface Disk {
  /** A whole file, null where it is not there. */
  find(entry: FileEntry): Promise<File | null>
  stored(entry: FileEntry): StoredFile
  /** The place of a download, with what an earlier one left. Hold `fileLock` meanwhile: a file has one writer. */
  open(entry: FileEntry): Promise<Sink>
  /** Notes that a bundle uses these files, and drops those that it used once and `isStillListed` denies. */
  remember(bundle: BundleRecord, isStillListed: (sha256: string) => boolean): Promise<void>
}

export interface BundleRecord {
  url: string
  id: string
  name: string
  files: { path: string; size_bytes: number; sha256: string }[]
  /** Milliseconds since 1970. */
  used_at: number
}

const FOLDER = 'slm-models'
const PIECE_BYTES = 1 << 20

/** Null where the browser has no private disk, or forbids it (private windows, some embedded views). */
export async function openDisk(): Promise<Disk | null> {
  if (typeof FileSystemFileHandle === 'undefined' || !navigator.locks) return null
  const { prototype } = FileSystemFileHandle
  if (!('createSyncAccessHandle' in prototype && 'move' in prototype)) return null
  let folders: Folders
  try {
    folders = await openFolders(true)
  } catch {
    return null // not an error: downloads go to memory instead
  }
  const { files, bundles } = folders
  return {
    find: entry => find(files, entry),
    stored: entry => ({
      read: use => read(files, entry, use),
      note: async () => (await (await fileAt(files, noteName(entry.sha256)))?.text()) ?? null,
      keepNote: text => writeText(files, { name: noteName(entry.sha256), of: entry.path, text }),
    }),
    open: async entry => sinkOf(files, entry),
    remember: (bundle, isStillListed) =>
      navigator.locks.request(RECORDS_LOCK, async () => {
        const name = await recordName(bundle.url)
        const before = (await readRecord(bundles, name))?.files ?? []
        const kept = before.filter(
          ({ sha256 }) => isStillListed(sha256) && !bundle.files.some(file => file.sha256 === sha256),
        )
        await writeRecord(bundles, name, { ...bundle, files: [...bundle.files, ...kept] })
        await dropUnused(folders, before)
      }),
  }
}

/** Runs `work` while nobody else, in this tab or another, writes the file with this digest. */
export async function withFileLock<T>(sha256: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return navigator.locks.request(`slm-file-${sha256}`, { signal }, work)
}

/** What the browser keeps of one bundle. */
export interface StoredBundle {
  /** As `createEngine` was given it, absolute. */
  bundle: string
  id: string
  name: string
  /** Bytes on disk; files that several bundles share count for each. */
  sizeBytes: number
  /** False where a download was broken off; loading the bundle goes on with it. */
  complete: boolean
  usedAt: Date
}

/** Every bundle of which the browser keeps files, last used first. Empty where it has no private disk. */
export async function storedBundles(): Promise<StoredBundle[]> {
  const folders = await openFolders(false).catch(() => null)
  if (!folders) return []
  const list: StoredBundle[] = []
  for (const record of await records(folders.bundles)) {
    const sizes = await Promise.all(record.files.map(file => sizeOnDisk(folders.files, file)))
    list.push({
      bundle: record.url,
      id: record.id,
      name: record.name,
      sizeBytes: sizes.reduce((total, { bytes }) => total + bytes, 0),
      complete: sizes.every(({ whole }) => whole),
      usedAt: new Date(record.used_at),
    })
  }
  return list.sort((a, b) => b.usedAt.getTime() - a.usedAt.getTime())
}

/** Forgets one bundle and deletes its files, but for those that another bundle uses or that are being written. */
export async function removeStoredBundle(bundle: string): Promise<void> {
  const folders = await openFolders(false).catch(() => null)
  if (!folders) return
  const url = new URL(bundle, globalThis.document?.baseURI ?? globalThis.location?.href)
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  await navigator.locks.request(RECORDS_LOCK, async () => {
    const name = await recordName(url.href)
    const record = await readRecord(folders.bundles, name)
    if (!record) return
    await folders.bundles.removeEntry(name)
    await dropUnused(folders, record.files)
  })
}

const RECORDS_LOCK = 'slm-bundles'

interface Folders {
  files: FileSystemDirectoryHandle
  bundles: FileSystemDirectoryHandle
}

async function openFolders(create: boolean): Promise<Folders> {
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create })
  const inside = (name: string) => folder.getDirectoryHandle(name, { create })
  return { files: await inside('files'), bundles: await inside('bundles') }
}

async function find(files: FileSystemDirectoryHandle, { sha256, size_bytes }: FileEntry): Promise<File | null> {
  const file = await fileAt(files, sha256)
  return file?.size === size_bytes ? file : null
}

async function read(files: FileSystemDirectoryHandle, entry: FileEntry, use: (read: ReadAt) => void): Promise<boolean> {
  if (!(await find(files, entry))) return false
  const handle = await files.getFileHandle(entry.sha256)
  // Where a browser does not know the mode, one worker at a time has the file; not yet in TypeScript's types.
  const open = handle.createSyncAccessHandle as (options: object) => Promise<FileSystemSyncAccessHandle>
  const access = await open.call(handle, { mode: 'read-only' }).catch(() => null)
  if (!access) return false
  try {
    use((to, at) => access.read(to, { at }))
    return true
  } finally {
    access.close()
  }
}

function noteName(sha256: string): string {
  return `${sha256}.note`
}

async function sinkOf(files: FileSystemDirectoryHandle, { path, sha256, size_bytes }: FileEntry): Promise<Sink> {
  const handle = await files.getFileHandle(`${sha256}.part`, { create: true })
  const access = await handle.createSyncAccessHandle()
  let received = access.getSize()
  const restart = () => {
    access.truncate(0)
    received = 0
  }
  if (received > size_bytes) restart()
  try {
    await checkRoom(path, size_bytes - received)
  } catch (error) {
    access.close()
    throw error
  }
  return {
    get received() {
      return received
    },
    write(chunk) {
      const written = asQuota(path, () => access.write(chunk, { at: received }))
      if (written < chunk.length) throw noRoom(path, chunk.length)
      received += written
    },
    *pieces() {
      for (let at = 0; at < received; ) {
        const piece = new Uint8Array(Math.min(PIECE_BYTES, received - at))
        at += access.read(piece, { at })
        yield piece
      }
    },
    restart,
    async finish() {
      asQuota(path, () => access.flush())
      access.close()
      // In every browser that has sync access handles, and not yet in TypeScript's types.
      await (handle as FileSystemFileHandle & { move(name: string): Promise<void> }).move(sha256)
      return handle.getFile()
    },
    close: () => access.close(),
  }
}

/** Asked before a download rather than after half of it. Browsers round the numbers, so writing may still fail. */
async function checkRoom(path: string, bytes: number): Promise<void> {
  const { quota, usage } = await navigator.storage.estimate()
  if (quota !== undefined && usage !== undefined && bytes > quota - usage) throw noRoom(path, bytes)
}

function asQuota<T>(path: string, write: () => T): T {
  try {
    return write()
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'QuotaExceededError') throw noRoom(path, 0, cause)
    throw cause
  }
}

function noRoom(path: string, bytes: number, cause?: unknown): EngineError {
  const size = bytes > 0 ? ` (${Math.ceil(bytes / 1e6)} MB)` : ''
  const message =
    `The browser's disk space for this page has no room for ${path}${size}. ` +
    'Remove models that it keeps and you do not need, or free disk space, then try again.'
  return new EngineError('quota', message, { cause })
}

async function fileAt(folder: FileSystemDirectoryHandle, name: string): Promise<File | null> {
  try {
    return await (await folder.getFileHandle(name)).getFile()
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotFoundError') return null
    throw error
  }
}

async function sizeOnDisk(files: FileSystemDirectoryHandle, { sha256 }: { sha256: string }) {
  const whole = await fileAt(files, sha256)
  const bytes = whole ? whole.size : ((await fileAt(files, `${sha256}.part`))?.size ?? 0)
  return { whole: whole !== null, bytes }
}

/** Deletes those of `files` that no record mentions any more. */
async function dropUnused({ files, bundles }: Folders, dropped: BundleRecord['files']): Promise<void> {
  const used = new Set((await records(bundles)).flatMap(record => record.files.map(({ sha256 }) => sha256)))
  for (const { sha256 } of dropped.filter(file => !used.has(file.sha256))) {
    await navigator.locks.request(`slm-file-${sha256}`, { ifAvailable: true }, async lock => {
      if (!lock) return // being downloaded
      for (const name of [sha256, `${sha256}.part`, noteName(sha256)]) {
        if (await fileAt(files, name)) await files.removeEntry(name)
      }
    })
  }
}

async function records(bundles: FileSystemDirectoryHandle): Promise<BundleRecord[]> {
  const found: BundleRecord[] = []
  for await (const name of bundles.keys()) {
    const record = await readRecord(bundles, name)
    if (record) found.push(record)
  }
  return found
}

/** Null where there is none, or where a crash left half of one: the next load writes it again. */
async function readRecord(bundles: FileSystemDirectoryHandle, name: string): Promise<BundleRecord | null> {
  const file = await fileAt(bundles, name)
  try {
    return file ? JSON.parse(await file.text()) : null
  } catch {
    return null
  }
}

async function writeRecord(bundles: FileSystemDirectoryHandle, name: string, record: BundleRecord): Promise<void> {
  await writeText(bundles, { name, of: record.name, text: JSON.stringify(record) })
}

/** `of`: what it belongs to, for messages. */
async function writeText(
  folder: FileSystemDirectoryHandle,
  { name, of, text }: { name: string; of: string; text: string },
): Promise<void> {
  const access = await (await folder.getFileHandle(name, { create: true })).createSyncAccessHandle()
  try {
    asQuota(of, () => {
      access.truncate(0)
      access.write(new TextEncoder().encode(text))
    })
  } finally {
    access.close()
  }
}

async function recordName(url: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(url)))
  return `${Array.from(hash.subarray(0, 16), byte => byte.toString(16).padStart(2, '0')).join('')}.json`
}
