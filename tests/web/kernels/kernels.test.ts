/** Every kernel against plain double precision, over odd sizes and extreme numbers; one thread, plain SIMD128. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Op, quantizedRowBytes, type Rows } from '../../../web/src/engine/simd/ops.ts'
import { type Lab, openLab, relativeError, someWeights } from './lab.ts'
import { random, rowsOf } from './random.ts'
import * as reference from './reference.ts'

let lab: Lab
beforeAll(async () => {
  lab = await openLab({ build: 'simd128' })
}, 60_000) // compiles the kernels where they are new
afterAll(() => lab.machine.dispose())

const EXTREMES = [0, -0, 1e-40, -1e-40, 1e-30, 3e4, -3e4, 1e9, -1e9, 88, -88, 104, -104]

describe('matrix products', () => {
  const sizes = [
    [1, 32, 1],
    [3, 32, 2],
    [8, 64, 3],
    [9, 96, 4],
    [31, 160, 5],
    [40, 32, 6],
    [57, 576, 7],
    [16, 1536, 9],
    [129, 64, 13],
  ] as const
  test.each(sizes)('%i × %i with %i tokens', (rows, columns, tokens) => {
    const numbers = random(rows * columns + tokens)
    const weights = someWeights(numbers, rows, columns)
    const x = Array.from({ length: tokens }, () => numbers.floats(columns, 10 ** numbers.integer(-3, 3)))
    const got = multiply(weights, x, { bias: null, plus: null })
    for (let token = 0; token < tokens; token++)
      expect(relativeError(got[token] ?? [], reference.product(weights, x[token] ?? [], 'shorts'))).toBeLessThan(2e-6)
  })

  test('bias and residual are added, in place too', () => {
    const numbers = random(5)
    const weights = someWeights(numbers, 11, 64)
    const x = [numbers.floats(64), numbers.floats(64)]
    const bias = numbers.floats(16)
    const plus = [numbers.floats(11), numbers.floats(11)]
    const got = multiply(weights, x, { bias, plus })
    x.forEach((row, token) => {
      const expected = reference
        .product(weights, row, 'shorts')
        .map((y, n) => y + (bias[n] ?? 0) + (plus[token]?.[n] ?? 0))
      expect(relativeError(got[token] ?? [], expected)).toBeLessThan(2e-6)
    })
  })

  test('the largest sums that there can be are exact', () => {
    const columns = 64
    const extremes = {
      values: new Int8Array(8 * columns).fill(-127),
      scales: new Float64Array(16).fill(1),
      rows: 8,
      columns,
    }
    const got = multiply(extremes, [new Float32Array(columns).fill(-127)], { bias: null, plus: null })
    expect(Array.from(got[0] ?? [])).toEqual(new Array(8).fill(127 * 127 * columns))
  })

  test('a token gives the same numbers to the last bit in any company', () => {
    const numbers = random(6)
    const weights = someWeights(numbers, 24, 192)
    const x = Array.from({ length: 7 }, () => numbers.floats(192))
    const together = multiply(weights, x, { bias: null, plus: null })
    x.forEach((row, token) => {
      expect(multiply(weights, [row], { bias: null, plus: null })[0]).toEqual(together[token])
    })
  })

  test('rounded activations: relative error of a product with outliers stays below 0.005 %', () => {
    const numbers = random(7)
    const weights = someWeights(numbers, 64, 576)
    const row = numbers.floats(576)
    row[100] = 400 // as SmolLM2's hidden states have
    const exact = Array.from({ length: 64 }, (_, n) =>
      reference.weightRow(weights, n).reduce((sum, w, k) => sum + w * (row[k] ?? 0), 0),
    )
    expect(relativeError(multiply(weights, [row], { bias: null, plus: null })[0] ?? [], exact)).toBeLessThan(5e-5)
  })

  function multiply(
    weights: reference.Weights,
    x: readonly Float32Array[],
    more: { bias: Float32Array | null; plus: readonly Float32Array[] | null },
  ): Float32Array[] {
    const from = lab.quantizedRows(x.length, weights.columns)
    const to = more.plus ? lab.rows(more.plus, 4) : lab.empty(x.length, weights.rows, 4)
    const ops: Op[] = [
      { op: 'quantize', from: lab.rows(x, 8), to: from, width: weights.columns },
      {
        op: 'matmul',
        from,
        matrix: lab.matrix(weights),
        bias: more.bias ? lab.put(more.bias) : 0,
        plus: more.plus ? to : null,
        to,
      },
    ]
    lab.run(ops, { tokens: x.length })
    return lab.read(to, x.length, weights.rows)
  }
})

test('quantised rows: zeros, the smallest and the largest numbers', () => {
  const rows = [
    new Float32Array(64),
    Float32Array.from({ length: 64 }, (_, index) => EXTREMES[index % EXTREMES.length] ?? 0),
    new Float32Array(64).fill(3e38),
    new Float32Array(64).fill(1e-44),
    Float32Array.from({ length: 64 }, (_, index) => index - 32.5),
  ]
  const to = lab.quantizedRows(rows.length, 64)
  lab.run([{ op: 'quantize', from: lab.rows(rows), to, width: 64 }], { tokens: rows.length })
  rows.forEach((row, index) => {
    const at = to + index * quantizedRowBytes(64)
    const expected = reference.quantized(row, 32767)
    expect(Array.from(new Int16Array(lab.machine.memory.buffer, at, 64), x => x + 0)).toEqual(
      expected.values.map(x => x + 0),
    )
    expect(Array.from(lab.floats(at + 128, 2))).toEqual(expected.scales)
  })
})

test('reading: all of its bytes and none beside them', () => {
  const bytes = 3 * 65_536
  const end = lab.machine.memory.buffer.byteLength
  lab.run([{ op: 'read', address: end - bytes, bytes }]) // one byte more would be outside of the memory
  expect(() => lab.run([{ op: 'read', address: 256, bytes: bytes + 16 }])).toThrow('cannot compute with 196624 bytes')
})

test('embedding: the rows of the tokens, scaled', () => {
  const numbers = random(8)
  const weights = someWeights(numbers, 21, 96)
  const tokens = [20, 0, 7, 7, 13]
  new Int32Array(lab.machine.memory.buffer, lab.machine.tokens, 5).set(tokens)
  const to = lab.empty(5, 96)
  lab.run([{ op: 'embed', matrix: lab.matrix(weights), to, factor: 24 }], { tokens: 5 })
  lab.read(to, 5, 96).forEach((row, index) => {
    const expected = reference.weightRow(weights, tokens[index] ?? 0).map(x => x * 24)
    expect(relativeError(row, expected)).toBeLessThan(1e-6)
  })
})

describe('row by row', () => {
  const widths = [1, 3, 4, 20, 576, 1537]

  test.each(widths)('sums, products, factors of %i columns', width => {
    const numbers = random(width)
    const [left, right] = [rowsOf(numbers, 3, width), rowsOf(numbers, 3, width)]
    const ops = (to: Rows): Op[] => [
      { op: 'add', left: lab.rows(left, 4), right: lab.rows(right), to, width },
      { op: 'multiply', left: lab.rows(left), right: lab.rows(right, 8), to, width },
      { op: 'scale', from: lab.rows(left), to, width, factor: -0.3 },
    ]
    const expected = [
      (a: number, b: number) => Math.fround(a + b),
      (a: number, b: number) => Math.fround(a * b),
      (a: number) => Math.fround(a * Math.fround(-0.3)),
    ]
    expected.forEach((compute, kind) => {
      const to = lab.empty(3, width)
      const op = ops(to)[kind]
      if (op) lab.run([op], { tokens: 3 })
      const wanted = left.map((row, index) => row.map((x, column) => compute(x, right[index]?.[column] ?? 0)))
      expect(lab.read(to, 3, width)).toEqual(wanted)
    })
  })

  test.each(['silu', 'gelu', 'geluTanh', 'relu'] as const)('%s, with and without a gate', kind => {
    const numbers = random(9)
    const x = Float32Array.from([...EXTREMES, ...numbers.floats(50), ...numbers.floats(50, 5), -6.5, -12, 12, 1e-5])
    const gated = numbers.floats(x.length, 3)
    for (const gate of [null, gated]) {
      const to = lab.empty(1, x.length)
      const rows = lab.rows([x])
      lab.run([{ op: 'activate', kind, from: rows, gated: gate && lab.rows([gate]), to, width: x.length }])
      lab.read(to, 1, x.length)[0]?.forEach((y, index) => {
        const value = x[index] ?? 0
        const factor = gate?.[index] ?? 1
        const expected = reference.ACTIVATIONS[kind](value) * factor
        expect(Math.abs(y - expected)).toBeLessThanOrEqual(4e-7 * Math.abs(value * factor) + 1e-30)
      })
    }
  })

  test('soft cap', () => {
    const x = Float32Array.from([...EXTREMES, ...random(10).floats(100, 20)])
    const to = lab.empty(1, x.length)
    lab.run([{ op: 'softCap', from: lab.rows([x]), to, width: x.length, limit: 30 }])
    const expected = Array.from(x, value => 30 * Math.tanh(value / 30))
    expect(relativeError(lab.read(to, 1, x.length)[0] ?? [], expected)).toBeLessThan(4e-7)
  })

  test.each([4, 12, 64, 576])('norms of groups of %i columns', width => {
    const numbers = random(width + 1)
    const groups = 3
    const rows = rowsOf(numbers, 2, width * groups)
    rows[1]?.set(numbers.floats(width, 1e-12)) // a group that is all but zero
    const [weight, bias] = [numbers.floats(width), numbers.floats(width)]
    for (const kind of ['rms', 'layer'] as const) {
      for (const withBias of kind === 'rms' ? [false] : [false, true]) {
        const to = lab.empty(2, width * groups, 4)
        const places = { weight: lab.put(weight), bias: withBias ? lab.put(bias) : 0 }
        lab.run([{ op: 'norm', kind, from: lab.rows(rows), to, width, groups, epsilon: 1e-5, ...places }], {
          tokens: 2,
        })
        lab.read(to, 2, width * groups).forEach((row, index) => {
          for (let group = 0; group < groups; group++) {
            const part = rows[index]?.subarray(group * width, (group + 1) * width) ?? []
            const expected =
              kind === 'rms'
                ? reference.rmsNorm(part, weight, 1e-5)
                : reference.layerNorm(part, weight, { bias: withBias ? bias : null, epsilon: 1e-5 })
            expect(relativeError(row.subarray(group * width, (group + 1) * width), expected)).toBeLessThan(3e-6)
          }
        })
      }
    }
  })

  test('positions are added from where the run begins', () => {
    const numbers = random(11)
    const rows = rowsOf(numbers, 3, 20)
    const table = rowsOf(numbers, 9, 20)
    const to = lab.empty(3, 20)
    const places = { from: lab.rows(rows), to, table: lab.put(table.flatMap(row => Array.from(row))) }
    lab.run([{ op: 'addPositions', width: 20, ...places }], { tokens: 3, position: 6 })
    const expected = rows.map((row, index) => row.map((x, column) => x + (table[6 + index]?.[column] ?? 0)))
    expect(lab.read(to, 3, 20)).toEqual(expected)
  })

  test('the last rows are picked, and only they are computed from there on', () => {
    const rows = rowsOf(random(12), 5, 8)
    const [picked, scaled] = [lab.empty(5, 8), lab.empty(5, 8)]
    const ops: Op[] = [
      { op: 'pickRows', from: lab.rows(rows), to: picked, width: 8 },
      { op: 'scale', rows: 'outputs', from: picked, to: scaled, width: 8, factor: 1 },
    ]
    lab.run(ops, { tokens: 5, outputs: 2 })
    expect(lab.read(scaled, 2, 8)).toEqual(rows.slice(3))
    expect(lab.read(scaled, 3, 8)[2]).toEqual(new Float32Array(8).fill(7))
  })
})

describe('rotary positions', () => {
  test.each([
    ['half', 16, 16],
    ['half', 24, 10],
    ['interleaved', 16, 16],
    ['interleaved', 32, 6],
  ] as const)('%s, %i columns a head, %i of them turned', (style, headDim, rotaryDim) => {
    const numbers = random(headDim + rotaryDim)
    const rows = rowsOf(numbers, 3, headDim * 2)
    const [cos, sin] = [numbers.floats((rotaryDim / 2) * 8), numbers.floats((rotaryDim / 2) * 8)]
    const at = lab.rows(rows)
    lab.run([{ op: 'rotary', style, at, heads: 2, headDim, rotaryDim, cos: lab.put(cos), sin: lab.put(sin) }], {
      ...{ tokens: 3, position: 5 },
    })
    lab.read(at, 3, headDim * 2).forEach((row, token) => {
      const part = (table: Float32Array) => table.subarray((5 + token) * (rotaryDim / 2), (6 + token) * (rotaryDim / 2))
      for (const head of [0, 1]) {
        const before = rows[token]?.subarray(head * headDim, (head + 1) * headDim) ?? []
        const expected = reference.turned(before, { cos: part(cos), sin: part(sin), style })
        expect(relativeError(row.subarray(head * headDim, (head + 1) * headDim), expected)).toBeLessThan(1e-6)
      }
    })
  })
})
