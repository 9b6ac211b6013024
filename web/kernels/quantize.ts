// Float rows into int8 in blocks of 32 with a float scale each, in the form that the build's tiles read (matmul.ts).
import { argument, pointer, rowAt } from './memory'
import { rounder } from './numbers'
import { getFlip } from './pack'
import { quantizedRowBytes } from './panel'

export function quantize(op: usize, from: i32, to: i32): void {
  const columns = <usize>argument(op, 3)
  for (let row = from; row < to; row++) {
    quantizeRow(rowAt(op, 0, row), pointer(op, 2) + <usize>row * quantizedRowBytes(columns), columns)
  }
}

function quantizeRow(x: usize, to: usize, columns: usize): void {
  const blocks = columns >> 5
  const scales = to + (ASC_FEATURE_RELAXED_SIMD ? columns : columns * 2)
  for (let block: usize = 0; block < blocks; block++) {
    const largest = largestOfBlock(x)
    store<f32>(scales + (block << 2), largest / 127)
    // A block of zeros, or of numbers so small that 127 / largest is no number any more, becomes zeros.
    const factor = f32x4.splat(largest > <f32>1e-36 ? <f32>127 / largest : 0)
    if (ASC_FEATURE_RELAXED_SIMD) {
      const low = eight(x, factor)
      const second = eight(x + 32, factor)
      const third = eight(x + 64, factor)
      const high = eight(x + 96, factor)
      v128.store(to, i8x16.narrow_i16x8_s(low, second))
      v128.store(to, i8x16.narrow_i16x8_s(third, high), 16)
      const sums = i16x8.add(i16x8.add(low, second), i16x8.add(third, high))
      const start = getFlip() ? -128 * sumOfLanes16(sums) : 0
      store<i32>(scales + ((blocks + block) << 2), start)
      to += 32
    } else {
      for (let at: usize = 0; at < 64; at += 16) v128.store(to + at, eight(x + at * 2, factor))
      to += 64
    }
    x += 128
  }
}

/** The largest size of 32 numbers. Compared as integers, which order as they do, with NaN above all. */
function largestOfBlock(x: usize): f32 {
  const mask = i32x4.splat(0x7fffffff)
  let a = v128.and(v128.load(x), mask)
  let b = v128.and(v128.load(x, 16), mask)
  a = i32x4.max_s(a, v128.and(v128.load(x, 32), mask))
  b = i32x4.max_s(b, v128.and(v128.load(x, 48), mask))
  a = i32x4.max_s(a, v128.and(v128.load(x, 64), mask))
  b = i32x4.max_s(b, v128.and(v128.load(x, 80), mask))
  a = i32x4.max_s(a, v128.and(v128.load(x, 96), mask))
  b = i32x4.max_s(b, v128.and(v128.load(x, 112), mask))
  return largestOfLanes(i32x4.max_s(a, b))
}

/** `count` numbers (a multiple of 8) as int16 from -most to most, at `to`: what one of them stands for. */
export function roundRow(x: usize, to: usize, count: usize, most: f32): f32 {
  const largest = largestOfRow(x, count)
  const factor = f32x4.splat(largest > <f32>1e-36 ? most / largest : 0)
  for (const end = to + count * 2; to < end; to += 16, x += 32) v128.store(to, eight(x, factor))
  return largest / most
}

function largestOfRow(x: usize, count: usize): f32 {
  const mask = i32x4.splat(0x7fffffff)
  let a = v128.and(v128.load(x), mask)
  let b = v128.and(v128.load(x, 16), mask)
  for (const end = x + count * 4; x < end; x += 32) {
    a = i32x4.max_s(a, v128.and(v128.load(x), mask))
    b = i32x4.max_s(b, v128.and(v128.load(x, 16), mask))
  }
  return largestOfLanes(i32x4.max_s(a, b))
}

function largestOfLanes(sizes: v128): f32 {
  const pairs = i32x4.max_s(sizes, i32x4.shuffle(sizes, sizes, 2, 3, 0, 1))
  return f32x4.extract_lane(i32x4.max_s(pairs, i32x4.shuffle(pairs, pairs, 1, 0, 3, 2)), 0)
}

/** Eight numbers as int16, to the nearest (ties to even). */
function eight(x: usize, factor: v128): v128 {
  const low = f32x4.add(f32x4.mul(v128.load(x), factor), rounder())
  const high = f32x4.add(f32x4.mul(v128.load(x, 16), factor), rounder())
  return i16x8.narrow_i32x4_s(i32x4.sub(low, rounder()), i32x4.sub(high, rounder()))
}

function sumOfLanes16(x: v128): i32 {
  const sums = i32x4.extadd_pairwise_i16x8_s(x)
  const pairs = i32x4.add(sums, i8x16.shuffle(sums, sums, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
  return i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1)
}
