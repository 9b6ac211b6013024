// The two loops of a block: eight positions or eight columns at a time, of one to four heads.
import { BLOCK, GROUP } from './cache'

/** Heads that go over the cache together: a loop has two sums of each, which leaves registers for what they are made of. */
export const TOGETHER = 4

// Scratch memory of a block: scores of each head, then their weights as int16.
export const SCORE_ROW: usize = BLOCK * 4
export const WEIGHT_ROW: usize = BLOCK * 2
export const WEIGHTS: usize = SCORE_ROW * TOGETHER
export const BLOCK_SCRATCH: usize = WEIGHTS + WEIGHT_ROW * TOGETHER

/** Bytes of eight columns of a block's values. */
const STRIP: usize = BLOCK * 8

// The block: where its scratch memory is, columns of a head, eights of positions.
let scores: usize = 0
let dim: usize = 0
let groups = 0

export function setLoops(at: usize, columns: usize, eights: i32): void {
  scores = at
  dim = columns
  groups = eights
}

/**
 * Scores of `groups` eights of positions, of as many heads as the size of type N says: i8 one, i16 two, i32 three, i64 four.
 * (A type is what AssemblyScript compiles a function of its own for; Binaryen makes one of those that differ by a number.)
 */
export function scoreHeads<N>(keys: usize, query: usize, units: usize): void {
  const columns = dim * 16
  let to = scores
  for (let left = groups; left > 0; left--, to += 32) {
    const end = keys + columns
    let q = query
    let a0 = i32x4.splat(0)
    let b0 = i32x4.splat(0)
    let a1 = i32x4.splat(0)
    let b1 = i32x4.splat(0)
    let a2 = i32x4.splat(0)
    let b2 = i32x4.splat(0)
    let a3 = i32x4.splat(0)
    let b3 = i32x4.splat(0)
    do {
      const x = v128.load(keys)
      const y = v128.load(keys, 16)
      const q0 = v128.load32_splat(q)
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(x, q0))
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(y, q0))
      if (sizeof<N>() > 1) {
        const q1 = v128.load32_splat(q, 4)
        a1 = i32x4.add(a1, i32x4.dot_i16x8_s(x, q1))
        b1 = i32x4.add(b1, i32x4.dot_i16x8_s(y, q1))
      }
      if (sizeof<N>() > 2) {
        const q2 = v128.load32_splat(q, 8)
        a2 = i32x4.add(a2, i32x4.dot_i16x8_s(x, q2))
        b2 = i32x4.add(b2, i32x4.dot_i16x8_s(y, q2))
      }
      if (sizeof<N>() > 4) {
        const q3 = v128.load32_splat(q, 12)
        a3 = i32x4.add(a3, i32x4.dot_i16x8_s(x, q3))
        b3 = i32x4.add(b3, i32x4.dot_i16x8_s(y, q3))
      }
      const z = v128.load(keys, 32)
      const w = v128.load(keys, 48)
      const p0 = v128.load32_splat(q, 16)
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(z, p0))
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(w, p0))
      if (sizeof<N>() > 1) {
        const p1 = v128.load32_splat(q, 20)
        a1 = i32x4.add(a1, i32x4.dot_i16x8_s(z, p1))
        b1 = i32x4.add(b1, i32x4.dot_i16x8_s(w, p1))
      }
      if (sizeof<N>() > 2) {
        const p2 = v128.load32_splat(q, 24)
        a2 = i32x4.add(a2, i32x4.dot_i16x8_s(z, p2))
        b2 = i32x4.add(b2, i32x4.dot_i16x8_s(w, p2))
      }
      if (sizeof<N>() > 4) {
        const p3 = v128.load32_splat(q, 28)
        a3 = i32x4.add(a3, i32x4.dot_i16x8_s(z, p3))
        b3 = i32x4.add(b3, i32x4.dot_i16x8_s(w, p3))
      }
      keys += 64
      q += 32
    } while (keys < end)
    storeEight(to, a0, b0, keys, units)
    if (sizeof<N>() > 1) storeEight(to + SCORE_ROW, a1, b1, keys, units + 4)
    if (sizeof<N>() > 2) storeEight(to + SCORE_ROW * 2, a2, b2, keys, units + 8)
    if (sizeof<N>() > 4) storeEight(to + SCORE_ROW * 3, a3, b3, keys, units + 12)
    keys += 32
  }
}

function storeEight(to: usize, a: v128, b: v128, keyUnits: usize, unit: usize): void {
  const by = v128.load32_splat(unit)
  v128.store(to, f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(a), v128.load(keyUnits)), by))
  v128.store(to, f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(b), v128.load(keyUnits, 16)), by), 16)
}

