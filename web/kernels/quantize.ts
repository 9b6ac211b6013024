// Float rows into integers in blocks of 32 with a float scale each, in the form that the build's tiles read (matmul.ts).
// The plain build multiplies 16-bit numbers anyway, so it keeps 16 bits; the relaxed one multiplies bytes.
import { argument, pointer, rowAt, scratch } from './memory'
import { rounder, sumOfLanes } from './numbers'
import { getFlip } from './pack'
import { EXTRA_BYTES, extrasOffset, quantizedRowBytes } from './panel'

/**
 * Relaxed: a block in which one number is so far from the others (peak > 4.5 · root mean square) that its scale leaves them little
 * is said twice: what rounding left out of it goes into an extra, an int8 block of its own.
 */
const PEAK: f32 = 4.5

export function quantize(op: usize, thread: i32, from: i32, to: i32): void {
  const columns = <usize>argument(op, 3)
  for (let row = from; row < to; row++) {
    const out = pointer(op, 2) + <usize>row * quantizedRowBytes(columns)
    if (ASC_FEATURE_RELAXED_SIMD) bytesOfRow(rowAt(op, 0, row), out, columns, scratch(thread))
    else shortsOfRow(rowAt(op, 0, row), out, columns)
  }
}

const MOST_SHORT: f32 = 32767

function shortsOfRow(x: usize, to: usize, columns: usize): void {
  let scales = to + columns * 2
  for (const end = x + columns * 4; x < end; x += 128, scales += 4) {
    const largest = largestOfBlock(x)
    store<f32>(scales, largest / MOST_SHORT)
    const factor = f32x4.splat(factorOf(largest, MOST_SHORT))
    for (let at: usize = 0; at < 128; at += 32, to += 16) v128.store(to, eight(x + at, factor))
  }
}

function bytesOfRow(x: usize, to: usize, columns: usize, copy: usize): void {
  const blocks = columns >> 5
  const extras = to + extrasOffset(columns)
  let extra = extras + 16
  let scales = to + columns
  for (let block: usize = 0; block < blocks; block++, x += 128, scales += 4) {
    const largest = quantizeBlock(x, to, scales, scales + (blocks << 2))
    to += 32
    if (!(largest * largest * 32 > PEAK * PEAK * sumOfSquares(x))) continue
    leftOver(x, copy, largest)
    store<u32>(extra, <u32>block)
    quantizeBlock(copy, extra + 16, extra + 4, extra + 8)
    extra += EXTRA_BYTES
  }
  store<i32>(extras, <i32>((extra - extras) / EXTRA_BYTES))
}

const MOST_BYTE: f32 = 127

/** 32 numbers as bytes at `to`, their scale, and what their sums start from; the largest of them. */
function quantizeBlock(x: usize, to: usize, scale: usize, start: usize): f32 {
  const largest = largestOfBlock(x)
  store<f32>(scale, largest / MOST_BYTE)
  const factor = f32x4.splat(factorOf(largest, MOST_BYTE))
  const low = eight(x, factor)
  const second = eight(x + 32, factor)
  const third = eight(x + 64, factor)
  const high = eight(x + 96, factor)
  v128.store(to, i8x16.narrow_i16x8_s(low, second))
  v128.store(to, i8x16.narrow_i16x8_s(third, high), 16)
  const sums = i16x8.add(i16x8.add(low, second), i16x8.add(third, high))
  store<i32>(start, getFlip() ? -128 * sumOfLanes16(sums) : 0)
  return largest
}

/** A block of zeros, or of numbers so small that `most` / largest is no number any more, becomes zeros. */
function factorOf(largest: f32, most: f32): f32 {
  return largest > <f32>1e-33 ? most / largest : 0
}

/** 32 numbers less what `quantizeBlock` made of them. */
function leftOver(x: usize, to: usize, largest: f32): void {
  const factor = f32x4.splat(factorOf(largest, MOST_BYTE))
  const scale = f32x4.splat(largest / MOST_BYTE)
  for (let at: usize = 0; at < 128; at += 16) {
    const four = v128.load(x + at)
    const integers = f32x4.sub(f32x4.add(f32x4.mul(four, factor), rounder()), rounder())
    v128.store(to + at, f32x4.sub(four, f32x4.mul(integers, scale)))
  }
}

function sumOfSquares(x: usize): f32 {
  let a = f32x4.splat(0)
  let b = a
  for (const end = x + 128; x < end; x += 32) {
    const low = v128.load(x)
    const high = v128.load(x, 16)
    a = f32x4.add(a, f32x4.mul(low, low))
    b = f32x4.add(b, f32x4.mul(high, high))
  }
  return sumOfLanes(f32x4.add(a, b))
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
  roundWithin(x, to, count, largest, most)
  return largest / most
}

/** Numbers of up to `largest` as int16 from -most to most. */
export function roundWithin(x: usize, to: usize, count: usize, largest: f32, most: f32): void {
  const factor = f32x4.splat(factorOf(largest, most))
  for (const end = to + count * 2; to < end; to += 16, x += 32) v128.store(to, eight(x, factor))
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
