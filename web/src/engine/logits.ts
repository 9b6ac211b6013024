/** Where a run of the model puts its logits, [1, tokens, vocabulary] f32: in the WASM heap, or on the GPU. */
import type { Candidates } from './backend.ts'
import { EngineError } from './errors.ts'
import { floats } from './heap.ts'
import type { OrtRunner, OrtTensor } from './ort-module.ts'
import { contents, releaseSelection, type Selection, type Selector } from './select.ts'

export interface Logits {
  /** Makes the next run write the logits of its last `tokens` tokens here. */
  bind(tokens: number): void
  /** All logits after one token of the last run; a view that the next run overwrites. */
  row(token: number): Promise<Float32Array>
  release(): void
}

export class HeapLogits implements Logits {
  readonly #runner: OrtRunner
  readonly #vocabularySize: number
  #tensor: OrtTensor
  #tokens = 1

  constructor(runner: OrtRunner, vocabularySize: number) {
    this.#runner = runner
    this.#vocabularySize = vocabularySize
    this.#tensor = runner.heapTensor('float32', [1, 1, vocabularySize])
  }

  bind(tokens: number): void {
    if (tokens !== this.#tokens) {
      this.#tensor.release()
      this.#tensor = this.#runner.heapTensor('float32', [1, tokens, this.#vocabularySize])
      this.#tokens = tokens
    }
    this.#runner.setOutput('logits', this.#tensor)
  }

  async row(token: number): Promise<Float32Array> {
    const from = token * this.#vocabularySize
    return floats(this.#runner, this.#tensor).subarray(from, from + this.#vocabularySize)
  }

  release(): void {
    this.#tensor.release()
  }
}

/** One run's logits on the GPU and the way of a row to the CPU. */
interface Place {
  tokens: number
  buffer: GPUBuffer
  tensor: OrtTensor
  selection: Selection | null
}

export class GpuLogits implements Logits {
  readonly #runner: OrtRunner
  readonly #device: GPUDevice
  readonly #vocabularySize: number
  readonly #readable: GPUBuffer
  readonly #one: Place
  #selector: Selector | null = null
  /** For several tokens, of the number asked for last. */
  #several: Place | null = null
  /** Of the last run. */
  #place: Place

  constructor(runner: OrtRunner, device: GPUDevice, vocabularySize: number) {
    this.#runner = runner
    this.#device = device
    this.#vocabularySize = vocabularySize
    const usage = GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ
    this.#readable = device.createBuffer({ size: 4 * vocabularySize, usage })
    this.#one = this.#allocate(1)
    this.#place = this.#one
  }

  /** Where the logits of one token lie, always the same. */
  get oneToken(): OrtTensor {
    return this.#one.tensor
  }

  bind(tokens: number): void {
    if (tokens > 1 && tokens !== this.#several?.tokens) {
      if (this.#several) releasePlace(this.#several)
      this.#several = this.#allocate(tokens)
    }
    this.#place = tokens > 1 && this.#several ? this.#several : this.#one
    this.#runner.setOutput('logits', this.#place.tensor)
  }

  async row(token: number): Promise<Float32Array> {
    const { buffer, tokens } = this.#place
    if (token >= tokens) throw new EngineError('internal', `The last run gave no logits for token ${token}.`)
    const bytes = 4 * this.#vocabularySize
    const encoder = this.#device.createCommandEncoder()
    encoder.copyBufferToBuffer(buffer, token * bytes, this.#readable, 0, bytes)
    this.#device.queue.submit([encoder.finish()])
    return new Float32Array(await contents(this.#readable))
  }

  /** Makes `candidates` possible. */
  selectWith(selector: Selector): void {
    this.#selector = selector
  }

  /** The likeliest tokens after every token of the last run. */
  async candidates(): Promise<Candidates[]> {
    if (!this.#selector) throw new EngineError('internal', 'Nothing selects candidates here.')
    this.#place.selection ??= this.#selector.bind(this.#place.buffer, this.#place.tokens)
    return this.#selector.select(this.#place.selection)
  }

  release(): void {
    releasePlace(this.#one)
    if (this.#several) releasePlace(this.#several)
    this.#readable.destroy()
  }

  #allocate(tokens: number): Place {
    const dims = [1, tokens, this.#vocabularySize]
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage
    // ONNX Runtime wants whole multiples of 16 bytes, as its own buffers have.
    const size = Math.ceil((4 * tokens * this.#vocabularySize) / 16) * 16
    const buffer = this.#device.createBuffer({ size, usage: STORAGE | COPY_SRC | COPY_DST })
    return { tokens, buffer, tensor: this.#runner.gpuTensor('float32', dims, buffer), selection: null }
  }
}

function releasePlace({ tensor, buffer, selection }: Place): void {
  tensor.release()
  buffer.destroy()
  if (selection) releaseSelection(selection)
}
