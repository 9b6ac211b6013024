/** A part of a file that is being received, as if it were a file of its own. */
import type { IHasher } from 'hash-wasm'
import type { Sink } from './disk-file.ts'

export interface Place {
  /** Where the part begins in the file, and its length, in bytes. */
  start: number
  size: number
  /** Of the whole file: takes up every byte of the parts in their order, those that are there already included. */
  whole: IHasher
}

/** @param file its `finish` and `close` are left to whoever opened it */
export function partOf(file: Sink, { start, size, whole }: Place): Sink {
  const before = whole.save()
  let received = Math.min(Math.max(file.received - start, 0), size)
  return {
    get received() {
      return received
    },
    write(chunk) {
      file.write(chunk, start + received)
      whole.update(chunk)
      received += chunk.length
    },
    *pieces() {
      for (const piece of file.pieces(start, start + received)) {
        whole.update(piece)
        yield piece
      }
    },
    restart() {
      // Parts behind it may be there, and sound: then it is written over.
      if (file.received <= start + size) file.restart(start)
      whole.load(before)
      received = 0
    },
    finish: () => file.finish(),
    close() {},
  }
}
