// exp, tanh and the error function, four numbers at a time, from products and sums only, so that every machine agrees.

/** 1.5 · 2^23: a float32 plus this has its nearest integer (ties to even) in the low bits, up to 2^22 in size. */
const ROUNDER: f32 = 12582912

/**
 * Constants of loops, in memory: V8 builds a constant vector anew at each use, from three instructions or four, where a
 * load is one.
 */
const CONSTANTS = memory.data<f32>([
  -87.3,
  88.3,
  Math.LOG2E as f32,
  ROUNDER,
  0.693359375,
  2.1219444e-4,
  1.98756915e-4,
  1.3981999507e-3,
  8.3334519073e-3,
  4.1665795894e-2,
  1.6666665459e-1,
  5.0000001201e-1,
  1,
  5.192296858534828e33, // 2^112
  // 2^f = 1 + f · (…) for f from -0.5 to 0.5, relative error below 1e-7
  0.6931470036506653,
  0.24022242426872253,
  0.05550733581185341,
  0.009671512991189957,
  0.001326472731307149,
])

export function rounder(): v128 {
  return v128.load32_splat(CONSTANTS, 12)
}

/** What makes a float32 of a float16's bits, shifted to their place. */
export function halfFactor(): v128 {
  return v128.load32_splat(CONSTANTS, 52)
}

/**
 * The numbers of [from, from + bytes) less `shift`, as powers of e, at `to` (which may be `from`): 2^n times a polynomial
 * of the rest (Cephes' expf), relative error below 2e-7. Below -87.3 it gives e^-87.3, above 88.3 e^88.3.
 */
export function powers(from: usize, to: usize, bytes: usize, shift: f32): void {
  const less = f32x4.splat(shift)
  const least = v128.load32_splat(CONSTANTS)
  const most = v128.load32_splat(CONSTANTS, 4)
  const log2e = v128.load32_splat(CONSTANTS, 8)
  const round = v128.load32_splat(CONSTANTS, 12)
  const ln2High = v128.load32_splat(CONSTANTS, 16)
  const ln2Low = v128.load32_splat(CONSTANTS, 20)
  const c6 = v128.load32_splat(CONSTANTS, 24)
  const c5 = v128.load32_splat(CONSTANTS, 28)
  const c4 = v128.load32_splat(CONSTANTS, 32)
  const c3 = v128.load32_splat(CONSTANTS, 36)
  const c2 = v128.load32_splat(CONSTANTS, 40)
  const c1 = v128.load32_splat(CONSTANTS, 44)
  const one = v128.load32_splat(CONSTANTS, 48)
  for (const end = to + bytes; to < end; to += 16, from += 16) {
    const x = f32x4.pmax(least, f32x4.pmin(most, f32x4.sub(v128.load(from), less)))
    const rounded = f32x4.add(f32x4.mul(x, log2e), round)
    const n = f32x4.sub(rounded, round)
    const r = f32x4.add(f32x4.sub(x, f32x4.mul(n, ln2High)), f32x4.mul(n, ln2Low))
    let sum = f32x4.add(f32x4.mul(c6, r), c5)
    sum = f32x4.add(f32x4.mul(sum, r), c4)
    sum = f32x4.add(f32x4.mul(sum, r), c3)
    sum = f32x4.add(f32x4.mul(sum, r), c2)
    sum = f32x4.add(f32x4.mul(sum, r), c1)
    sum = f32x4.add(f32x4.mul(f32x4.mul(sum, r), r), f32x4.add(r, one))
    // The bits of 1 are an exponent of 127 and no fraction: n + 127 as an exponent.
    v128.store(to, f32x4.mul(sum, i32x4.add(i32x4.shl(rounded, 23), one)))
  }
}

/**
 * Scores of a softmax at [row, row + bytes) become e^(score - largest), of which the sum goes to `sumTo`, times `units` one by
 * one; the largest product. All operations wait for the one before, so what counts is how few they are: powers of 2, no upper
 * end, and no second part of ln 2, which scores near the largest do not need.
 */
