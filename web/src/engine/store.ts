/**
 * Fetches the files of a bundle: progress in bytes, size and SHA-256 checked, abortable. Every file goes straight into
 * one array of its final size, so a weight file is in memory once.
 */
import { EngineError } from './errors.ts'
import { type FileEntry, type Manifest, parseManifest } from './manifest.ts'

/** @throws EngineError 'no-model', 'download' or 'bad-manifest' */
export async function fetchManifest(bundleUrl: string, signal: AbortSignal): Promise<Manifest> {
  const url = new URL('manifest.json', bundleUrl)
  const response = await request(url, { signal, cache: 'no-cache' })
  if (response.status === 404) {
    const message = `There is no model at ${bundleUrl} (manifest.json was not found). Check the address, or export the model.`
    throw new EngineError('no-model', message)
  }
  if (!response.ok) throw refused(url.pathname, response)
  return parseManifest(await response.text(), url.pathname)
}

export interface FetchOptions {
  signal: AbortSignal
  /** Called with the bytes of this file received since the last call; negative where a damaged file starts over. */
  onBytes: (bytes: number) => void
}

/**
 * One file, verified. A short or damaged answer is asked for once more, past the browser's cache, before it counts.
 * @throws EngineError 'download', 'integrity' or 'out-of-memory'
 */
export async function fetchFile(bundleUrl: string, entry: FileEntry, options: FetchOptions): Promise<Uint8Array> {
  const url = new URL(entry.path.split('/').map(encodeURIComponent).join('/'), bundleUrl)
  let received = 0
  const onBytes = (bytes: number) => {
    received += bytes
    options.onBytes(bytes)
  }
  try {
    return await fetchOnce(url, entry, { ...options, onBytes })
  } catch (error) {
    if (!(error instanceof DamagedAnswer)) throw error
    options.onBytes(-received)
    return await fetchOnce(url, entry, { ...options, cache: 'reload' })
  }
}

/** The answer came, but not what the manifest promises: worth a second try. */
class DamagedAnswer extends EngineError {}

async function fetchOnce(url: URL, entry: FileEntry, options: FetchOptions & { cache?: RequestCache }) {
  const response = await request(url, { signal: options.signal, cache: options.cache ?? 'default' })
  if (!response.ok || !response.body) throw refused(entry.path, response)
  const data = allocate(entry)
  let received = 0
  try {
    for await (const chunk of chunks(response.body)) {
      if (received + chunk.length > data.length) throw damaged(entry, 'is longer than the manifest says')
      data.set(chunk, received)
      received += chunk.length
      options.onBytes(chunk.length)
    }
  } catch (cause) {
    options.signal.throwIfAborted()
    if (cause instanceof EngineError) throw cause
    throw new DamagedAnswer('download', `The connection broke while ${entry.path} was downloading. Try again.`, {
      cause,
    })
  }
  if (received < data.length) throw damaged(entry, `ended after ${received} of ${data.length} bytes`)
  if ((await digest(data)) !== entry.sha256) throw damaged(entry, 'does not have the checksum that the manifest gives')
  options.signal.throwIfAborted()
  return data
}

async function request(url: URL, init: RequestInit & { signal: AbortSignal }): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (cause) {
    init.signal.throwIfAborted()
    const message = `${url.pathname} could not be downloaded: the server did not answer. Check that it still runs, then try again.`
    throw new EngineError('download', message, { cause })
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

function allocate({ path, size_bytes }: FileEntry): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(size_bytes)
  } catch (cause) {
    const megabytes = Math.ceil(size_bytes / 1e6)
    const message = `The browser has no room for ${path} (${megabytes} MB). Close other tabs, then try again.`
    throw new EngineError('out-of-memory', message, { cause })
  }
}

async function digest(data: Uint8Array<ArrayBuffer>): Promise<string> {
  if (!globalThis.crypto?.subtle) {
    const message =
      'This page cannot check what it downloads: the browser offers checksums only on https and on localhost. ' +
      'Open the page by one of those.'
    throw new EngineError('unsupported', message)
  }
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', data))
  return Array.from(hash, byte => byte.toString(16).padStart(2, '0')).join('')
}

function damaged({ path }: FileEntry, what: string): DamagedAnswer {
  const message = `${path} ${what}. The file is damaged or was cut short: download or export the bundle again.`
  return new DamagedAnswer('integrity', message)
}

function refused(path: string, { status, statusText }: Response): EngineError {
  const answer = `${status} ${statusText}`.trim()
  const message = `${path} could not be downloaded: the server answered ${answer}. Export or download the bundle again.`
  return new EngineError('download', message)
}
