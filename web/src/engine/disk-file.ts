/** One file in a folder of the browser's private disk: found, read straight into memory, received, with a note beside it. */
import { EngineError } from './errors.ts'
import type { FileEntry } from './manifest.ts'

/** Bytes of a file that is being received. */
export interface Sink {
  /** How many are there, those of an earlier download included. */
  readonly received: number
  /** @param at where it belongs: behind what is there, or in place of a part of it; behind it without this */
  write(chunk: Uint8Array, at?: number): void
  /** What is there from `from` to `to`, piece by piece; all of it without them. */
  pieces(from?: number, to?: number): Iterable<Uint8Array>
  /** Forgets what is there from `from` on; all of it without that. */
  restart(from?: number): void
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

const PIECE_BYTES = 1 << 20

export async function find(files: FileSystemDirectoryHandle, { sha256, size_bytes }: FileEntry): Promise<File | null> {
  const file = await fileAt(files, sha256)
  return file?.size === size_bytes ? file : null
}

/** In every browser that has sync access handles, and not yet in TypeScript's types. */
export async function rename(file: FileSystemFileHandle, name: string): Promise<void> {
  await (file as FileSystemFileHandle & { move(name: string): Promise<void> }).move(name)
}

export async function read(
  files: FileSystemDirectoryHandle,
  entry: FileEntry,
  use: (read: ReadAt) => void,
): Promise<boolean> {
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

export function noteName(sha256: string): string {
  return `${sha256}.note`
}

export async function sinkOf(files: FileSystemDirectoryHandle, { path, sha256, size_bytes }: FileEntry): Promise<Sink> {
  const handle = await files.getFileHandle(`${sha256}.part`, { create: true })
  const access = await handle.createSyncAccessHandle()
  let received = access.getSize()
  const restart = (from = 0) => {
    access.truncate(from)
    received = from
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
    write(chunk, at = received) {
      const written = asQuota(path, () => access.write(chunk, { at }))
      if (written < chunk.length) throw noRoom(path, chunk.length)
      received = Math.max(received, at + written)
    },
    *pieces(from = 0, to = received) {
      for (let at = from; at < to; ) {
        const piece = new Uint8Array(Math.min(PIECE_BYTES, to - at))
        at += access.read(piece, { at })
        yield piece
      }
    },
    restart,
    async finish() {
      asQuota(path, () => access.flush())
      access.close()
      await rename(handle, sha256)
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

export function noRoom(path: string, bytes: number, cause?: unknown): EngineError {
  return new EngineError('quota', { kind: 'no-disk-room', path, megabytes: Math.ceil(bytes / 1e6) }, { cause })
}

export async function fileAt(folder: FileSystemDirectoryHandle, name: string): Promise<File | null> {
  try {
    return await (await folder.getFileHandle(name)).getFile()
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotFoundError') return null
    throw error
  }
}

export async function sizeOnDisk(files: FileSystemDirectoryHandle, { sha256 }: { sha256: string }) {
  const whole = await fileAt(files, sha256)
  const bytes = whole ? whole.size : ((await fileAt(files, `${sha256}.part`))?.size ?? 0)
  return { whole: whole !== null, bytes }
}

/** `of`: what it belongs to, for messages. */
export async function writeText(
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
