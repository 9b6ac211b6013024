// Rotary positions, and keys and values on their way into the cache.
//
// The cache holds bfloat16: [kvHeads, capacity, headDim], 8 columns to 16 bytes. Word i of them has column i in its low
// half and column i + 4 in its high half. Reading costs little: the low half is shifted up, and the high half is read as
// it lies, with the low one behind it as the rest of its fraction. What is written takes that into account, so both are
// the nearest number that can be said.
import { argument, pointer, rowAt, runPosition } from './memory'

export function rotary(op: usize, from: i32, to: i32): void {
  const half = argument(op, 4) >> 1
  for (let row = from; row < to; row++) {
    const offset = (<usize>(runPosition() + row) * <usize>half) << 2
    for (let head = 0; head < argument(op, 2); head++) {
      const x = rowAt(op, 0, row) + ((<usize>head * <usize>argument(op, 3)) << 2)
      if (argument(op, 7)) turnPairs(x, pointer(op, 5) + offset, pointer(op, 6) + offset, half)
      else turnHalves(x, pointer(op, 5) + offset, pointer(op, 6) + offset, half)
    }
  }
}

function turnHalves(x: usize, cos: usize, sin: usize, half: i32): void {
  const bytes = (<usize>half) << 2
  let at: usize = 0
  for (; at + 16 <= bytes; at += 16) {
    const left = v128.load(x + at)
    const right = v128.load(x + at + bytes)
    const c = v128.load(cos + at)
    const s = v128.load(sin + at)
    v128.store(x + at, f32x4.sub(f32x4.mul(left, c), f32x4.mul(right, s)))
    v128.store(x + at + bytes, f32x4.add(f32x4.mul(right, c), f32x4.mul(left, s)))
  }
  for (; at < bytes; at += 4) turn(x + at, x + at + bytes, load<f32>(cos + at), load<f32>(sin + at))
}

function turnPairs(x: usize, cos: usize, sin: usize, half: i32): void {
  for (let at: usize = 0; at < (<usize>half) << 2; at += 4) {
    turn(x + at * 2, x + at * 2 + 4, load<f32>(cos + at), load<f32>(sin + at))
  }
}

function turn(first: usize, second: usize, cos: f32, sin: f32): void {
  const left = load<f32>(first)
  const right = load<f32>(second)
  store<f32>(first, left * cos - right * sin)
  store<f32>(second, right * cos + left * sin)
}

export function append(op: usize, from: i32, to: i32): void {
  for (let row = from; row < to; row++) {
    appendRow(op, rowAt(op, 0, row), pointer(op, 4), row)
    appendRow(op, rowAt(op, 2, row), pointer(op, 5), row)
  }
}

/** One token's heads into `cache` at their position. */
function appendRow(op: usize, x: usize, cache: usize, row: i32): void {
  const headDim = <usize>argument(op, 8)
  const capacity = <usize>argument(op, 6)
  for (let head: usize = 0; head < <usize>argument(op, 7); head++) {
    let to = cache + (head * capacity + <usize>(runPosition() + row)) * headDim * 2
    for (const end = to + headDim * 2; to < end; to += 16, x += 32) v128.store(to, halves(x))
  }
}

/** The least size of a high half: 2^-60. Smaller ones would make slow subnormal products, and are 0 to any model. */
const LEAST_HIGH: i32 = 0x2180

/** Eight float32 as four words of two bfloat16. */
function halves(x: usize): v128 {
  const first = v128.load(x)
  const second = v128.load(x, 16)
  const odd = v128.and(i32x4.shr_u(first, 16), i32x4.splat(1)) // ties go to the even one
  const low = i32x4.shr_u(i32x4.add(first, i32x4.add(odd, i32x4.splat(0x7fff))), 16)
  const size = v128.and(second, i32x4.splat(0x7fffffff))
  const rest = i32x4.shr_s(i32x4.add(i32x4.sub(size, low), i32x4.splat(0x8000)), 16)
  const high = i32x4.shl(i32x4.max_s(rest, i32x4.splat(LEAST_HIGH)), 16)
  return v128.or(v128.or(low, high), v128.and(second, i32x4.splat(0x80000000)))
}
