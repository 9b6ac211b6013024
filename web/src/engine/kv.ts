/**
 * The KV cache: one buffer per layer for keys and one for values, [1, heads, capacity, headDim], in the WASM heap or on
 * the GPU. GroupQueryAttention gets the same buffer as past and as present and writes new positions in place. Capacity
 * grows in steps; growing copies what is there, head by head, since a longer buffer moves every head but the first.
 * Where there is no memory for a step it grows by little, and where there is none for that it stays as it is, and sound.
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
  /** Positions. */
  capacity: number
  tensor: OrtTensor
  /** Null in the WASM heap. */
  buffer: GPUBuffer | null
}

const CAPACITY_STEPS = [1024, 4096, 16384, 65536]
/** Growth where the next step does not fit. */
const SMALL_STEP = 256

export class KvCache {
  readonly #runner: OrtRunner
  readonly #shape: KvShape
  readonly #device: GPUDevice | null
  readonly #contextLength: number
  /** Keys and values of each layer. Layers are of equal capacity, but for a growth that found no memory half-way. */
  readonly #layers: ([Slot, Slot] | null)[]
  #generation = 0

  constructor(runner: OrtRunner, shape: KvShape, place: { device: GPUDevice | null; contextLength: number }) {
    this.#runner = runner
    this.#shape = shape
    this.#device = place.device
    this.#contextLength = place.contextLength
    this.#layers = new Array(shape.layers).fill(null)
  }

  /** Positions that fit now; the cache starts with none. */
  get capacity(): number {
    return this.#layers.reduce((least, layer) => Math.min(least, layer?.[0].capacity ?? 0), Number.POSITIVE_INFINITY)
  }

  /** Changes whenever buffers do. */
  get generation(): number {
    return this.#generation
  }

  /** Gives the buffers to another runner of the same graph; to be done again in every generation. */
  bindTo(runner: OrtRunner): void {
    for (const layer of this.#layers) {
      for (const { past, present, tensor } of layer ?? []) {
        runner.setInput(past, tensor)
        runner.setOutput(present, tensor)
      }
    }
  }

