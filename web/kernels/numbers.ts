// exp, tanh and the error function, four numbers at a time, from products and sums only, so that every machine agrees.

/** 1.5 · 2^23: a float32 plus this has its nearest integer (ties to even) in the low bits, up to 2^22 in size. */
export const ROUNDER: f32 = 12582912

/**
 * e^x: 2^n times a polynomial of the rest (Cephes' expf), relative error below 2e-7. Below -87.3 it gives e^-87.3,
 * above 88.3 e^88.3.
 */
export function exp(x: v128): v128 {
  x = f32x4.pmax(f32x4.splat(-87.3), f32x4.pmin(f32x4.splat(88.3), x))
  const rounded = f32x4.add(f32x4.mul(x, f32x4.splat(<f32>Math.LOG2E)), f32x4.splat(ROUNDER))
  const n = f32x4.sub(rounded, f32x4.splat(ROUNDER))
  let r = f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375)))
  r = f32x4.add(r, f32x4.mul(n, f32x4.splat(2.1219444e-4)))
  let sum = f32x4.splat(1.98756915e-4)
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1.3981999507e-3))
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(8.3334519073e-3))
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(4.1665795894e-2))
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1.6666665459e-1))
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(5.0000001201e-1))
  sum = f32x4.add(f32x4.mul(f32x4.mul(sum, r), r), f32x4.add(r, f32x4.splat(1)))
  const power = i32x4.add(i32x4.shl(rounded, 23), i32x4.splat(0x3f800000)) // n + 127 as an exponent
  return f32x4.mul(sum, power)
}

/** tanh x = 1 - 2 / (e^2x + 1), absolute error below 3e-7. */
export function tanh(x: v128): v128 {
  const power = exp(f32x4.add(x, x))
  return f32x4.sub(f32x4.splat(1), f32x4.div(f32x4.splat(2), f32x4.add(power, f32x4.splat(1))))
}

/** x · sigmoid(x) */
export function silu(x: v128): v128 {
  return f32x4.div(x, f32x4.add(f32x4.splat(1), exp(f32x4.neg(x))))
}

/** x · Φ(x), Φ from the error function's approximation 7.1.26 of Abramowitz and Stegun (absolute error of Φ below 1e-7). */
export function gelu(x: v128): v128 {
  const size = f32x4.mul(f32x4.abs(x), f32x4.splat(<f32>Math.SQRT1_2))
  const t = f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), f32x4.mul(size, f32x4.splat(0.3275911))))
  let sum = f32x4.splat(0.5 * 1.061405429)
  sum = f32x4.add(f32x4.mul(sum, t), f32x4.splat(0.5 * -1.453152027))
  sum = f32x4.add(f32x4.mul(sum, t), f32x4.splat(0.5 * 1.421413741))
  sum = f32x4.add(f32x4.mul(sum, t), f32x4.splat(0.5 * -0.284496736))
  sum = f32x4.add(f32x4.mul(sum, t), f32x4.splat(0.5 * 0.254829592))
  const tail = f32x4.mul(f32x4.mul(sum, t), exp(f32x4.neg(f32x4.mul(size, size)))) // Φ(-|x|)
  const negative = f32x4.lt(x, f32x4.splat(0))
  return f32x4.mul(x, v128.bitselect(tail, f32x4.sub(f32x4.splat(1), tail), negative))
}

/** x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))) */
export function geluTanh(x: v128): v128 {
  const cube = f32x4.mul(f32x4.mul(f32x4.mul(x, x), x), f32x4.splat(0.044715))
  const inner = f32x4.mul(f32x4.add(x, cube), f32x4.splat(0.79788456))
  return f32x4.mul(f32x4.mul(x, f32x4.splat(0.5)), f32x4.add(f32x4.splat(1), tanh(inner)))
}

export function sumOfLanes(x: v128): f32 {
  const pairs = f32x4.add(x, i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1)
}

export function maxOfLanes(x: v128): f32 {
  const pairs = f32x4.pmax(x, i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
  return max(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1))
}
