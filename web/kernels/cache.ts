// Rotary positions, and keys and values on their way into the cache.
//
// The cache holds integers with a float32 scale per position and head, so that attention's products are integer products
// (attention.ts), exact and half as many instructions as with floats. Keys have 12 bits, since a few of their columns may
// be a hundred times as large as the others (Qwen2's biases); values have 8.
//
// Positions lie together so that a vector holds the same columns of several, no sum goes across lanes, and what is read is
// read from one end to the other (which is what a processor fetches from memory by itself):
//
//   keys    per 8 positions: [headDim / 2, 8 positions, 2 columns] int16, their 8 scales
//   values  per 128 positions: [headDim / 8, 64 pairs of positions, 8 columns, 2 positions] int8, their 128 scales
import { argument, pointer, rowAt, runPosition, scratch } from './memory'
import { roundRow } from './quantize'

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

const MOST_KEY: f32 = 2047
const MOST_VALUE: f32 = 127

/** Positions whose keys lie together, and those whose values do. A head's capacity is a multiple of BLOCK. */
export const GROUP = 8
export const BLOCK = 128

/** Bytes of the keys of a group, and of the values of a block; ops.ts has the same formulas. */
export function keyGroupBytes(headDim: usize): usize {
  return <usize>GROUP * (headDim * 2 + 4)
}

export function valueBlockBytes(headDim: usize): usize {
  return <usize>BLOCK * (headDim + 4)
}

export function append(op: usize, thread: i32, from: i32, to: i32): void {
  const headDim = <usize>argument(op, 8)
  for (let token = from; token < to; token++) {
    for (let head: usize = 0; head < <usize>argument(op, 7); head++) {
      const place = head * <usize>argument(op, 6) + <usize>(runPosition() + token)
      const offset = head * headDim * 4
      appendKey(rowAt(op, 0, token) + offset, pointer(op, 4), place, headDim, scratch(thread))
      appendValue(rowAt(op, 2, token) + offset, pointer(op, 5), place, headDim, scratch(thread))
    }
  }
}

function appendKey(x: usize, keys: usize, place: usize, headDim: usize, row: usize): void {
  const scale = roundRow(x, row, headDim, MOST_KEY)
  let to = keys + (place / GROUP) * keyGroupBytes(headDim) + (place % GROUP) * 4
  for (const end = row + headDim * 2; row < end; row += 4, to += GROUP * 4) store<u32>(to, load<u32>(row))
  store<f32>(to, scale)
}

function appendValue(x: usize, values: usize, place: usize, headDim: usize, row: usize): void {
  const scale = roundRow(x, row, headDim, MOST_VALUE)
  const block = values + (place / BLOCK) * valueBlockBytes(headDim)
  store<f32>(block + headDim * BLOCK + (place % BLOCK) * 4, scale)
  let to = block + ((place % BLOCK) >> 1) * 16 + (place & 1)
  for (const end = row + headDim * 2; row < end; row += 16, to += BLOCK * 8) {
    store<u8>(to, load<u8>(row))
    store<u8>(to, load<u8>(row, 2), 2)
    store<u8>(to, load<u8>(row, 4), 4)
    store<u8>(to, load<u8>(row, 6), 6)
    store<u8>(to, load<u8>(row, 8), 8)
    store<u8>(to, load<u8>(row, 10), 10)
    store<u8>(to, load<u8>(row, 12), 12)
    store<u8>(to, load<u8>(row, 14), 14)
  }
}