  /**
   * Makes room for `positions`, keeping the first `filled` ones.
   * @throws EngineError 'out-of-memory', with everything as it was
   */
  async reserve(positions: number, filled: number): Promise<void> {
    if (positions <= this.capacity) return
    const most = Math.max(positions, Math.min(this.#contextLength, this.#largestBuffer()))
    const step = CAPACITY_STEPS.find(size => size >= positions) ?? most
    const small = Math.ceil(positions / SMALL_STEP) * SMALL_STEP
    for (const size of [step, small]) if (await this.#grow(Math.min(size, most), filled)) return
    throw new EngineError('out-of-memory', { kind: 'no-memory-for-text', tokens: positions })
  }

  get bytesPerPosition(): number {
    return 2 * this.#shape.layers * this.#shape.heads * this.#rowBytes
  }

  /** A copy of the first `filled` positions, behind one another as they lie here; null where there is no memory for it. */
  async copyOut(filled: number): Promise<KvCopy | null> {
    const bytes = filled * this.bytesPerPosition
    const copy = this.#device ? await gpuCopy(this.#device, bytes, filled) : heapCopy(bytes, filled)
    if (copy) this.#exchange(copy, filled, 'out')
    return copy
  }

  /** Puts the first `positions` of a copy here. @throws EngineError 'out-of-memory' */
  async copyIn(copy: KvCopy, positions: number): Promise<void> {
    await this.reserve(positions, 0)
    this.#exchange(copy, positions, 'in')
  }

  #exchange({ heap, buffer, positions }: KvCopy, count: number, way: 'in' | 'out'): void {
    const encoder = this.#device?.createCommandEncoder()
    const bytes = count * this.#rowBytes
    let at = 0
    for (const slot of this.#layers.flatMap(layer => layer ?? [])) {
      for (let head = 0; head < this.#shape.heads; head++, at += positions * this.#rowBytes) {
        const here = head * slot.capacity * this.#rowBytes
        if (encoder && buffer && slot.buffer) {
          if (way === 'out') encoder.copyBufferToBuffer(slot.buffer, here, buffer, at, bytes)
          else encoder.copyBufferToBuffer(buffer, at, slot.buffer, here, bytes)
        } else if (heap) {
          const own = this.#runner.bytes(slot.tensor).subarray(here, here + bytes)
          if (way === 'out') heap.set(own, at)
          else own.set(heap.subarray(at, at + bytes))
        }
      }
    }
    if (encoder) this.#device?.queue.submit([encoder.finish()])
  }

  get #rowBytes(): number {
    return this.#shape.headDim * elementBytes(this.#shape.type)
  }

  dispose(): void {
    for (const layer of this.#layers) for (const slot of layer ?? []) release(slot)
    this.#layers.fill(null)
  }

  /** Layer by layer, so that at no time two whole caches are in memory; false where there is none for one of them. */
  async #grow(capacity: number, filled: number): Promise<boolean> {
    for (const [index, old] of this.#layers.entries()) {
      if (old && old[0].capacity >= capacity) continue
      // GroupQueryAttention wants both of one length: neither changes without the other.
      const key = await this.#allocate(`${index}.key`, capacity)
      const value = key && (await this.#allocate(`${index}.value`, capacity))
      if (!key || !value) {
        if (key) release(key)
        return false
      }
      const layer: [Slot, Slot] = [key, value]
      for (const [part, slot] of layer.entries()) {
        const previous = old?.[part]
        if (previous) {
          this.#copy(previous, slot, filled)
          release(previous)
        }
        this.#runner.setInput(slot.past, slot.tensor)
        this.#runner.setOutput(slot.present, slot.tensor)
      }
      this.#layers[index] = layer
      this.#generation++
    }
    return true
  }

  /** Positions in the largest buffer that the device takes. */
  #largestBuffer(): number {
    if (!this.#device) return Number.POSITIVE_INFINITY
    const { maxBufferSize, maxStorageBufferBindingSize } = this.#device.limits
    const { heads, headDim, type } = this.#shape
    return Math.floor(Math.min(maxBufferSize, maxStorageBufferBindingSize) / (heads * headDim * elementBytes(type)))
  }

  async #allocate(part: string, capacity: number): Promise<Slot | null> {
    const { heads, headDim, type } = this.#shape
    const names = { past: `past_key_values.${part}`, present: `present.${part}`, capacity }
    const dims = [1, heads, capacity, headDim]
    const device = this.#device
    if (!device) {
      const tensor = this.#runner.tryHeapTensor(type, dims)
      return tensor && { ...names, tensor, buffer: null }
    }
    const size = Math.ceil((heads * capacity * headDim * elementBytes(type)) / 16) * 16
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
    device.pushErrorScope('out-of-memory')
    const buffer = device.createBuffer({ size, usage })
    if (await device.popErrorScope()) {
      buffer.destroy()
      return null
    }
    return { ...names, tensor: this.#runner.gpuTensor(type, dims, buffer), buffer }
  }

  #copy(source: Slot, target: Slot, positions: number): void {
    const rowBytes = this.#rowBytes
    const bytes = positions * rowBytes
    if (bytes === 0) return
    const encoder = this.#device?.createCommandEncoder()
    for (let head = 0; head < this.#shape.heads; head++) {
      const from = head * source.capacity * rowBytes
      const to = head * target.capacity * rowBytes
      if (encoder && source.buffer && target.buffer) {
        encoder.copyBufferToBuffer(source.buffer, from, target.buffer, to, bytes)
      } else {
        this.#runner.bytes(target.tensor).set(this.#runner.bytes(source.tensor).subarray(from, from + bytes), to)
      }
    }
    if (encoder) this.#device?.queue.submit([encoder.finish()])
  }
}

/** Keys and values outside of the cache: of `positions` positions, layer by layer, head by head. */
export interface KvCopy {
  positions: number
  bytes: number
  /** One of the two is null. */
  heap: Uint8Array | null
  buffer: GPUBuffer | null
}

function heapCopy(bytes: number, positions: number): KvCopy | null {
  try {
    return { positions, bytes, heap: new Uint8Array(bytes), buffer: null }
  } catch {
    return null
  }
}

async function gpuCopy(device: GPUDevice, bytes: number, positions: number): Promise<KvCopy | null> {
  if (bytes > device.limits.maxBufferSize) return null
  device.pushErrorScope('out-of-memory')
  const buffer = device.createBuffer({ size: bytes, usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST })
  if (await device.popErrorScope()) {
    buffer.destroy()
    return null
  }
  return { positions, bytes, heap: null, buffer }
}

function release({ tensor, buffer }: Slot): void {
  tensor.release()
  buffer?.destroy()
}

/** @throws EngineError 'bad-manifest' where the graph lacks an input that the cache feeds */
export function checkKvInputs(inputNames: readonly string[], layers: number): void {
  const missing = `past_key_values.${layers - 1}.value`
  if (inputNames.includes(missing) && !inputNames.includes(`past_key_values.${layers}.value`)) return
  throw new EngineError('bad-manifest', { kind: 'other-layers', layers })
}
