/** A file that is being received where the browser has no private disk: Blobs, which lie outside of JavaScript's heap. */
import type { Sink } from './disk-file.ts'
import { EngineError } from './errors.ts'
import type { FileEntry } from './manifest.ts'

/** Chunks are put together to Blobs of this size: the browser keeps those outside of JavaScript's heap. */
const MEMORY_PIECE_BYTES = 4 << 20

export function memorySink({ path, size_bytes }: FileEntry): Sink {
  let parts: Blob[] = []
  let piece = new Uint8Array(Math.min(MEMORY_PIECE_BYTES, size_bytes))
  let filled = 0
  let received = 0
  const flush = () => {
    parts.push(new Blob([piece.subarray(0, filled)]))
    filled = 0
  }
  return {
    get received() {
      return received
    },
    write(chunk) {
      for (let from = 0; from < chunk.length; ) {
        const part = chunk.subarray(from, from + piece.length - filled)
        piece.set(part, filled)
        filled += part.length
        from += part.length
        if (filled === piece.length) flush()
      }
      received += chunk.length
    },
    *pieces() {}, // it begins empty
    restart(from = 0) {
      flush()
      parts = from > 0 ? [new Blob(parts).slice(0, from)] : []
      received = from
    },
    async finish() {
      flush()
      piece = new Uint8Array()
      const whole = new Blob(parts)
      if (whole.size === size_bytes) return whole
      const megabytes = Math.ceil(size_bytes / 1e6)
      throw new EngineError('out-of-memory', { kind: 'no-heap-for-file', path, megabytes })
    },
    close() {},
  }
}
