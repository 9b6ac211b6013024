// Rotary positions, and keys and values on their way into the cache.
//
// The cache holds integers with a float32 scale per position and head, so that attention's products are integer products
// (attention.ts), exact and half as many instructions as with floats. Keys have 12 bits, since a few of their columns may
// be a hundred times as large as the others (Qwen2's biases); values have 8.
//
//   keys    per position: [headDim] int16, its scale, 4 bytes of nothing
//   values  per two positions 2j, 2j + 1: [headDim, 2] int8, their two scales
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

/** Bytes that a position takes in the keys, and a pair of positions in the values; ops.ts has the same formula. */
export function stepBytes(headDim: usize): usize {
  return headDim * 2 + 8
}

export function append(op: usize, thread: i32, from: i32, to: i32): void {
  const headDim = <usize>argument(op, 8)
  const step = stepBytes(headDim)
  for (let row = from; row < to; row++) {
    const position = <usize>(runPosition() + row)
    for (let head: usize = 0; head < <usize>argument(op, 7); head++) {
      const place = head * <usize>argument(op, 6)
      const offset = head * headDim * 4
      appendKey(rowAt(op, 0, row) + offset, pointer(op, 4) + (place + position) * step, headDim)
      const pair = pointer(op, 5) + ((place + position) >> 1) * step // a head's capacity is even
      const scale = roundRow(rowAt(op, 2, row) + offset, scratch(thread), headDim, MOST_VALUE)
      store<f32>(pair + headDim * 2 + (position & 1) * 4, scale)
      deal(scratch(thread), pair + (position & 1), headDim)
    }
  }
}

function appendKey(x: usize, to: usize, headDim: usize): void {
  store<f32>(to + headDim * 2, roundRow(x, to, headDim, MOST_KEY))
}

/** int16 one after the other as int8 to every second place. */
function deal(from: usize, to: usize, count: usize): void {
  for (const end = from + count * 2; from < end; from += 2, to += 2) store<u8>(to, load<u8>(from))
}
