/**
 * Fetches the files of a bundle: progress in bytes, size and SHA-256 checked while they arrive, abortable. A file goes
 * to the browser's private disk, where a broken download goes on later, or else to memory outside of JavaScript's heap:
 * whoever gets it reads as much at a time as it needs.
 */
import { createSHA256, type IHasher } from 'hash-wasm'
import { type Disk, withFileLock } from './disk.ts'
import type { Sink } from './disk-file.ts'
import { EngineError, type Reason } from './errors.ts'
import type { FileEntry, Part } from './manifest.ts'
import { memorySink } from './memory-sink.ts'
import { partOf } from './parts.ts'

/** The text of `manifest.json`. @throws EngineError 'no-model' or 'download' */
export async function fetchManifest(bundleUrl: string, signal: AbortSignal): Promise<{ text: string; where: string }> {
  const url = new URL('manifest.json', bundleUrl)
  const response = await request(url, { signal, cache: 'no-cache' })
  if (response.status === 404) {
    throw new EngineError('no-model', { kind: 'no-model-there', url: bundleUrl })
  }
  if (!response.ok) throw refused(url.pathname, response)
  return { text: await response.text(), where: url.pathname }
}

export interface FetchOptions {
  /** Null: keep nothing. */
  disk: Disk | null
  /** What the browser's own cache may do where there is no `disk`. */
  cache?: 'default' | 'no-store'
  /** Of each of the ranges that are under way at once; without it 4 MB from other machines and no ranges from this one. */
  windowBytes?: number
  signal: AbortSignal
  /** Called with the bytes of this file received since the last call; negative where a damaged file starts over. */
  onBytes: (bytes: number) => void
}

/**
 * One file, verified: from disk where it is there, else downloaded. Where nobody has stated a checksum (an empty one:
 * foreign.ts) it is what the server sends, and only the browser's own cache keeps it.
 * @throws EngineError 'download', 'integrity', 'quota' or 'out-of-memory'
 */
export async function fetchFile(bundleUrl: string, entry: FileEntry, options: FetchOptions): Promise<Blob> {
  const { disk, signal, onBytes } = options
  if (entry.sha256 === '') return unverified(fileUrl(bundleUrl, entry), entry, options)
  if (!disk) return download(bundleUrl, { entry, sink: memorySink(entry), options })
  const fromDisk = async () => {
    const file = await disk.find(entry)
    if (file) onBytes(file.size)
    return file
  }
  return (
    (await fromDisk()) ??
    withFileLock(entry.sha256, signal, async () => {
      // Another engine may have downloaded it while this one waited for the lock.
      return (await fromDisk()) ?? download(bundleUrl, { entry, sink: await disk.open(entry), options })
    })
  )
}

export function fileUrl(bundleUrl: string, { path }: { path: string }): URL {
  return new URL(path.split('/').map(encodeURIComponent).join('/'), bundleUrl)
}

async function unverified(url: URL, entry: FileEntry, { signal, onBytes }: FetchOptions): Promise<Blob> {
  const response = await request(url, { signal })
  if (!response.ok || !response.body) throw refused(entry.path, response)
  const counted = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        onBytes(chunk.length)
        controller.enqueue(chunk)
      },
    }),
  )
  try {
    return await new Response(counted).blob()
  } catch (cause) {
    signal.throwIfAborted()
    throw broken(entry, cause)
  }
}

/** The answer came, but not what the manifest promises: worth a second try. */
class DamagedAnswer extends EngineError {}

interface Download {
  /** The file, or one of its parts. */
  entry: Part
  sink: Sink
  options: FetchOptions
}

async function download(bundleUrl: string, work: Download & { entry: FileEntry }): Promise<Blob> {
  const { entry, sink, options } = work
  try {
    if (entry.parts) await fillParts(bundleUrl, work, entry.parts)
    else await fill(fileUrl(bundleUrl, entry), work)
    options.signal.throwIfAborted()
    return await sink.finish()
  } finally {
    sink.close()
  }
}

/** Each part is gone on with, compared and asked for again by itself: a damaged one costs no other. */
async function fillParts(bundleUrl: string, { entry, sink, options }: Download, parts: readonly Part[]): Promise<void> {
  const whole = (await createSHA256()).init()
  let start = 0
  for (const part of parts) {
    const place = partOf(sink, { start, size: part.size_bytes, whole })
    await fill(fileUrl(bundleUrl, part), { entry: part, sink: place, options })
    start += part.size_bytes
  }
  if (whole.digest() === entry.sha256) return
  options.onBytes(-sink.received)
  sink.restart()
  throw damaged({ kind: 'wrong-whole', path: entry.path })
}

/** A short or damaged answer is asked for once more, past the browser's cache, before it counts. */
async function fill(url: URL, { entry, sink, options }: Download): Promise<void> {
  const hash = await createSHA256()
  const startOver = () => {
    options.onBytes(-sink.received)
    sink.restart()
    hash.init()
  }
  options.onBytes(sink.received)
  hash.init()
  for (const piece of sink.pieces()) hash.update(piece)
  for (const again of [false, true]) {
    try {
      await receive(url, { entry, sink, options }, { hash, startOver, again })
      return
    } catch (error) {
      if (!(error instanceof DamagedAnswer)) throw error
      // What a broken connection left is good; what has the wrong length or checksum is not.
      if (error.code === 'integrity') startOver()
      if (again) throw error
    }
  }
}

