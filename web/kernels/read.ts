// Reads memory as fast as one thread can: what a product whose weights come from memory is measured against.
import { pointer, scratch } from './memory'

const PIECE: usize = 65536

/** Pieces [from, to) of a `read` op. */
export function readPieces(op: usize, thread: i32, from: i32, to: i32): void {
  let at = pointer(op, 0) + <usize>from * PIECE
  let a = i32x4.splat(0)
  let b = a
  let c = a
  let d = a
  for (const end = pointer(op, 0) + <usize>to * PIECE; at < end; at += 64) {
    a = i32x4.add(a, v128.load(at))
    b = i32x4.add(b, v128.load(at, 16))
    c = i32x4.add(c, v128.load(at, 32))
    d = i32x4.add(d, v128.load(at, 48))
  }
  v128.store(scratch(thread), i32x4.add(i32x4.add(a, b), i32x4.add(c, d))) // or the loop would be left out
}
