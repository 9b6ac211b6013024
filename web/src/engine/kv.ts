/**
 * The KV cache: one buffer per layer for keys and one for values, [1, heads, capacity, headDim], in the WASM heap or on
 * the GPU. GroupQueryAttention gets the same buffer as past and as present and writes new positions in place. Capacity
 * grows in steps; growing copies what is there, head by head, since a longer buffer moves every head but the first.
 */
import { EngineError } from './errors.ts'
import { elementBytes, type OrtRunner, type OrtTensor } from './ort-module.ts'

export interface KvShape {
  layers: number
  heads: number
  headDim: number
  type: 'float16' | 'float32'
}

interface Slot {
  past: string
  present: string
  tensor: OrtTensor
  /** Null in the WASM heap. */
  buffer: GPUBuffer | null
}

const CAPACITY_STEPS = [1024, 4096, 16384, 65536]

export class KvCache {
  readonly #runner: OrtRunner
  readonly #shape: KvShape
  readonly #device: GPUDevice | null
  readonly #contextLength: number
  #slots: Slot[] = []
  #capacity = 0

  constructor(runner: OrtRunner, shape: KvShape, place: { device: GPUDevice | null; contextLength: number }) {
    this.#runner = runner
    this.#shape = shape
    this.#device = place.device
    this.#contextLength = place.contextLength
    this.reserve(1, 0)
  }

  /** Makes room for `positions`, keeping the first `filled` ones. */
  reserve(positions: number, filled: number): void {
    if (positions <= this.#capacity) return
    const step = CAPACITY_STEPS.find(size => size >= positions) ?? positions
    const capacity = Math.max(positions, Math.min(step, this.#contextLength))
    const old = { slots: this.#slots, capacity: this.#capacity }
    const names = old.slots.length > 0 ? old.slots : this.#names()
    const fresh: Slot[] = []
    // Slot by slot, so that at no time two whole caches are in memory.
    names.forEach((name, index) => {
      const slot = this.#allocate(name, capacity)
      const previous = old.slots[index]
      if (previous) {
        this.#copy(previous, slot, { from: old.capacity, to: capacity, positions: filled })
        release(previous)
      }
      this.#runner.setInput(slot.past, slot.tensor)
      this.#runner.setOutput(slot.present, slot.tensor)
      fresh.push(slot)
    })
    this.#slots = fresh
    this.#capacity = capacity
  }

  dispose(): void {
    for (const slot of this.#slots) release(slot)
    this.#slots = []
  }

  #names(): { past: string; present: string }[] {
    const layers = Array.from({ length: this.#shape.layers }, (_, layer) => layer)
    return layers.flatMap(layer =>
      ['key', 'value'].map(part => ({ past: `past_key_values.${layer}.${part}`, present: `present.${layer}.${part}` })),
    )
  }

  #allocate({ past, present }: { past: string; present: string }, capacity: number): Slot {
    const { heads, headDim, type } = this.#shape
    const dims = [1, heads, capacity, headDim]
    if (!this.#device) return { past, present, tensor: this.#runner.heapTensor(type, dims), buffer: null }
    const size = Math.ceil((heads * capacity * headDim * elementBytes(type)) / 16) * 16
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
    const buffer = this.#device.createBuffer({ size, usage })
    return { past, present, tensor: this.#runner.gpuTensor(type, dims, buffer), buffer }
  }

  #copy(source: Slot, target: Slot, span: { from: number; to: number; positions: number }): void {
    const rowBytes = this.#shape.headDim * elementBytes(this.#shape.type)
    const bytes = span.positions * rowBytes
    if (bytes === 0) return
    const encoder = this.#device?.createCommandEncoder()
    for (let head = 0; head < this.#shape.heads; head++) {
      const from = head * span.from * rowBytes
      const to = head * span.to * rowBytes
      if (encoder && source.buffer && target.buffer) {
        encoder.copyBufferToBuffer(source.buffer, from, target.buffer, to, bytes)
      } else {
        this.#runner.bytes(target.tensor).set(this.#runner.bytes(source.tensor).subarray(from, from + bytes), to)
      }
    }
    if (encoder) this.#device?.queue.submit([encoder.finish()])
  }
}

function release({ tensor, buffer }: Slot): void {
  tensor.release()
  buffer?.destroy()
}

/** @throws EngineError 'bad-manifest' where the graph lacks an input that the cache feeds */
export function checkKvInputs(inputNames: readonly string[], layers: number): void {
  const missing = `past_key_values.${layers - 1}.value`
  if (inputNames.includes(missing) && !inputNames.includes(`past_key_values.${layers}.value`)) return
  const message = `The model's graph does not have ${layers} layers as its manifest says. Export the bundle again.`
  throw new EngineError('bad-manifest', message)
}
