/** Seeded numbers for tests of kernels. */
export interface Random {
  /** [0, 1) */
  uniform(): number
  /** [from, to] */
  integer(from: number, to: number): number
  /** About normal, times `size`; about one in a hundred is an outlier, up to 300 times as large. */
  floats(count: number, size?: number): Float32Array
  /** -127…127 */
  bytes(count: number, from?: number, to?: number): Int8Array
}

/** Mulberry32. */
export function random(seed: number): Random {
  let state = seed | 0
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
  const normal = () => uniform() + uniform() + uniform() + uniform() - 2
  const integer = (from: number, to: number) => from + Math.floor(uniform() * (to - from + 1))
  return {
    uniform,
    integer,
    floats: (count, size = 1) =>
      Float32Array.from({ length: count }, () => normal() * size * (uniform() < 0.01 ? 300 * uniform() : 1)),
    bytes: (count, from = -127, to = 127) => Int8Array.from({ length: count }, () => integer(from, to)),
  }
}

export function rowsOf(numbers: ReturnType<typeof random>, count: number, width: number): Float32Array[] {
  return Array.from({ length: count }, () => numbers.floats(width))
}
