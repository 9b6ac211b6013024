/** Downloads one file with the real store, in a worker, where the browser's private disk can be written. */
import { openDisk } from '../../../web/src/engine/disk.ts'
import { EngineError } from '../../../web/src/engine/errors.ts'
import type { FileEntry } from '../../../web/src/engine/manifest.ts'
import { fetchFile } from '../../../web/src/engine/store.ts'

export interface Order {
  url: string
  entry: FileEntry
  /** Cancels once so many bytes are there. */
  cancelAt: number
  /** An address to ask for when the first bytes are there. */
  onFirstBytes: string | null
  /** What lies there already as an unfinished download. */
  left: Uint8Array | null
  /** As `fetchFile` takes it. */
  windowBytes: number | null
  note: string | null
}
export interface Delivery {
  /** Every call of `onBytes`. */
  progress: number[]
  bytes: Uint8Array | null
  onDisk: boolean
  /** The same read straight into memory that threads share, and whether that was to be had. */
  direct: { bytes: Uint8Array; read: boolean } | null
  /** What was noted about the file, before this worker notes `order.note`. */
  note: string | null
  error: { name: string; code: string; message: string } | null
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

self.onmessage = async ({ data }: MessageEvent<Order>) => {
  const { url, entry, cancelAt, onFirstBytes, left, note, windowBytes } = data
  const cancel = new AbortController()
  const progress: number[] = []
  const onBytes = (bytes: number) => {
    if (onFirstBytes && bytes > 0 && sum(progress) === 0) void fetch(onFirstBytes)
    progress.push(bytes)
    if (sum(progress) >= cancelAt) cancel.abort()
  }
  let delivery: Delivery
  try {
    const disk = await openDisk()
    if (left) {
      const sink = await disk?.open(entry)
      sink?.write(left)
      sink?.close()
    }
    const windows = windowBytes === null ? {} : { windowBytes }
    const file = await fetchFile(url, entry, { disk, signal: cancel.signal, onBytes, ...windows })
    const direct = new Uint8Array(new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true }).buffer)
    const stored = disk?.stored(entry)
    const read = (await stored?.read(readAt => readAt(direct.subarray(16), 0))) ?? false
    delivery = {
      ...{ progress, bytes: new Uint8Array(await file.arrayBuffer()), onDisk: file instanceof File, error: null },
      ...{ direct: { bytes: direct.slice(16, 16 + file.size), read }, note: (await stored?.note()) ?? null },
    }
    if (note !== null) await stored?.keepNote(note)
  } catch (error) {
    const code = error instanceof EngineError ? error.code : ''
    const { name, message } = error instanceof Error ? error : { name: '', message: String(error) }
    delivery = { progress, bytes: null, onDisk: false, direct: null, note: null, error: { name, code, message } }
  }
  self.postMessage(delivery)
}
