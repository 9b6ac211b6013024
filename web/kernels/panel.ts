// What the tiles of a matrix product share: where a `matmul` op's panels and tokens lie, scales, bias and residual.
import { argument, pointer, rowAt } from './memory'
import { halfFactor } from './numbers'

/** Bytes of a row of quantised tokens; ops.ts has the same formula. */
export function quantizedRowBytes(columns: usize): usize {
  return extrasOffset(columns) + 16 + (columns >> 5) * EXTRA_BYTES
}

/** Relaxed: where a row's extras lie, behind its blocks: an int32 of how many, 12 bytes of nothing, then one after the other. */
export function extrasOffset(columns: usize): usize {
  return columns * 2 + (columns >> 5) * 8
}

/** An extra: its block (int32), float32 scale, what an integer sum starts from, 4 bytes of nothing, 32 integers. */
export const EXTRA_BYTES: usize = 80

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

/** Where the sums of a panel's 8 rows go. */
export function outputOf(op: usize, panel: i32, token: i32): usize {
  return rowAt(op, 8, token) + ((<usize>panel) << 5)
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
  const to = outputOf(op, panel, token)
  v128.store(to, low)
  v128.store(to, high, 16)
}