export function weigh(row: usize, bytes: usize, largest: f32, units: usize, sumTo: usize): f32 {
  const less = f32x4.splat(largest)
  const least = v128.load32_splat(CONSTANTS)
  const log2e = v128.load32_splat(CONSTANTS, 8)
  const round = v128.load32_splat(CONSTANTS, 12)
  const one = v128.load32_splat(CONSTANTS, 48)
  const c1 = v128.load32_splat(CONSTANTS, 56)
  const c2 = v128.load32_splat(CONSTANTS, 60)
  const c3 = v128.load32_splat(CONSTANTS, 64)
  const c4 = v128.load32_splat(CONSTANTS, 68)
  const c5 = v128.load32_splat(CONSTANTS, 72)
  let sum = f32x4.splat(0)
  let most = f32x4.splat(0)
  for (const end = row + bytes; row < end; row += 16, units += 16) {
    const x = f32x4.mul(f32x4.pmax(least, f32x4.sub(v128.load(row), less)), log2e)
    const rounded = f32x4.add(x, round)
    const f = f32x4.sub(x, f32x4.sub(rounded, round))
    const square = f32x4.mul(f, f)
    const high = f32x4.add(f32x4.add(c3, f32x4.mul(c4, f)), f32x4.mul(square, c5))
    const q = f32x4.add(f32x4.add(c1, f32x4.mul(c2, f)), f32x4.mul(square, high))
    // The bits of 1 are an exponent of 127 and no fraction: n + 127 as an exponent.
    const power = f32x4.mul(f32x4.add(f32x4.mul(f, q), one), i32x4.add(i32x4.shl(rounded, 23), one))
    sum = f32x4.add(sum, power)
    const product = f32x4.mul(power, v128.load(units))
    most = f32x4.pmax(most, product)
    v128.store(row, product)
  }
  store<f32>(sumTo, sumOfLanes(sum))
  return maxOfLanes(most)
}

/** limit · tanh(x / limit) of the numbers at [from, from + bytes), at `to`: tanh y = 1 - 2 / (e^2y + 1). */
export function softCaps(from: usize, to: usize, bytes: usize, limit: f32): void {
  const double = f32x4.splat(2 / limit)
  for (let at: usize = 0; at < bytes; at += 16) v128.store(to + at, f32x4.mul(v128.load(from + at), double))
  powers(to, to, bytes, 0)
  for (let at: usize = 0; at < bytes; at += 16) {
    const part = f32x4.div(f32x4.splat(2), f32x4.add(v128.load(to + at), f32x4.splat(1)))
    v128.store(to + at, f32x4.mul(f32x4.splat(limit), f32x4.sub(f32x4.splat(1), part)))
  }
}

// Activations of four numbers, the power of e that each needs being at hand.

/** x · sigmoid(x); power: e^x */
export function silu(x: v128, power: v128): v128 {
  return f32x4.mul(x, f32x4.div(power, f32x4.add(f32x4.splat(1), power)))
}

/** The exponent of `gelu`. */
export function geluExponent(x: v128): v128 {
  return f32x4.mul(f32x4.mul(x, x), f32x4.splat(-0.5))
}

/** x · Φ(x), Φ from the error function's approximation 7.1.26 of Abramowitz and Stegun (absolute error of Φ below 1e-7). */
export function gelu(x: v128, power: v128): v128 {
  const size = f32x4.mul(f32x4.abs(x), f32x4.splat(<f32>Math.SQRT1_2))
  const t = f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), f32x4.mul(size, f32x4.splat(0.3275911))))
  let sum = f32x4.splat(0.5 * 1.061405429)
  sum = f32x4.add(f32x4.mul(sum, t), f32x4.splat(0.5 * -1.453152027))
  sum = f32x4.add(f32x4.mul(sum, t), f32x4.splat(0.5 * 1.421413741))
  sum = f32x4.add(f32x4.mul(sum, t), f32x4.splat(0.5 * -0.284496736))
  sum = f32x4.add(f32x4.mul(sum, t), f32x4.splat(0.5 * 0.254829592))
  const tail = f32x4.mul(f32x4.mul(sum, t), power) // Φ(-|x|)
  const negative = f32x4.lt(x, f32x4.splat(0))
  return f32x4.mul(x, v128.bitselect(tail, f32x4.sub(f32x4.splat(1), tail), negative))
}

/** The exponent of `geluTanh`: 2 √(2/π) · (x + 0.044715 x³). */
export function geluTanhExponent(x: v128): v128 {
  const cube = f32x4.mul(f32x4.mul(f32x4.mul(x, x), x), f32x4.splat(0.044715))
  return f32x4.mul(f32x4.add(x, cube), f32x4.splat(1.5957691))
}

/** x / 2 · (1 + tanh y), which is x · (1 - 1 / (e^2y + 1)) */
export function geluTanh(x: v128, power: v128): v128 {
  const part = f32x4.div(f32x4.splat(1), f32x4.add(power, f32x4.splat(1)))
  return f32x4.mul(x, f32x4.sub(f32x4.splat(1), part))
}

export function sumOfLanes(x: v128): f32 {
  const pairs = f32x4.add(x, i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1)
}

export function maxOfLanes(x: v128): f32 {
  const pairs = f32x4.pmax(x, i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
  return max(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1))
}
