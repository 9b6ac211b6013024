/**
 * The CPU backend's machine written plainly: every op of web/src/engine/simd/ops.ts in scalar TypeScript, one token at a
 * time, in the order of its definition. What the kernels are compared with, and what programs are tested on in Node.
 *
 * Sums are float64 here, so it agrees with the kernels but for rounding. Layouts that the machine calls its own are plain:
 * matrices as in the bundle, rounded rows as the float32 that they stand for, caches as
 * integers, [kvHeads, capacity] rows of headDim and their scale.
 */
import { EngineError } from '../../../web/src/engine/errors.ts'
import { checkOp } from '../../../web/src/engine/simd/check.ts'
import {
  type Cache,
  type Machine,
  type Matrix,
  OP_WORDS,
  type Op,
  type OpList,
  quantizedRowBytes,
  type Rows,
  type RunShape,
} from '../../../web/src/engine/simd/ops.ts'
import { ACTIVATIONS, at, dot, fromFloat16, roundEven, sum } from './numbers.ts'

const PAGE_BYTES = 65_536
const ALIGNMENT = 256
const BLOCK = 32

export interface ReferenceOptions {
  memoryBytes: number
  maxTokens: number
  /** False: matrices take their input as it is, and caches keep float32, as PyTorch would. */
  rounds?: boolean
}

export function referenceMachine({ memoryBytes, maxTokens, rounds = true }: ReferenceOptions): Machine {
  const pages = (bytes: number) => Math.ceil(bytes / PAGE_BYTES)
  const memory = new WebAssembly.Memory({ initial: pages(memoryBytes + 4 * maxTokens + 2 * ALIGNMENT) })
  const lists = new Map<number, readonly Op[]>()
  const kept: Kept = { matrices: new Map(), exact: rounds ? null : new Map() }
  let next = ALIGNMENT // nothing is at 0
  const allocate = (bytes: number) => {
    const address = next
    next = Math.ceil((next + bytes) / ALIGNMENT) * ALIGNMENT
    const missing = next - memory.buffer.byteLength
    if (missing > 0) memory.grow(pages(missing))
    return address
  }
  const tokens = allocate(4 * maxTokens)
  return {
    ...{ memory, build: 'simd128', threads: 1, tokens, maxTokens, allocate },
    compile(ops): OpList {
      ops.forEach(checkOp)
      const address = allocate(ops.length * OP_WORDS * 4)
      lists.set(address, ops)
      return { address, count: ops.length }
    },
    run(list, run) {
      const ops = lists.get(list.address)
      if (!ops) throw new EngineError('internal', 'This list was not compiled here.')
      const reference = new Reference(memory.buffer, { run, tokens, kept })
      for (const op of ops) reference.step(op)
      return 0
    },
    dispose() {},
  }
}

/** What goes from one run to the next beside the memory. */
interface Kept {
  /** Unpacked, by address of their values: nothing writes over weights. */
  matrices: Map<number, Float64Array>
  /** Where nothing is rounded: what was written, by address (of rounded rows, and of places in a cache). */
  exact: Map<number, Float64Array> | null
}

type ColumnOp = Extract<Op, { op: 'embed' | 'addPositions' | 'add' | 'multiply' | 'scale' | 'softCap' | 'activate' }>

interface Place {
  head: number
  position: number
  headDim: number
}

/** One run over the memory as it is now. */
class Reference {
  readonly #f32: Float32Array
  readonly #i32: Int32Array
  readonly #i8: Int8Array
  readonly #i16: Int16Array
  readonly #u16: Uint16Array
  readonly #run: RunShape
  readonly #tokens: number
  readonly #kept: Kept

  constructor(buffer: ArrayBufferLike, options: { run: RunShape; tokens: number; kept: Kept }) {
    this.#f32 = new Float32Array(buffer)
    this.#i32 = new Int32Array(buffer)
    this.#i8 = new Int8Array(buffer)
    this.#i16 = new Int16Array(buffer)
    this.#u16 = new Uint16Array(buffer)
    this.#run = options.run
    this.#tokens = options.tokens
    this.#kept = options.kept
  }

  step(op: Op): void {
    const { tokens, outputs } = this.#run
    if (op.op === 'pack') return
    if (op.op === 'matmul') this.#matmul(op, op.rows === 'outputs' ? outputs : tokens)
    else {
      // `pickRows` runs over all tokens, from the first on: nothing is overwritten before it is read.
      const count = op.rows === 'outputs' && op.op !== 'pickRows' ? outputs : tokens
      for (let row = 0; row < count; row++) this.#row(op, row)
    }
  }

