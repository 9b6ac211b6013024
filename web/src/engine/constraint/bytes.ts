/** Sets of bytes and of code points as sorted ranges, both ends included; code points as UTF-8 (RFC 3629). */

/** Ranges in order, not touching each other. */
export type Ranges = readonly (readonly [from: number, to: number])[]
/** Bytes 0 to 255. */
export type ByteSet = Ranges
/** Unicode scalar values: U+0000 to U+10FFFF without the surrogates. */
export type CodePointSet = Ranges

export const HIGHEST_CODE_POINT = 0x10ffff
export const ALL_CODE_POINTS: CodePointSet = [
  [0, 0xd7ff],
  [0xe000, HIGHEST_CODE_POINT],
]

export function byteSetKey(set: ByteSet): string {
  return set.map(([from, to]) => `${from}-${to}`).join()
}

export function union(...sets: Ranges[]): Ranges {
  const sorted = sets.flat().sort(([a], [b]) => a - b)
  const merged: [number, number][] = []
  for (const [from, to] of sorted) {
    const last = merged.at(-1)
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to)
    else merged.push([from, to])
  }
  return merged
}

export function intersection(a: Ranges, b: Ranges): Ranges {
  return a.flatMap(([from, to]) =>
    b.map(([start, end]) => [Math.max(from, start), Math.min(to, end)] as const).filter(([start, end]) => start <= end),
  )
}

/** Every code point that is not in `set`. */
export function complement(set: CodePointSet): CodePointSet {
  const gaps: [number, number][] = []
  let next = 0
  for (const [from, to] of union(set)) {
    if (from > next) gaps.push([next, from - 1])
    next = to + 1
  }
  if (next <= HIGHEST_CODE_POINT) gaps.push([next, HIGHEST_CODE_POINT])
  return intersection(ALL_CODE_POINTS, gaps)
}

export function contains(set: Ranges, value: number): boolean {
  return set.some(([from, to]) => from <= value && value <= to)
}

const LONGEST = [0x7f, 0x7ff, 0xffff, HIGHEST_CODE_POINT] as const

/** A set of code points as sequences of byte ranges: any byte of the first, then any of the second, … */
export function utf8Sequences(set: CodePointSet): Ranges[] {
  return intersection(ALL_CODE_POINTS, set).flatMap(([from, to]) => {
    let start = from
    const sequences: Ranges[] = []
    for (const highest of LONGEST) {
      const end = Math.min(to, highest)
      if (start <= end) sequences.push(...sameLength(encode(start), encode(end)))
      start = Math.max(start, highest + 1)
    }
    return sequences
  })
}

/** Splits a span of encodings of one length until the first bytes alone tell each part. */
function sameLength(from: readonly number[], to: readonly number[]): Ranges[] {
  const [first = 0, ...low] = from
  const [last = 0, ...high] = to
  if (low.length === 0) return [[[first, last]]]
  const tails = (a: readonly number[], b: readonly number[]) => sameLength(a, b)
  if (first === last) return tails(low, high).map(tail => [[first, first] as const, ...tail])
  const lowest = low.map(() => 0x80)
  const highest = low.map(() => 0xbf)
  const lowIsWhole = low.every(byte => byte === 0x80)
  const highIsWhole = high.every(byte => byte === 0xbf)
  const middle: [number, number] = [lowIsWhole ? first : first + 1, highIsWhole ? last : last - 1]
  return [
    ...(lowIsWhole ? [] : tails(low, highest).map(tail => [[first, first] as const, ...tail])),
    ...(middle[0] <= middle[1]
      ? [[middle, ...lowest.map((_, at) => [lowest[at] ?? 0, highest[at] ?? 0] as const)]]
      : []),
    ...(highIsWhole ? [] : tails(lowest, high).map(tail => [[last, last] as const, ...tail])),
  ]
}

const utf8 = new TextEncoder()

function encode(codePoint: number): number[] {
  return [...utf8.encode(String.fromCodePoint(codePoint))]
}

/** A text's UTF-8 bytes as characters U+0000 to U+00FF. */
export function bytesOf(text: string): string {
  return String.fromCharCode(...utf8.encode(text))
}
