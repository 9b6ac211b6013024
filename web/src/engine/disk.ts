/**
 * Downloaded files on the browser's private disk (OPFS), named by their SHA-256, so that variants and bundles share
 * what they have in common and a name can never hold other bytes. `<digest>.part` is a download that has not ended yet.
 * Beside them one record per bundle says which files it uses. Writing needs a worker; listing and removing do not.
 */
import {
  fileAt,
  find,
  noRoom,
  noteName,
  read,
  rename,
  type Sink,
  type StoredFile,
  sinkOf,
  sizeOnDisk,
  writeText,
} from './disk-file.ts'
import { EngineError } from './errors.ts'
import type { FileEntry, Manifest, Variant } from './manifest.ts'
import { siteName } from './names.ts'

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
  files: FileEntry[]
  /** Milliseconds since 1970. */
  used_at: number
  /** False: only notes about these files are here; a server keeps the files. Records of older versions lack it. */
  kept?: boolean
  /** For when the server is gone. Records of older versions lack it. */
  manifest?: Manifest
  /** Came from the user's files: there is no server to ask. */
  imported?: boolean
}

const FOLDER = siteName('slm-models')

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
        await dropUnused(folders, bundle.kept === false ? [...before, ...bundle.files] : before)
      }),
  }
}

/** The same for those who cannot do without. @throws EngineError 'quota' or 'unsupported' */
export async function requireDisk(): Promise<Disk> {
  const disk = await openDisk()
  if (disk) return disk
  await openFolders(true).catch(cause => {
    if (cause instanceof DOMException && cause.name === 'QuotaExceededError') throw noRoom('', 0, cause)
  })
  throw new EngineError('unsupported', { kind: 'no-disk' })
}

/** Runs `work` while nobody else, in this tab or another, writes the file with this digest. */
export async function withFileLock<T>(sha256: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return navigator.locks.request(siteName(`slm-file-${sha256}`), { signal }, work)
}

/** A variant that is kept whole. */
export interface StoredVariant {
  name: string
  device: 'webgpu' | 'cpu'
  /** WebGPU features. */
  requires: string[]
  /** Of its own files, without those that all variants share. */
  sizeBytes: number
  memoryBytes: number
  /** For the engine's own CPU kernels. */
  hasProgram: boolean
  /** With the original in PyTorch; null where nobody did. */
  compared: { tokens_compared: number; top1_agreement: number; perplexity_ratio: number } | null
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
  /** Variants of which every file is here. */
  variants: StoredVariant[]
  /** Files that are here in part or not at all. */
  missingBytes: number
  licence: string
  architecture: string
  tasks: string[]
  parameters: number
  contextLength: number
  /** Added from the user's files: there is no server that has it. */
  imported: boolean
  usedAt: Date
}

/** Every bundle of which the browser keeps files, last used first. Empty where it has no private disk. */
export async function storedBundles(): Promise<StoredBundle[]> {
  const folders = await openFolders(false).catch(() => null)
  if (!folders) return []
  const list: StoredBundle[] = []
  for (const record of await records(folders.bundles)) {
    if (record.kept === false) continue
    list.push(await stored(record, folders.files))
  }
  return list.sort((a, b) => b.usedAt.getTime() - a.usedAt.getTime())
}

function variantOf({ name, device, requires, memory_bytes, files, fidelity, program }: Variant): StoredVariant {
  const sizeBytes = files.reduce((total, { size_bytes }) => total + size_bytes, 0)
  const { tokens_compared, top1_agreement, perplexity_ratio } = fidelity
  const compared = tokens_compared > 0 ? { tokens_compared, top1_agreement, perplexity_ratio } : null
  return { name, device, requires, sizeBytes, memoryBytes: memory_bytes, hasProgram: program !== null, compared }
}

async function stored(record: BundleRecord, files: FileSystemDirectoryHandle): Promise<StoredBundle> {
  const sizes = await Promise.all(record.files.map(file => sizeOnDisk(files, file)))
  const whole = new Set(record.files.flatMap(({ path }, index) => (sizes[index]?.whole ? [path] : [])))
  const { manifest } = record
  const wanted = record.files.reduce((total, { size_bytes }) => total + size_bytes, 0)
  const sizeBytes = sizes.reduce((total, { bytes }) => total + bytes, 0)
  return {
    bundle: record.url,
    id: record.id,
    name: record.name,
    sizeBytes,
    complete: whole.size === record.files.length,
    variants: (manifest?.variants ?? []).filter(v => v.files.every(({ path }) => whole.has(path))).map(variantOf),
    missingBytes: wanted - sizeBytes,
    licence: manifest?.licence.id ?? '',
    architecture: manifest?.architecture ?? 'decoder',
    tasks: manifest?.tasks ?? [],
    parameters: manifest?.parameters ?? 0,
    contextLength: manifest?.context_length ?? 0,
    imported: record.imported ?? false,
    usedAt: new Date(record.used_at),
  }
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

const RECORDS_LOCK = siteName('slm-bundles')

interface Folders {
  files: FileSystemDirectoryHandle
  bundles: FileSystemDirectoryHandle
}

async function openFolders(create: boolean): Promise<Folders> {
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create })
  const inside = (name: string) => folder.getDirectoryHandle(name, { create })
  return { files: await inside('files'), bundles: await inside('bundles') }
}

/** Deletes those of `files` that nobody keeps any more, and what is noted of files that no record mentions. */
async function dropUnused({ files, bundles }: Folders, dropped: BundleRecord['files']): Promise<void> {
  const all = await records(bundles)
  const digests = (some: BundleRecord[]) => new Set(some.flatMap(record => record.files.map(({ sha256 }) => sha256)))
  const [kept, noted] = [digests(all.filter(record => record.kept !== false)), digests(all)]
  for (const { sha256 } of dropped.filter(file => !kept.has(file.sha256))) {
    await navigator.locks.request(siteName(`slm-file-${sha256}`), { ifAvailable: true }, async lock => {
      if (!lock) return // being downloaded
      for (const name of [sha256, `${sha256}.part`, ...(noted.has(sha256) ? [] : [noteName(sha256)])]) {
        if (await fileAt(files, name)) await files.removeEntry(name)
      }
    })
  }
}

/** What is noted of a bundle that is kept here, null where it is not. */
export async function recall(url: string): Promise<BundleRecord | null> {
  const folders = await openFolders(false).catch(() => null)
  const record = folders && (await readRecord(folders.bundles, await recordName(url)))
  return record?.kept === false ? null : record
}

/**
 * These files are damaged: the next load fetches them, alone, again. One in parts goes back among the unfinished downloads,
 * where each part is compared: only those that are damaged come again.
 */
export async function dropFiles(entries: readonly Pick<FileEntry, 'sha256' | 'parts'>[]): Promise<void> {
  const { files } = await openFolders(true)
  for (const { sha256, parts } of entries) {
    if (!(await fileAt(files, sha256))) continue
    if (parts) await rename(await files.getFileHandle(sha256), `${sha256}.part`)
    else await files.removeEntry(sha256)
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

async function recordName(url: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(url)))
  return `${Array.from(hash.subarray(0, 16), byte => byte.toString(16).padStart(2, '0')).join('')}.json`
}
