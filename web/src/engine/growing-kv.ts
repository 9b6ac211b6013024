/**
 * The KV cache of graphs that concatenate: every run reads a past of [1, heads, past, headDim] and writes a present one
 * run longer. Two sets of buffers take turns, larger than what they hold, so that hardly any run allocates: what one run
 * wrote the next one reads.
 */
import { EngineError } from './errors.ts'
import { elementBytes, type OrtRunner, type OrtTensor } from './ort-module.ts'

export interface GrowingKvShape {
  /** Names of the graph's inputs and outputs, in the same order. */
  past: readonly string[]
  present: readonly string[]
  heads: number
  headDim: number
  type: 'float16' | 'float32'
}

/** Bytes in the WASM heap or on the GPU that one past or present lies in. */
type Memory = { heap: OrtTensor; buffer: null } | { heap: null; buffer: GPUBuffer }

interface Side {
  /** Positions. */
  capacity: number
  memory: Memory[]
}

/** Positions by which buffers grow. */
const STEP = 256

export class GrowingKv {
  readonly #runner: OrtRunner
  readonly #device: GPUDevice | null
  readonly #shape: GrowingKvShape
  #full: Side = { capacity: 0, memory: [] }
  #spare: Side = { capacity: 0, memory: [] }
  /** Positions in `#full`. */
  #filled = 0
  /** Handles of the run that is bound. */
  #bound: OrtTensor[] = []

  constructor(runner: OrtRunner, device: GPUDevice | null, shape: GrowingKvShape) {
    this.#runner = runner
    this.#device = device
    this.#shape = shape
  }

  /** Binds a run that reads the first `past` positions and writes `total`. */
  bind(past: number, total: number): void {
    this.#unbind()
    if (past < this.#filled) this.#shorten(past)
    if (this.#spare.capacity < total) {
      release(this.#spare)
      this.#spare = { capacity: 0, memory: [] } // were allocating to fail, nothing would be released twice
      this.#spare = this.#allocate(Math.ceil(total / STEP) * STEP)
    }
    for (const [index, name] of this.#shape.past.entries()) {
      this.#runner.setInput(name, this.#keep(this.#view(this.#full.memory[index], past)))
      this.#runner.setOutput(this.#shape.present[index] ?? '', this.#keep(this.#view(this.#spare.memory[index], total)))
    }
  }

  /** The bound run went well: what it wrote is what the next one reads. */
  advance(total: number): void {
    this.#unbind()
    const written = this.#spare
    this.#spare = this.#full
    this.#full = written
    this.#filled = total
  }

  dispose(): void {
    this.#unbind()
    release(this.#full)
    release(this.#spare)
  }

  #unbind(): void {
    for (const tensor of this.#bound) tensor.release()
    this.#bound = []
  }

  #keep(tensor: OrtTensor): OrtTensor {
    this.#bound.push(tensor)
    return tensor
  }

  #view(memory: Memory | undefined, positions: number): OrtTensor {
    const { heads, headDim, type } = this.#shape
    const dims = [1, heads, positions, headDim]
    if (!memory || positions === 0) return this.#runner.heapTensor(type, dims) // of no bytes, wherever the rest is
    return memory.heap
      ? this.#runner.heapView(memory.heap, type, dims)
      : this.#runner.gpuTensor(type, dims, memory.buffer)
  }

  #allocate(capacity: number): Side {
    const { heads, headDim, type, past } = this.#shape
    const size = Math.ceil((heads * capacity * headDim * elementBytes(type)) / 16) * 16
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
    const memory = past.map((): Memory => {
      if (this.#device) return { heap: null, buffer: this.#device.createBuffer({ size, usage }) }
      return { heap: this.#runner.heapTensor(type, [1, heads, capacity, headDim]), buffer: null }
    })
    return { capacity, memory }
  }

  /** Leaves the first `positions`: every head but the first moves, so they go to the other side. */
  #shorten(positions: number): void {
    if (positions > 0) {
      if (this.#spare.capacity < positions) {
        release(this.#spare)
        this.#spare = this.#allocate(Math.ceil(positions / STEP) * STEP)
      }
      this.#copy(positions)
      this.advance(positions)
    }
    this.#filled = positions
  }

  #copy(positions: number): void {
    const { heads, headDim, type } = this.#shape
    const row = headDim * elementBytes(type)
    const encoder = this.#device?.createCommandEncoder()
    for (const [index, source] of this.#full.memory.entries()) {
      const target = this.#spare.memory[index]
      for (let head = 0; head < heads; head++) {
        const from = head * this.#filled * row
        const to = head * positions * row
        if (source.buffer && target?.buffer) {
          encoder?.copyBufferToBuffer(source.buffer, from, target.buffer, to, positions * row)
        } else if (source.heap && target?.heap) {
          const bytes = this.#runner.bytes(source.heap).subarray(from, from + positions * row)
          this.#runner.bytes(target.heap).set(bytes, to)
        }
      }
    }
    if (encoder) this.#device?.queue.submit([encoder.finish()])
  }
}

function release({ memory }: Side): void {
  for (const { heap, buffer } of memory) {
    heap?.release()
    buffer?.destroy()
  }
}

/** @throws EngineError 'unsupported' where the graph's cache is not one key and one value per layer */
export function growingShape(
  inputs: readonly { name: string; type: string; shape: readonly (number | string)[] }[],
): GrowingKvShape {
  const past = inputs.filter(({ name }) => /^past_key_values\.\d+\.(key|value)$/.test(name))
  const [, heads, , headDim] = past[0]?.shape ?? []
  const type = past[0]?.type
  const same = past.every(({ shape }) => shape[1] === heads && shape[3] === headDim)
  if (typeof heads !== 'number' || typeof headDim !== 'number' || !same || (type !== 'float16' && type !== 'float32')) {
    throw new EngineError('unsupported', { kind: 'no-cache' })
  }
  const names = past.map(({ name }) => name)
  return { past: names, present: names.map(name => name.replace('past_key_values', 'present')), heads, headDim, type }
}
