/** Attention and the KV cache against plain double precision; one thread, plain SIMD128. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CACHE_BLOCK, type Op } from '../../../web/src/engine/simd/ops.ts'
import { type Lab, openLab, relativeError } from './lab.ts'
import { random, rowsOf } from './random.ts'
import * as reference from './reference.ts'

let lab: Lab
beforeAll(async () => {
  lab = await openLab({ build: 'simd128' })
}, 60_000) // compiles the kernels where they are new
afterAll(() => lab.machine.dispose())

describe('attention', () => {
  const plain = { heads: 3, kvHeads: 1, headDim: 64, softCap: 0, window: 0, slopes: null }
  const cases: [name: string, shape: Shape, lengths: number[]][] = [
    ['grouped heads', plain, [1, 5, 17, 64, 60]],
    ['a head each, 8 columns', { ...plain, kvHeads: 3, headDim: 8 }, [3, 1, 1, 62, 1]],
    ['80 columns', { ...plain, heads: 4, kvHeads: 2, headDim: 80 }, [40, 1, 40]],
    ['a head each, 40 columns', { ...plain, heads: 2, kvHeads: 2, headDim: 40 }, [60, 64, 9]],
    ['four heads together, several blocks', { ...plain, heads: 4, headDim: 16 }, [64, 64, 5, 64, 64, 1]],
    ['seven heads: four and three', { ...plain, heads: 7, headDim: 24 }, [20, 1]],
    ['a sliding window', { ...plain, window: 7 }, [30, 1, 50, 1]],
    ['a window over several blocks', { ...plain, kvHeads: 3, headDim: 16, window: 70 }, [60, 64, 60, 1]],
    ['a soft cap', { ...plain, softCap: 50 }, [20, 1, 60]],
    ['ALiBi', { ...plain, heads: 2, slopes: [0.5, 0.03] }, [20, 1, 60]],
    ['ALiBi of five heads', { ...plain, heads: 5, headDim: 8, slopes: [0.5, 0.03, 0.2, 0.1, 0.01] }, [64, 64, 3]],
  ]

  test.each(cases)('%s', (_, shape, lengths) => {
    const numbers = random(shape.headDim + lengths.length)
    const [queries, keys, values] = [shape.heads, shape.kvHeads, shape.kvHeads].map(heads =>
      rowsOf(numbers, sum(lengths), heads * shape.headDim),
    )
    if (!queries || !keys || !values) throw new Error('three kinds of rows')
    const got = attend({ queries, keys, values }, shape, lengths)
    got.forEach((row, token) => {
      for (let head = 0; head < shape.heads; head++) {
        const expected = reference.attended({
          ...{ ...shape, scale: 0.11, slope: shape.slopes?.[head] ?? 0 },
          query: rounded(headOf(queries[token], head, shape.headDim), 8191),
          keys: keys.slice(0, token + 1).map(key => rounded(headOf(key, sharedHead(head, shape), shape.headDim), 2047)),
          values: values
            .slice(0, token + 1)
            .map(value => rounded(headOf(value, sharedHead(head, shape), shape.headDim), 127)),
        })
        expect(relativeError(headOf(row, head, shape.headDim), expected)).toBeLessThan(2e-4)
      }
    })
  })

  test('in one go, in pieces, token by token, and again after going back: the same to the last bit', () => {
    const numbers = random(13)
    const rows = {
      ...{ queries: rowsOf(numbers, 300, 192), keys: rowsOf(numbers, 300, 64), values: rowsOf(numbers, 300, 64) },
    }
    for (const window of [0, 90]) {
      const shape = { ...plain, window }
      const pieces = attend(rows, shape, [50, 50, 50, 50, 50, 50])
      expect(attend(rows, shape, [1, 49, 3, 47, 64, 64, 64, 8])).toEqual(pieces)
      expect(attend(rows, shape, new Array(300).fill(1))).toEqual(pieces)
    }
  })

  test('huge scores, and keys that are zero or subnormal, give no NaN', () => {
    const keys = [new Float32Array(64).fill(3e4), new Float32Array(64), new Float32Array(64).fill(1e-40)]
    const queries = [1e4, -1e4, 0].map(x => new Float32Array(192).fill(x))
    const got = attend({ queries, keys, values: keys }, plain, [3])
    for (const row of got) expect(row.every(Number.isFinite)).toBe(true)
  })

  test('what the cache keeps is within 1 / 250 of the largest number of its head', () => {
    const values = rowsOf(random(14), 40, 64)
    for (const value of values) {
      const [row = []] = attend({ queries: [new Float32Array(192)], keys: [value], values: [value] }, plain, [1])
      expect(relativeError(row.slice(0, 64), value)).toBeLessThan(1 / 250)
      expect(relativeError(row.slice(0, 64), rounded(value, 127))).toBeLessThan(1e-6)
    }
  })

  test('the largest sums of a head and of a block fit', () => {
    const shape = { ...plain, heads: 1, headDim: 256 }
    const row = new Float32Array(256).fill(0.5)
    const rows = new Array<Float32Array>(CACHE_BLOCK).fill(row)
    const got = attend({ queries: rows, keys: rows, values: rows }, shape, [64, 64])
    for (const out of got) expect(relativeError(out, row)).toBeLessThan(1e-6)
  })

  interface Shape {
    heads: number
    kvHeads: number
    headDim: number
    softCap: number
    window: number
    slopes: number[] | null
  }
  type Inputs = Record<'queries' | 'keys' | 'values', readonly Float32Array[]>

  /** Runs of `lengths` tokens one after the other; the output of every token. */
  function attend({ queries, keys, values }: Inputs, shape: Shape, lengths: readonly number[]): Float32Array[] {
    const cache = lab.cache({ ...shape, capacity: Math.ceil(queries.length / CACHE_BLOCK) * CACHE_BLOCK })
    const slopes = shape.slopes ? lab.put(shape.slopes) : 0
    let position = 0
    return lengths.flatMap(tokens => {
      const part = (rows: readonly Float32Array[]) => lab.rows(rows.slice(position, position + tokens), 4)
      const to = lab.empty(tokens, shape.heads * shape.headDim)
      const ops: Op[] = [
        { op: 'append', keys: part(keys), values: part(values), cache, ...shape },
        { op: 'attention', query: part(queries), cache, to, ...shape, slopes, scale: 0.11 },
      ]
      lab.run(ops, { tokens, position })
      position += tokens
      return lab.read(to, tokens, shape.heads * shape.headDim)
    })
  }

  function sharedHead(head: number, shape: Shape): number {
    return Math.floor(head / (shape.heads / shape.kvHeads))
  }

  function headOf(row: Float32Array | undefined, head: number, headDim: number): Float32Array {
    return (row ?? new Float32Array()).subarray(head * headDim, (head + 1) * headDim)
  }

  /** What integers in [-most, most] make of a head's row. */
  function rounded(row: ArrayLike<number>, most: number): Float32Array {
    const largest = Array.from(row).reduce((size, x) => Math.max(size, Math.abs(x)), 0)
    const factor = largest > 1e-36 ? Math.fround(most / largest) : 0
    return Float32Array.from(row, x => reference.toEven(Math.fround(x * factor)) * Math.fround(largest / most))
  }

  function sum(counts: readonly number[]): number {
    return counts.reduce((total, count) => total + count, 0)
  }
})
