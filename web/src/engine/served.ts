/**
 * A file of the server next door, read when it is needed and not kept: the server's folder is where the model lives, and a
 * copy in the browser would take its bytes twice. Only for files whose checksum was compared before: `etag` says that it is
 * still the same one.
 */
import { EngineError } from './errors.ts'
import type { FileEntry } from './manifest.ts'

export interface Serving {
  url: URL
  entry: FileEntry
  etag: string
  signal: AbortSignal
  onBytes: (bytes: number) => void
}

/**
 * Looks like a Blob, and its `slice(…).arrayBuffer()` takes the bytes from one stream as long as slices follow each other.
 * Whatever else a Blob can do comes with `whole()`.
 */
export class ServedFile extends Blob {
  readonly #serving: Serving
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null
  #position = 0
  /** Came from the stream and not asked for yet. */
  #left: Uint8Array = new Uint8Array()

  constructor(serving: Serving, first: ReadableStream<Uint8Array>) {
    super()
    this.#serving = serving
    this.#reader = first.getReader()
  }

  override get size(): number {
    return this.#serving.entry.size_bytes
  }

  override slice(start = 0, end = this.size): Blob {
    const [from, to] = [Math.min(start, this.size), Math.min(end, this.size)] // as every Blob does: nothing behind its end
    return Object.assign(new Blob(), {
      arrayBuffer: async () => (from < to ? this.#read(from, to) : new ArrayBuffer()),
    })
  }

  /** Everything as a real Blob, in memory outside of JavaScript's heap. */
  async whole(): Promise<Blob> {
    await this.#close()
    const { url, entry, signal, onBytes } = this.#serving
    const response = await this.#ask(0)
    const blob = await response.blob().catch(cause => {
      signal.throwIfAborted()
      throw broken(url, cause)
    })
    if (blob.size !== entry.size_bytes) throw broken(url, `${blob.size} bytes`)
    onBytes(blob.size)
    return blob
  }

  async #read(start: number, end: number): Promise<ArrayBuffer> {
    const bytes = new Uint8Array(end - start)
    let again = true
    if (start !== this.#position) await this.#open(start)
    for (let filled = 0; filled < bytes.length; ) {
      if (this.#left.length === 0) {
        const more = await this.#next()
        if (more) this.#left = more
        else if (again) await this.#open(start + filled)
        else throw broken(this.#serving.url, 'the stream ended')
        again = more !== null
        continue
      }
      const part = this.#left.subarray(0, bytes.length - filled)
      bytes.set(part, filled)
      filled += part.length
      this.#left = this.#left.subarray(part.length)
      this.#position += part.length
      this.#serving.onBytes(part.length)
    }
    if (this.#position === this.size) await this.#close()
    return bytes.buffer
  }

  /** Null where the stream ended or broke: it is opened once more where it was. */
  async #next(): Promise<Uint8Array | null> {
    try {
      return (await this.#reader?.read())?.value ?? null
    } catch {
      this.#serving.signal.throwIfAborted()
      return null
    }
  }

  async #open(from: number): Promise<void> {
    await this.#close()
    const response = await this.#ask(from)
    this.#reader = response.body?.getReader() ?? null
    this.#position = from
  }

  async #ask(from: number): Promise<Response> {
    const { url, etag, signal } = this.#serving
    const headers: HeadersInit = from > 0 ? { Range: `bytes=${from}-`, 'If-Range': etag } : {}
    const response = await fetch(url, { signal, cache: 'no-store', headers }).catch(cause => {
      signal.throwIfAborted()
      throw broken(url, cause)
    })
    if (response.status !== (from > 0 ? 206 : 200) || response.headers.get('ETag') !== etag) {
      throw new EngineError('download', { kind: 'changed-file', path: url.pathname })
    }
    return response
  }

  async #close(): Promise<void> {
    const reader = this.#reader
    this.#reader = null
    this.#left = new Uint8Array()
    await reader?.cancel().catch(() => {}) // broken already: that is why it is closed
  }
}

function broken({ pathname }: URL, cause: unknown): EngineError {
  return new EngineError('download', { kind: 'reading-broke', path: pathname }, { cause })
}
