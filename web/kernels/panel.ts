// What the tiles of a matrix product share: where a `matmul` op's panels and tokens lie, scales, bias and residual.
import { argument, pointer, rowAt } from './memory'
import { halfFactor } from './numbers'

/** Bytes of a row of quantised tokens; ops.ts has the same formula. */
export function quantizedRowBytes(columns: usize): usize {
  return columns * 2 + (columns >> 5) * 8
}

export function columnsOf(op: usize): usize {
  return <usize>argument(op, 4)
}

export function panelValues(op: usize, panel: i32): usize {
  return pointer(op, 1) + <usize>panel * columnsOf(op) * 8
}

export function panelScales(op: usize, panel: i32): usize {
  return pointer(op, 2) + <usize>panel * (columnsOf(op) >> 1)
}

export function quantizedToken(op: usize, token: i32): usize {
  return pointer(op, 0) + <usize>token * quantizedRowBytes(columnsOf(op))
}

/** Four float16 scales, not negative and finite, as float32: subnormal ones too, the product is exact. */
export function fourScales(at: usize): v128 {
  return f32x4.mul(i32x4.shl(v128.load16x4_u(at), 13), halfFactor())
}

/** sum + integers · scale, lane by lane: a product and a sum, each rounded, never fused, so that every machine agrees. */
export function addScaled(sum: v128, integers: v128, scale: v128): v128 {
  return f32x4.add(sum, f32x4.mul(f32x4.convert_i32x4_s(integers), scale))
}

/** Adds bias and residual to a token's sums of 8 rows, and stores them. */
export function finish(op: usize, panel: i32, token: i32, low: v128, high: v128): void {
  const offset = (<usize>panel) << 5
  const bias = pointer(op, 5)
  if (bias) {
    low = f32x4.add(low, v128.load(bias + offset))
    high = f32x4.add(high, v128.load(bias + offset, 16))
  }
  if (pointer(op, 6)) {
    const plus = rowAt(op, 6, token) + offset
    low = f32x4.add(low, v128.load(plus))
    high = f32x4.add(high, v128.load(plus, 16))
  }
  const to = rowAt(op, 8, token) + offset
  v128.store(to, low)
  v128.store(to, high, 16)
}