interface Attempt {
  hash: IHasher
  startOver: () => void
  /** True where the first answer was damaged. */
  again: boolean
}

/** What is missing of a file, and its checksum. */
async function receive(url: URL, { entry, sink, options }: Download, attempt: Attempt): Promise<void> {
  const { hash, startOver, again } = attempt
  if (sink.received < entry.size_bytes) {
    // The disk is cache enough: the browser's own would keep the weights a second time.
    const cache = options.disk ? 'no-store' : again && options.cache !== 'no-store' ? 'reload' : options.cache
    const { windowBytes = isLoopback(url) ? Number.POSITIVE_INFINITY : WINDOW_BYTES } = options
    const isFar = entry.size_bytes - sink.received > windowBytes
    const last = isFar ? sink.received + windowBytes - 1 : ''
    const headers: HeadersInit = sink.received > 0 || isFar ? { Range: `bytes=${sink.received}-${last}` } : {}
    const response = await request(url, { signal: options.signal, ...(cache ? { cache } : {}), headers })
    const isPartial = isFar && response.status === 206
    if (response.status === 416) throw damaged({ kind: 'too-short', path: entry.path, bytes: sink.received })
    if (!response.ok || !response.body) throw refused(entry.path, response)
    if (sink.received > 0 && !continues(response, sink.received)) startOver()
    if (isPartial)
      await copy(
        windows({ first: response, url, windowBytes }, { entry, sink, options }),
        { entry, sink, options },
        hash,
      )
    else await copy(chunks(response.body), { entry, sink, options }, hash)
  }
  if (sink.received < entry.size_bytes)
    throw damaged({ kind: 'cut-short', path: entry.path, found: sink.received, expected: entry.size_bytes })
  if (hash.digest() !== entry.sha256) throw damaged({ kind: 'wrong-checksum', path: entry.path })
}

/**
 * False where a server sends the whole file all the same. Many hosts show pages of other origins no Content-Range
 * (Access-Control-Expose-Headers): then what was asked for is believed, and compared by its checksum.
 */
function continues({ status, headers }: Response, from: number): boolean {
  return status === 206 && (headers.get('Content-Range')?.startsWith(`bytes ${from}-`) ?? true)
}

async function copy(body: AsyncIterable<Uint8Array>, { entry, sink, options }: Download, hash: IHasher) {
  try {
    for await (const chunk of body) {
      if (sink.received + chunk.length > entry.size_bytes) throw damaged({ kind: 'too-long', path: entry.path })
      sink.write(chunk)
      hash.update(chunk)
      options.onBytes(chunk.length)
    }
  } catch (cause) {
    options.signal.throwIfAborted()
    if (cause instanceof EngineError) throw cause
    throw broken(entry, cause)
  }
}

/** One connection to a far server is slower than the line; to this machine it is not. */
const WINDOW_BYTES = 4 << 20
const WINDOWS = 4

function isLoopback({ hostname }: URL): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}

/** The rest of a file in order, some windows of it under way at once; `first` is the answer to the first one. */
async function* windows(
  { first, url, windowBytes }: { first: Response; url: URL; windowBytes: number },
  { entry, sink, options }: Download,
): AsyncGenerator<Uint8Array> {
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  const window = async (from: number) => {
    const headers = { Range: `bytes=${from}-${Math.min(from + windowBytes, entry.size_bytes) - 1}` }
    const response = await request(url, { signal, cache: 'no-store', headers })
    if (!continues(response, from)) throw damaged({ kind: 'changed-download', path: entry.path })
    return new Uint8Array(await response.arrayBuffer())
  }
  const start = (from: number) => {
    const coming = window(from)
    coming.catch(() => {}) // told when its turn comes
    return coming
  }
  let next = sink.received + windowBytes
  const coming: Promise<Uint8Array>[] = []
  try {
    for (; coming.length < WINDOWS - 1 && next < entry.size_bytes; next += windowBytes) coming.push(start(next))
    if (first.body) yield* chunks(first.body)
    for (let turn = coming.shift(); turn; turn = coming.shift()) {
      const piece = await turn
      if (next < entry.size_bytes) coming.push(start(next))
      next += windowBytes
      yield piece
    }
  } finally {
    stop.abort()
  }
}

async function request(url: URL, init: RequestInit & { signal: AbortSignal }): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (cause) {
    init.signal.throwIfAborted()
    throw new EngineError('download', { kind: 'no-answer', path: url.pathname }, { cause })
  }
}

async function* chunks(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader() // Safari cannot iterate a stream
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => {}) // already broken: the error that ended the loop is the one to report
  }
}

function broken({ path }: { path: string }, cause: unknown): DamagedAnswer {
  return new DamagedAnswer('download', { kind: 'download-broke', path }, { cause })
}

function damaged(what: Reason): DamagedAnswer {
  return new DamagedAnswer('integrity', [what, { kind: 'download-again' }])
}

function refused(path: string, { status, statusText }: Response): EngineError {
  const answer = `${status} ${statusText}`.trim()
  return new EngineError('download', { kind: 'refused-file', path, answer })
}
