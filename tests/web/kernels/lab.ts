/** A machine with things to compute in its memory: what the tests of kernels put in and read back. */
import { type MachineOptions, openMachine } from '../../../web/src/engine/simd/machine.ts'
import {
  type Cache,
  cacheBytes,
  type Machine,
  type Matrix,
  matrixBytes,
  type Op,
  paddedWidth,
  quantizedRowBytes,
  type Rows,
  type RunShape,
} from '../../../web/src/engine/simd/ops.ts'
import type { Random } from './random.ts'
import { half, halfBits, type Weights } from './reference.ts'

export async function openLab(options: Partial<MachineOptions> = {}): Promise<Lab> {
  return new Lab(await openMachine({ threads: 1, memoryBytes: 64 * 2 ** 20, maxTokens: 64, ...options }))
}

export class Lab {
  readonly machine: Machine

  constructor(machine: Machine) {
    this.machine = machine
  }

  floats(address: number, count: number): Float32Array {
    return new Float32Array(this.machine.memory.buffer, address, count)
  }

  put(numbers: ArrayLike<number>): number {
    const address = this.machine.allocate(numbers.length * 4)
    this.floats(address, numbers.length).set(numbers)
    return address
  }

  /** Room for rows of `width`, with `gap` floats between them, and something in it that must be overwritten. */
  empty(count: number, width: number, gap = 0): Rows {
    const stride = paddedWidth(width) + gap
    const address = this.machine.allocate(count * stride * 4)
    this.floats(address, count * stride).fill(7)
    return { address, stride }
  }

  rows(rows: readonly ArrayLike<number>[], gap = 0): Rows {
    const value = this.empty(rows.length, rows[0]?.length ?? 0, gap)
    rows.forEach((row, index) => {
      this.floats(value.address + index * value.stride * 4, row.length).set(row)
    })
    return value
  }

  /** Copies of the first `count` rows. */
  read({ address, stride }: Rows, count: number, width: number): Float32Array[] {
    return Array.from({ length: count }, (_, row) => this.floats(address + row * stride * 4, width).slice())
  }

  /** A packed matrix. */
  matrix({ values, scales, rows, columns }: Weights): Matrix {
    const bytes = matrixBytes({ rows, columns })
    const matrix = {
      values: this.machine.allocate(bytes.values),
      scales: this.machine.allocate(bytes.scales),
      rows,
      columns,
    }
    new Int8Array(this.machine.memory.buffer, matrix.values, values.length).set(values)
    new Uint16Array(this.machine.memory.buffer, matrix.scales, scales.length).set(Array.from(scales, halfBits))
    this.run([{ op: 'pack', matrix }])
    return matrix
  }

  quantizedRows(count: number, width: number): number {
    return this.machine.allocate(count * quantizedRowBytes(width))
  }

  cache(shape: { kvHeads: number; capacity: number; headDim: number }): Cache {
    const place = (kind: 'keys' | 'values') => this.machine.allocate(cacheBytes({ ...shape, kind }))
    return { keys: place('keys'), values: place('values'), capacity: shape.capacity }
  }

  run(ops: readonly Op[], shape: Partial<RunShape> = {}): void {
    const { tokens = 1, position = 0, outputs = 1 } = shape
    this.machine.run(this.machine.compile(ops), { tokens, position, outputs })
  }
}

/** Weights of a layer: mostly small scales, some subnormal in float16, some rows of zeros. */
export function someWeights(
  numbers: Random,
  rows: number,
  columns: number,
  range: readonly [number, number] = [-127, 127],
) {
  const scales = Float64Array.from({ length: (rows * columns) / 32 }, () => {
    const kind = numbers.uniform()
    return half(
      kind < 0.05 ? 0 : kind < 0.1 ? numbers.uniform() * 2 ** -15 : kind < 0.12 ? 900 : numbers.uniform() / 100,
    )
  })
  return { values: numbers.bytes(rows * columns, ...range), scales, rows, columns } satisfies Weights
}

/** The largest difference, as a share of the largest number that was expected. */
export function relativeError(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  let most = 1e-30
  let error = 0
  for (let index = 0; index < expected.length; index++) {
    const difference = Math.abs((got[index] ?? Number.NaN) - (expected[index] ?? Number.NaN))
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY
    error = Math.max(error, difference)
    most = Math.max(most, Math.abs(expected[index] ?? 0))
  }
  return error / most
}