  #row(op: Exclude<Op, { op: 'pack' | 'matmul' }>, row: number): void {
    const position = this.#run.position + row
    switch (op.op) {
      case 'embed':
      case 'addPositions':
      case 'add':
      case 'multiply':
      case 'scale':
      case 'softCap':
      case 'activate':
        this.#write(op.to, row, this.#columns(op, row, position))
        break
      case 'norm':
        this.#norm(op, row)
        break
      case 'quantize':
        this.#quantize(op, row)
        break
      case 'rotary':
        this.#rotary(op, row, position)
        break
      case 'append':
        this.#append(op, row, position)
        break
      case 'attention':
        this.#attention(op, row, position)
        break
      case 'pickRows':
        this.#pick(op, row)
        break
      case 'read':
        break
    }
  }

  /** The ops that compute column by column. */
  #columns(op: ColumnOp, row: number, position: number): ArrayLike<number> {
    switch (op.op) {
      case 'embed': {
        const { matrix, factor = 1 } = op
        return this.#weights(matrix, this.#i32[this.#tokens / 4 + row] ?? 0).map(weight => weight * factor)
      }
      case 'addPositions': {
        const table = this.#floats(op.table + 4 * position * op.width, op.width)
        return this.#read(op.from, row, op.width).map((x, i) => x + at(table, i))
      }
      case 'add':
      case 'multiply': {
        const right = this.#read(op.right, row, op.width)
        const plus = op.op === 'add'
        return this.#read(op.left, row, op.width).map((x, i) => (plus ? x + at(right, i) : x * at(right, i)))
      }
      case 'scale':
        return this.#read(op.from, row, op.width).map(x => x * op.factor)
      case 'softCap':
        return this.#read(op.from, row, op.width).map(x => op.limit * Math.tanh(x / op.limit))
      case 'activate': {
        const gated = op.gated && this.#read(op.gated, row, op.width)
        const activated = this.#read(op.from, row, op.width).map(ACTIVATIONS[op.kind])
        return gated ? activated.map((x, i) => x * at(gated, i)) : activated
      }
    }
  }

  #norm(op: Extract<Op, { op: 'norm' }>, row: number): void {
    const { width, groups, epsilon, kind } = op
    const weight = this.#floats(op.weight, width)
    const bias = op.bias === 0 ? null : this.#floats(op.bias, width)
    const from = this.#read(op.from, row, width * groups)
    const to = from.map((_, index) => {
      const group = from.subarray(index - (index % width), index - (index % width) + width)
      const mean = kind === 'layer' ? sum(group) / width : 0
      const variance = sum(group.map(x => (x - mean) ** 2)) / width
      const column = index % width
      const normed = ((at(from, index) - mean) / Math.sqrt(variance + epsilon)) * at(weight, column)
      return normed + (bias ? at(bias, column) : 0)
    })
    this.#write(op.to, row, to)
  }

  /** Rounded, and in a block where one number stands out, what rounding left out is rounded again and added. */
  #quantize({ from, to, width }: Extract<Op, { op: 'quantize' }>, row: number): void {
    const values = this.#read(from, row, width)
    const address = to + row * quantizedRowBytes(width)
    this.#kept.exact?.set(address, Float64Array.from(values))
    for (let start = 0; start < width; start += BLOCK) {
      const block = values.slice(start, start + BLOCK)
      const first = roundedBlock(block)
      const rest = roundedBlock(block.map((x, i) => x - at(first, i)))
      const stands = Math.max(...block.map(Math.abs)) > 4.5 * Math.sqrt(sum(block.map(x => x * x)) / BLOCK)
      this.#f32.set(stands ? first.map((x, i) => x + at(rest, i)) : first, address / 4 + start)
    }
  }

  #rounded(from: number, row: number, width: number): Float64Array {
    const address = from + row * quantizedRowBytes(width)
    return this.#kept.exact?.get(address) ?? Float64Array.from(this.#f32.subarray(address / 4, address / 4 + width))
  }

  #matmul({ from, matrix, bias, plus, to }: Extract<Op, { op: 'matmul' }>, count: number): void {
    const rows = Array.from({ length: count }, (_, row) => ({
      input: this.#rounded(from, row, matrix.columns),
      more: plus && this.#read(plus, row, matrix.rows),
      result: new Float32Array(matrix.rows),
    }))
    for (let n = 0; n < matrix.rows; n++) {
      const weights = this.#weights(matrix, n)
      for (const { input, more, result } of rows) {
        const product = dot(weights, input) + (bias === 0 ? 0 : at(this.#f32, bias / 4 + n))
        result[n] = product + (more ? at(more, n) : 0)
      }
    }
    rows.forEach(({ result }, row) => {
      this.#write(to, row, result)
    })
  }

  #rotary(op: Extract<Op, { op: 'rotary' }>, row: number, position: number): void {
    const { heads, headDim, rotaryDim } = op
    const half = rotaryDim / 2
    const values = this.#read(op.at, row, heads * headDim)
    const turned = values.slice()
    for (let head = 0; head < heads; head++) {
      for (let i = 0; i < half; i++) {
        const first = head * headDim + (op.style === 'half' ? i : 2 * i)
        const second = first + (op.style === 'half' ? half : 1)
        const cos = at(this.#f32, op.cos / 4 + position * half + i)
        const sin = at(this.#f32, op.sin / 4 + position * half + i)
        turned[first] = at(values, first) * cos - at(values, second) * sin
        turned[second] = at(values, second) * cos + at(values, first) * sin
      }
    }
    this.#write(op.at, row, turned)
  }

  #append(
    { keys, values, cache, kvHeads, headDim }: Extract<Op, { op: 'append' }>,
    row: number,
    position: number,
  ): void {
    for (const kind of ['keys', 'values'] as const) {
      const heads = this.#read(kind === 'keys' ? keys : values, row, kvHeads * headDim)
      for (let head = 0; head < kvHeads; head++) {
        const own = heads.subarray(head * headDim, (head + 1) * headDim)
        const { integers, scale, start } = this.#places(kind, cache, { head, position, headDim })
        const largest = own.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
        const most = kind === 'keys' ? 2047 : 127
        integers.set(own.map(x => (largest > 0 ? roundEven((x * most) / largest) : 0)))
        this.#f32[scale] = largest / most
        this.#kept.exact?.set(start, Float64Array.from(own))
      }
    }
  }

  /** Where a position's integers and their scale lie: 12 bits in int16, or 8 in int8, then a float32. */
  #places(kind: 'keys' | 'values', cache: Cache, { head, position, headDim }: Place) {
    const width = kind === 'keys' ? 2 : 1
    const step = headDim * width + 4
    const start = cache[kind] + (head * cache.capacity + position) * step
    const [first, last] = [start / width, start / width + headDim]
    const integers = kind === 'keys' ? this.#i16.subarray(first, last) : this.#i8.subarray(first, last)
    return { integers, scale: start / 4 + (headDim * width) / 4, start }
  }

  #cached(kind: 'keys' | 'values', cache: Cache, place: Place): Float64Array {
    const { integers, scale, start } = this.#places(kind, cache, place)
    return this.#kept.exact?.get(start) ?? Float64Array.from(integers, x => x * at(this.#f32, scale))
  }

  #attention(op: Extract<Op, { op: 'attention' }>, row: number, position: number): void {
    const { heads, kvHeads, headDim, cache, window, softCap } = op
    const query = this.#read(op.query, row, heads * headDim)
    const result = new Float32Array(heads * headDim)
    const first = window > 0 ? Math.max(0, position - window + 1) : 0
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor(head / (heads / kvHeads))
      const slope = op.slopes === 0 ? 0 : at(this.#f32, op.slopes / 4 + head)
      const own = Float64Array.from(query.subarray(head * headDim, (head + 1) * headDim))
      const scores: number[] = []
      for (let seen = first; seen <= position; seen++) {
        const key = this.#cached('keys', cache, { head: kvHead, position: seen, headDim })
        const score = op.scale * dot(key, own)
        scores.push((softCap > 0 ? softCap * Math.tanh(score / softCap) : score) + slope * (seen - position))
      }
      const highest = Math.max(...scores)
      const powers = scores.map(score => Math.exp(score - highest))
      const total = powers.reduce((a, b) => a + b, 0)
      const mixed = new Float64Array(headDim)
      powers.forEach((power, index) => {
        const value = this.#cached('values', cache, { head: kvHead, position: first + index, headDim })
        value.forEach((x, i) => {
          mixed[i] = at(mixed, i) + (power / total) * x
        })
      })
      result.set(mixed, head * headDim)
    }
    this.#write(op.to, row, result)
  }

  #pick({ from, to, width }: Extract<Op, { op: 'pickRows' }>, row: number): void {
    const { tokens, outputs } = this.#run
    const target = row - (tokens - outputs)
    if (target >= 0) this.#write(to, target, this.#read(from, row, width))
  }

  /** Row `n` of a matrix, unpacked. */
  #weights(matrix: Matrix, n: number): Float64Array {
    const { values, columns } = matrix
    const unpacked = this.#kept.matrices.get(values) ?? this.#unpack(matrix)
    this.#kept.matrices.set(values, unpacked)
    return unpacked.subarray(n * columns, (n + 1) * columns)
  }

  #unpack({ values, scales, rows, columns }: Matrix): Float64Array {
    const steps = Float64Array.from(this.#u16.subarray(scales / 2, scales / 2 + (rows * columns) / BLOCK), fromFloat16)
    return Float64Array.from(this.#i8.subarray(values, values + rows * columns), (value, index) => {
      return value * at(steps, Math.floor(index / BLOCK))
    })
  }

  #floats(address: number, count: number): Float32Array {
    return this.#f32.subarray(address / 4, address / 4 + count)
  }

  /** A copy: a result may go over what it is made of. */
  #read({ address, stride }: Rows, row: number, width: number): Float32Array {
    return this.#floats(address + 4 * row * stride, width).slice()
  }

  #write({ address, stride }: Rows, row: number, values: ArrayLike<number>): void {
    this.#f32.set(values, address / 4 + row * stride)
  }
}

/** What 8 bits and a scale make of some numbers. */
function roundedBlock(numbers: Float32Array): Float32Array {
  const scale = Math.fround(numbers.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127)
  return numbers.map(x => (scale === 0 ? 0 : roundEven(x / scale) * scale))
}
