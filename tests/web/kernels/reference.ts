/** What each kernel should compute, in plain scalar double precision. Rows are arrays of numbers. */
export type Row = ArrayLike<number>

const f32 = Math.fround

/** float16 bits of a number that is one. */
export function halfBits(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0
  const exponent = ((bits >>> 23) & 0xff) - 127 + 15
  if (exponent >= 1) return (exponent << 10) | ((bits >>> 13) & 0x3ff)
  return Math.round(Math.abs(value) * 2 ** 24) // subnormal
}

/** A number near `value` (not negative) that float16 has. */
export function half(value: number): number {
  if (value < 2 ** -14) return Math.round(value * 2 ** 24) / 2 ** 24
  const step = 2 ** (Math.floor(Math.log2(value)) - 10)
  return Math.round(value / step) * step
}

/** Integers of up to `most` and scales of blocks of 32, as the kernels make them: float32 at each step. */
export function quantized(row: Row, most: number): { values: number[]; scales: number[] } {
  const values: number[] = []
  const scales: number[] = []
  for (let block = 0; block < row.length; block += 32) {
    const part = Array.from({ length: 32 }, (_, index) => row[block + index] ?? 0)
    const largest = Math.max(...part.map(Math.abs))
    const factor = largest > 1e-33 ? f32(most / largest) : 0
    scales.push(f32(largest / most))
    values.push(...part.map(x => toEven(f32(x * factor))))
  }
  return { values, scales }
}

/** The nearest integer; of two the even one, as the kernels round. */
export function toEven(x: number): number {
  const floor = Math.floor(x)
  if (x - floor !== 0.5) return Math.round(x)
  return floor % 2 === 0 ? floor : floor + 1
}

export interface Weights {
  /** [rows, columns] */
  values: Int8Array
  /** [rows, columns / 32] */
  scales: Float64Array
  rows: number
  columns: number
}

export type Rounding = 'shorts' | 'bytes'

/** What `quantize` makes of a row: int16 in the plain build, int8 with extras in the relaxed one. */
function roundedRow(row: Row, rounding: Rounding): number[] {
  const { values, scales } = quantized(row, rounding === 'shorts' ? 32767 : 127)
  const first = values.map((value, k) => value * (scales[Math.floor(k / 32)] ?? 0))
  if (rounding === 'shorts') return first
  const rest = Float32Array.from(row, (x, k) => x - f32(first[k] ?? 0))
  const second = quantized(rest, 127)
  return first.map((x, k) => {
    const block = Array.from(row).slice(k - (k % 32), k - (k % 32) + 32)
    const squares = block.reduce((sum, y) => sum + y * y, 0)
    const stands = 32 * Math.max(...block.map(y => y * y)) > 4.5 ** 2 * squares
    return x + (stands ? (second.values[k] ?? 0) * (second.scales[Math.floor(k / 32)] ?? 0) : 0)
  })
}

/** The matrix times a quantised row: the exact sum of what was rounded. */
export function product(weights: Weights, row: Row, rounding: Rounding): number[] {
  const x = roundedRow(row, rounding)
  return Array.from({ length: weights.rows }, (_, n) =>
    weightRow(weights, n).reduce((sum, w, k) => sum + w * (x[k] ?? 0), 0),
  )
}

export function weightRow({ values, scales, columns }: Weights, row: number): number[] {
  return Array.from(
    values.subarray(row * columns, (row + 1) * columns),
    (value, k) => value * (scales[(row * columns) / 32 + Math.floor(k / 32)] ?? 0),
  )
}

export function rmsNorm(row: Row, weight: Row, epsilon: number): number[] {
  const x = Array.from(row)
  const mean = x.reduce((sum, value) => sum + value * value, 0) / x.length
  return x.map((value, index) => (value / Math.sqrt(mean + epsilon)) * (weight[index] ?? 0))
}

export function layerNorm(row: Row, weight: Row, { bias, epsilon }: { bias: Row | null; epsilon: number }): number[] {
  const x = Array.from(row)
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length
  return x.map(
    (value, index) => ((value - mean) / Math.sqrt(variance + epsilon)) * (weight[index] ?? 0) + (bias?.[index] ?? 0),
  )
}

/** Φ by summing its series (small) or its continued fraction (large). */
function normalShare(x: number): number {
  const size = Math.abs(x)
  if (size > 6) {
    let fraction = size
    for (let term = 60; term > 0; term--) fraction = size + term / fraction
    const tail = Math.exp((-size * size) / 2) / (fraction * Math.sqrt(2 * Math.PI))
    return x < 0 ? tail : 1 - tail
  }
  let term = x
  let sum = x
  for (let n = 1; n < 200; n++) {
    term *= (x * x) / (2 * n + 1)
    sum += term
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI)
}

export const ACTIVATIONS = {
  silu: (x: number) => x / (1 + Math.exp(-x)),
  gelu: (x: number) => x * normalShare(x),
  geluTanh: (x: number) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  relu: (x: number) => Math.max(x, 0),
}

/** Rotary positions of one head. */
export function turned(
  head: Row,
  { cos, sin, style }: { cos: Row; sin: Row; style: 'half' | 'interleaved' },
): number[] {
  const out = Array.from(head)
  for (let i = 0; i < cos.length; i++) {
    const [a, b] = style === 'half' ? [i, i + cos.length] : [2 * i, 2 * i + 1]
    const [left, right, c, s] = [head[a] ?? 0, head[b] ?? 0, cos[i] ?? 0, sin[i] ?? 0]
    out[a] = left * c - right * s
    out[b] = right * c + left * s
  }
  return out
}

export interface Head {
  query: Row
  /** By position, from 0 to the query's own. */
  keys: readonly Row[]
  values: readonly Row[]
  scale: number
  softCap: number
  window: number
  slope: number
}

export function attended({ query, keys, values, scale, softCap, window, slope }: Head): number[] {
  const last = keys.length - 1
  const first = window > 0 ? Math.max(0, last - window + 1) : 0
  const scores = keys.slice(first).map((key, index) => {
    const dot = Array.from(query).reduce((sum, q, column) => sum + q * (key[column] ?? 0), 0) * scale
    return (softCap > 0 ? softCap * Math.tanh(dot / softCap) : dot) + slope * (first + index - last)
  })
  const most = Math.max(...scores)
  const weights = scores.map(score => Math.exp(score - most))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return Array.from(
    query,
    (_, column) =>
      weights.reduce((sum, weight, index) => sum + weight * (values[first + index]?.[column] ?? 0), 0) / total,
  )
}
