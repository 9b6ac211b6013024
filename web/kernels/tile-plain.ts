// Tiles of a matrix product with plain SIMD128: int8 weights are widened as they are loaded, tokens are int16. A block's
// sum of 32 products of 7 and 15 bits, and signs, fits into 32 bits.
import {
  addScaled,
  columnsOf,
  finish,
  fourScales,
  panelScales,
  panelValues,
  quantizedRowBytes,
  quantizedToken,
} from './panel'

/** A panel of 8 rows × 1 token. */
export function panelByOne(op: usize, panel: i32, token: i32): void {
  const columns = columnsOf(op)
  let values = panelValues(op, panel)
  let scales = panelScales(op, panel)
  let x = quantizedToken(op, token)
  const end = scales + (columns >> 1)
  let xScale = x + columns * 2
  let low = f32x4.splat(0)
  let high = f32x4.splat(0)
  while (scales < end) {
    let a = i32x4.splat(0)
    let b = i32x4.splat(0)
    const stop = values + 256
    do {
      const x0 = v128.load32_splat(x, 0)
      const x1 = v128.load32_splat(x, 4)
      a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load8x8_s(values, 0), x0))
      b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load8x8_s(values, 16), x0))
      a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load8x8_s(values, 8), x1))
      b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load8x8_s(values, 24), x1))
      const x2 = v128.load32_splat(x, 8)
      const x3 = v128.load32_splat(x, 12)
      a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load8x8_s(values, 32), x2))
      b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load8x8_s(values, 48), x2))
      a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load8x8_s(values, 40), x3))
      b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load8x8_s(values, 56), x3))
      values += 64
      x += 16
    } while (values < stop)
    const scale = v128.load32_splat(xScale)
    low = addScaled(low, a, f32x4.mul(fourScales(scales), scale))
    high = addScaled(high, b, f32x4.mul(fourScales(scales + 8), scale))
    scales += 16
    xScale += 4
  }
  finish(op, panel, token, low, high)
}

/** A panel of 8 rows × 4 tokens. `sums`: 128 bytes for the blocks' sums, which leave the registers to the loop. */
export function panelByFour(op: usize, panel: i32, token: i32, sums: usize): void {
  const columns = columnsOf(op)
  let values = panelValues(op, panel)
  let scales = panelScales(op, panel)
  const step = quantizedRowBytes(columns)
  const end = scales + (columns >> 1)
  let x0 = quantizedToken(op, token)
  let x1 = x0 + step
  let x2 = x1 + step
  let x3 = x2 + step
  let xScale = x0 + columns * 2
  memory.fill(sums, 0, 128)
  while (scales < end) {
    let a0 = i32x4.splat(0)
    let b0 = i32x4.splat(0)
    let a1 = i32x4.splat(0)
    let b1 = i32x4.splat(0)
    let a2 = i32x4.splat(0)
    let b2 = i32x4.splat(0)
    let a3 = i32x4.splat(0)
    let b3 = i32x4.splat(0)
    const stop = values + 256
    do {
      const w0 = v128.load8x8_s(values, 0)
      const w1 = v128.load8x8_s(values, 16)
      const y0 = v128.load32_splat(x0, 0)
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(w0, y0))
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(w1, y0))
      const y1 = v128.load32_splat(x1, 0)
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(w0, y1))
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(w1, y1))
      const y2 = v128.load32_splat(x2, 0)
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(w0, y2))
      b2 = i32x4.add(b2, i32x4.dot_i16x8_s(w1, y2))
      const y3 = v128.load32_splat(x3, 0)
      a3 = i32x4.add(a3, i32x4.dot_i16x8_s(w0, y3))
      b3 = i32x4.add(b3, i32x4.dot_i16x8_s(w1, y3))
      const w2 = v128.load8x8_s(values, 8)
      const w3 = v128.load8x8_s(values, 24)
      const z0 = v128.load32_splat(x0, 4)
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(w2, z0))
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(w3, z0))
      const z1 = v128.load32_splat(x1, 4)
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(w2, z1))
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(w3, z1))
      const z2 = v128.load32_splat(x2, 4)
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(w2, z2))
      b2 = i32x4.add(b2, i32x4.dot_i16x8_s(w3, z2))
      const z3 = v128.load32_splat(x3, 4)
      a3 = i32x4.add(a3, i32x4.dot_i16x8_s(w2, z3))
      b3 = i32x4.add(b3, i32x4.dot_i16x8_s(w3, z3))
      values += 32
      x0 += 8
      x1 += 8
      x2 += 8
      x3 += 8
    } while (values < stop)
    const lowScale = fourScales(scales)
    const highScale = fourScales(scales + 8)
    const scale0 = v128.load32_splat(xScale)
    v128.store(sums, addScaled(v128.load(sums, 0), a0, f32x4.mul(lowScale, scale0)), 0)
    v128.store(sums, addScaled(v128.load(sums, 16), b0, f32x4.mul(highScale, scale0)), 16)
    const scale1 = v128.load32_splat(xScale + step * 1)
    v128.store(sums, addScaled(v128.load(sums, 32), a1, f32x4.mul(lowScale, scale1)), 32)
    v128.store(sums, addScaled(v128.load(sums, 48), b1, f32x4.mul(highScale, scale1)), 48)
    const scale2 = v128.load32_splat(xScale + step * 2)
    v128.store(sums, addScaled(v128.load(sums, 64), a2, f32x4.mul(lowScale, scale2)), 64)
    v128.store(sums, addScaled(v128.load(sums, 80), b2, f32x4.mul(highScale, scale2)), 80)
    const scale3 = v128.load32_splat(xScale + step * 3)
    v128.store(sums, addScaled(v128.load(sums, 96), a3, f32x4.mul(lowScale, scale3)), 96)
    v128.store(sums, addScaled(v128.load(sums, 112), b3, f32x4.mul(highScale, scale3)), 112)
    scales += 16
    xScale += 4
  }
  finish(op, panel, token, v128.load(sums, 0), v128.load(sums, 16))
  finish(op, panel, token + 1, v128.load(sums, 32), v128.load(sums, 48))
  finish(op, panel, token + 2, v128.load(sums, 64), v128.load(sums, 80))
  finish(op, panel, token + 3, v128.load(sums, 96), v128.load(sums, 112))
}
