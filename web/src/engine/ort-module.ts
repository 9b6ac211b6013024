/**
 * The part of ONNX Runtime's WASM module that a run needs, and a thin wrapper that makes it safe to use.
 *
 * Why not `InferenceSession.run`: onnxruntime-web 1.30.0 copies every CPU input into the WASM heap and every CPU output
 * out of it, so a KV cache of 60 tensors would cross twice per token, and it makes 120 tensor handles per run on the
 * GPU. These are the exports that its own wasm-core-impl.ts calls; the version is pinned and every load is followed by
 * a numeric self-test. Pointers are bytes from the start of the heap; the build is 32-bit.
 */
import { EngineError } from './errors.ts'
import { explain } from './explain.ts'

export interface OrtModule {
  readonly HEAPU8: Uint8Array
  _malloc(bytes: number): number
  _free(pointer: number): void
  getValue(pointer: number, type: '*' | 'i32'): number
  setValue(pointer: number, value: number, type: '*' | 'i32'): void
  lengthBytesUTF8(text: string): number
  stringToUTF8(text: string, pointer: number, maxBytes: number): void
  UTF8ToString(pointer: number): string
  _OrtCreateTensor(type: number, data: number, bytes: number, dims: number, rank: number, location: number): number
  _OrtReleaseTensor(tensor: number): number
  _OrtCreateRunOptions(severity: number, verbosity: number, terminate: boolean, tag: number): number
  _OrtReleaseRunOptions(options: number): number
  _OrtAddRunConfigEntry(options: number, key: number, value: number): number
  /** Synchronous in the CPU build, a promise in the GPU builds. */
  _OrtRun(
    ...args: [session: number, inputNames: number, inputs: number, inputCount: number, ...OutputArgs]
  ): MaybePromise
  _OrtGetLastError(code: number, message: number): number
  webgpuRegisterBuffer?(buffer: GPUBuffer, session: number): number
  webgpuUnregisterBuffer?(buffer: GPUBuffer): void
}

type OutputArgs = [outputNames: number, outputCount: number, outputs: number, options: number]
type MaybePromise = number | Promise<number>

/** ONNX's numbers for the element types that the graphs use, and their size in bytes. */
const ELEMENT = {
  float32: { code: 1, bytes: 4 },
  int32: { code: 6, bytes: 4 },
  int64: { code: 7, bytes: 8 },
  bool: { code: 9, bytes: 1 },
  float16: { code: 10, bytes: 2 },
} as const
export type ElementType = keyof typeof ELEMENT

const LOCATION = { cpu: 1, gpuBuffer: 4 } as const

export function elementBytes(type: ElementType): number {
  return ELEMENT[type].bytes
}

/** A tensor that lives across runs: either bytes in the WASM heap or a GPU buffer. */
export interface OrtTensor {
  readonly handle: number
  /** Heap address of the data, 0 on the GPU. */
  readonly pointer: number
  readonly byteLength: number
  release(): void
}

/** One loaded graph: named slots that keep their tensors, and `run`. */
export class OrtRunner {
  readonly #module: OrtModule
  readonly #session: number
  readonly #names: SlotNames
  /** Run options by the recording that they name. */
  readonly #options = new Map<number, number>()
  readonly #inputs: Slots
  readonly #outputs: Slots
  readonly #ignored = new Set<string>()
  readonly #scratch: number

  /** `session` is the handle of an `InferenceSession`; every name of the graph must get a tensor before the first run. */
  constructor(module: OrtModule, session: number, names: SlotNames) {
    this.#module = module
    this.#session = session
    this.#names = names
    this.#inputs = new Slots(module, names.inputs)
    this.#outputs = new Slots(module, names.outputs)
    this.#scratch = module._malloc(8)
  }