/** Weighted sums of one head's values, 32 columns at a time. What a weight stands for is where the head's first score was. */
export function addHead(values: usize, out: usize): void {
  const unit = f32x4.splat(load<f32>(scores))
  const bytes = <usize>groups * GROUP * 8
  let column: usize = 0
  for (; column + 32 <= dim; column += 32, values += STRIP * 4, out += 128) {
    let a = i32x4.splat(0)
    let b = i32x4.splat(0)
    let c = i32x4.splat(0)
    let d = i32x4.splat(0)
    let e = i32x4.splat(0)
    let f = i32x4.splat(0)
    let g = i32x4.splat(0)
    let h = i32x4.splat(0)
    let value = values
    let weight = scores + WEIGHTS
    for (const end = value + bytes; value < end; value += 16, weight += 4) {
      const w = v128.load32_splat(weight)
      a = i32x4.add(a, i32x4.dot_i16x8_s(w, v128.load8x8_s(value)))
      b = i32x4.add(b, i32x4.dot_i16x8_s(w, v128.load8x8_s(value, 8)))
      c = i32x4.add(c, i32x4.dot_i16x8_s(w, v128.load8x8_s(value, STRIP)))
      d = i32x4.add(d, i32x4.dot_i16x8_s(w, v128.load8x8_s(value, STRIP + 8)))
      e = i32x4.add(e, i32x4.dot_i16x8_s(w, v128.load8x8_s(value, STRIP * 2)))
      f = i32x4.add(f, i32x4.dot_i16x8_s(w, v128.load8x8_s(value, STRIP * 2 + 8)))
      g = i32x4.add(g, i32x4.dot_i16x8_s(w, v128.load8x8_s(value, STRIP * 3)))
      h = i32x4.add(h, i32x4.dot_i16x8_s(w, v128.load8x8_s(value, STRIP * 3 + 8)))
    }
    storeSums(out, a, unit)
    storeSums(out + 16, b, unit)
    storeSums(out + 32, c, unit)
    storeSums(out + 48, d, unit)
    storeSums(out + 64, e, unit)
    storeSums(out + 80, f, unit)
    storeSums(out + 96, g, unit)
    storeSums(out + 112, h, unit)
  }
  if (column < dim) addHeads<i8>(values, out, column)
}

/** Weighted sums of values, 8 columns at a time from `column` on. */
export function addHeads<N>(values: usize, out: usize, column: usize): void {
  const row = dim * 4
  const bytes = <usize>groups * GROUP * 8
  for (; column < dim; column += 8, values += STRIP, out += 32) {
    let a0 = i32x4.splat(0)
    let b0 = i32x4.splat(0)
    let a1 = i32x4.splat(0)
    let b1 = i32x4.splat(0)
    let a2 = i32x4.splat(0)
    let b2 = i32x4.splat(0)
    let a3 = i32x4.splat(0)
    let b3 = i32x4.splat(0)
    let value = values
    let weight = scores + WEIGHTS
    for (const end = value + bytes; value < end; value += 16, weight += 4) {
      const x = v128.load8x8_s(value)
      const y = v128.load8x8_s(value, 8)
      const w0 = v128.load32_splat(weight)
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(x, w0))
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(y, w0))
      if (sizeof<N>() > 1) {
        const w1 = v128.load32_splat(weight, WEIGHT_ROW)
        a1 = i32x4.add(a1, i32x4.dot_i16x8_s(x, w1))
        b1 = i32x4.add(b1, i32x4.dot_i16x8_s(y, w1))
      }
      if (sizeof<N>() > 2) {
        const w2 = v128.load32_splat(weight, WEIGHT_ROW * 2)
        a2 = i32x4.add(a2, i32x4.dot_i16x8_s(x, w2))
        b2 = i32x4.add(b2, i32x4.dot_i16x8_s(y, w2))
      }
      if (sizeof<N>() > 4) {
        const w3 = v128.load32_splat(weight, WEIGHT_ROW * 3)
        a3 = i32x4.add(a3, i32x4.dot_i16x8_s(x, w3))
        b3 = i32x4.add(b3, i32x4.dot_i16x8_s(y, w3))
      }
    }
    storeSums(out, a0, v128.load32_splat(scores))
    storeSums(out + 16, b0, v128.load32_splat(scores))
    if (sizeof<N>() > 1) {
      storeSums(out + row, a1, v128.load32_splat(scores, SCORE_ROW))
      storeSums(out + row + 16, b1, v128.load32_splat(scores, SCORE_ROW))
    }
    if (sizeof<N>() > 2) {
      storeSums(out + row * 2, a2, v128.load32_splat(scores, SCORE_ROW * 2))
      storeSums(out + row * 2 + 16, b2, v128.load32_splat(scores, SCORE_ROW * 2))
    }
    if (sizeof<N>() > 4) {
      storeSums(out + row * 3, a3, v128.load32_splat(scores, SCORE_ROW * 3))
      storeSums(out + row * 3 + 16, b3, v128.load32_splat(scores, SCORE_ROW * 3))
    }
  }
}

function storeSums(to: usize, sums: v128, unit: v128): void {
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(sums), unit))
}