  /** Another set of slots for the same graph. */
  twin(): OrtRunner {
    return new OrtRunner(this.#module, this.#session, this.#names)
  }

  setInput(name: string, tensor: OrtTensor): void {
    this.#inputs.set(name, tensor.handle)
  }

  setOutput(name: string, tensor: OrtTensor): void {
    this.#outputs.set(name, tensor.handle)
    this.#ignored.delete(name)
  }

  /** From now on what a run gives there is thrown away, whatever its shape. */
  ignoreOutput(name: string): void {
    this.#outputs.set(name, IGNORED)
    this.#ignored.add(name)
  }

  /**
   * @param recording in a session that captures: which recording to make, and to play from the second run on
   * @throws EngineError with what ONNX Runtime said
   */
  async run(recording: number = NO_RECORDING): Promise<void> {
    const options = this.#options.get(recording) ?? this.#makeOptions(recording)
    const { names: inputNames, handles: inputs, count: inputCount } = this.#inputs
    const { names: outputNames, handles: outputs, count: outputCount } = this.#outputs
    const failed = await this.#module._OrtRun(
      ...([this.#session, inputNames, inputs, inputCount, outputNames, outputCount, outputs, options] as const),
    )
    for (const name of this.#ignored) {
      const handle = this.#outputs.get(name)
      if (handle !== IGNORED) this.#module._OrtReleaseTensor(handle)
      this.#outputs.set(name, IGNORED)
    }
    if (failed !== 0) throw this.#failure()
  }

  /**
   * A tensor in the WASM heap; what it holds is whatever was there.
   * @throws EngineError 'out-of-memory'
   */
  heapTensor(type: ElementType, dims: readonly number[]): OrtTensor {
    const tensor = this.tryHeapTensor(type, dims)
    if (tensor) return tensor
    const megabytes = Math.ceil(bytesOf(type, dims) / 1e6)
    throw new EngineError('out-of-memory', { kind: 'no-heap', megabytes })
  }

  /** Null where the heap has no room for it. */
  tryHeapTensor(type: ElementType, dims: readonly number[]): OrtTensor | null {
    const byteLength = bytesOf(type, dims)
    // The allocator takes 32 bits: more would be cut to something small.
    const pointer = byteLength < 2 ** 32 ? this.#module._malloc(Math.max(byteLength, 1)) >>> 0 : 0
    if (pointer === 0) return null
    const handle = this.#create(type, dims, { pointer, byteLength, location: LOCATION.cpu })
    const release = () => {
      this.#module._OrtReleaseTensor(handle)
      this.#module._free(pointer)
    }
    return { handle, pointer, byteLength, release }
  }

  /** A tensor over the beginning of another's memory, which it leaves alone. */
  heapView({ pointer }: OrtTensor, type: ElementType, dims: readonly number[]): OrtTensor {
    const byteLength = bytesOf(type, dims)
    const handle = this.#create(type, dims, { pointer, byteLength, location: LOCATION.cpu })
    return { handle, pointer, byteLength, release: () => this.#module._OrtReleaseTensor(handle) }
  }

  /** A tensor over a GPU buffer of the session's device; releasing it leaves the buffer alone. */
  gpuTensor(type: ElementType, dims: readonly number[], buffer: GPUBuffer): OrtTensor {
    const { webgpuRegisterBuffer, webgpuUnregisterBuffer } = this.#module
    if (!webgpuRegisterBuffer || !webgpuUnregisterBuffer)
      throw new EngineError('internal', 'This runtime has no WebGPU.')
    const byteLength = bytesOf(type, dims)
    const pointer = webgpuRegisterBuffer(buffer, this.#session)
    const handle = this.#create(type, dims, { pointer, byteLength, location: LOCATION.gpuBuffer })
    const release = () => {
      this.#module._OrtReleaseTensor(handle)
      webgpuUnregisterBuffer(buffer)
    }
    return { handle, pointer: 0, byteLength, release }
  }

  /** The heap may have moved since the last call: never keep what this returns across a run. */
  bytes(tensor: OrtTensor): Uint8Array {
    return heapBytes(this.#module, tensor.pointer, tensor.byteLength)
  }

  dispose(): void {
    this.#inputs.release()
    this.#outputs.release()
    this.#module._free(this.#scratch)
    for (const options of this.#options.values()) this.#module._OrtReleaseRunOptions(options)
    this.#options.clear()
  }

  #makeOptions(recording: number): number {
    const options = this.#module._OrtCreateRunOptions(2, 0, false, 0)
    this.#options.set(recording, options)
    const entry = ['gpu_graph_id', String(recording)].map(text => writeText(this.#module, text))
    const [key = 0, value = 0] = entry
    const failed = this.#module._OrtAddRunConfigEntry(options, key, value)
    for (const pointer of entry) this.#module._free(pointer)
    if (failed !== 0) throw this.#failure()
    return options
  }

  #create(type: ElementType, dims: readonly number[], data: { pointer: number; byteLength: number; location: number }) {
    const module = this.#module
    const dimsPointer = module._malloc(4 * Math.max(dims.length, 1))
    dims.forEach((size, index) => {
      module.setValue(dimsPointer + 4 * index, size, 'i32')
    })
    const { code } = ELEMENT[type]
    const handle = module._OrtCreateTensor(code, data.pointer, data.byteLength, dimsPointer, dims.length, data.location)
    module._free(dimsPointer)
    if (handle === 0) throw this.#failure()
    return handle
  }

  #failure(): EngineError {
    this.#module._OrtGetLastError(this.#scratch, this.#scratch + 4)
    const message = this.#module.getValue(this.#scratch + 4, '*')
    const said = message ? this.#module.UTF8ToString(message) : 'no reason given'
    return explain(new Error(said), why => ({ kind: 'run-failed', said: why }))
  }
}

/** In the place of an output: ONNX Runtime makes a tensor of its own there. */
const IGNORED = 0

/** ONNX Runtime's `gpu_graph_id` for a run that is neither recorded nor played. */
const NO_RECORDING = -1

interface SlotNames {
  inputs: readonly string[]
  outputs: readonly string[]
}

/** A C string in the heap; the caller frees it. */
function writeText(module: OrtModule, text: string): number {
  const bytes = module.lengthBytesUTF8(text) + 1
  const pointer = module._malloc(bytes)
  module.stringToUTF8(text, pointer, bytes)
  return pointer
}

function bytesOf(type: ElementType, dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, ELEMENT[type].bytes)
}

/** Two parallel arrays in the heap, as `OrtRun` wants them: pointers to names, tensor handles. */
class Slots {
  readonly names: number
  readonly handles: number
  readonly count: number
  readonly #module: OrtModule
  readonly #index: ReadonlyMap<string, number>

  constructor(module: OrtModule, names: readonly string[]) {
    this.#module = module
    this.count = names.length
    this.#index = new Map(names.map((name, index) => [name, index]))
    this.names = module._malloc(4 * names.length)
    this.handles = module._malloc(4 * names.length)
    names.forEach((name, index) => {
      module.setValue(this.names + 4 * index, writeText(module, name), '*')
      module.setValue(this.handles + 4 * index, 0, '*')
    })
  }

  set(name: string, handle: number): void {
    const index = this.#index.get(name)
    if (index === undefined) throw new EngineError('bad-manifest', { kind: 'missing-slot', name })
    this.#module.setValue(this.handles + 4 * index, handle, '*')
  }

  get(name: string): number {
    return this.#module.getValue(this.handles + 4 * (this.#index.get(name) ?? 0), '*')
  }

  release(): void {
    for (let index = 0; index < this.count; index++) {
      this.#module._free(this.#module.getValue(this.names + 4 * index, '*'))
    }
    this.#module._free(this.names)
    this.#module._free(this.handles)
  }
}

function heapBytes(module: OrtModule, pointer: number, byteLength: number): Uint8Array {
  // Another thread may have grown the heap: reading any value first makes the glue refresh `HEAPU8`.
  module.getValue(pointer - (pointer % 4), 'i32')
  return new Uint8Array(module.HEAPU8.buffer, pointer, byteLength)
}
