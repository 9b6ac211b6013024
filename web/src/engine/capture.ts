/**
 * Decoding from a recording: ONNX Runtime records the GPU commands of one run and submits them again for every later
 * token, which spares the CPU's part of a run. A recording knows buffers, not values, so everything that a step reads lies
 * in GPU buffers of its own, written before each run; longer KV buffers take a new recording.
 */
import type { KvCache } from './kv.ts'
import type { GpuLogits } from './logits.ts'
import type { OrtRunner, OrtTensor } from './ort-module.ts'

interface Input {
  buffer: GPUBuffer
  tensor: OrtTensor
}

export class CapturedDecode {
  readonly #runner: OrtRunner
  readonly #device: GPUDevice
  readonly #kv: KvCache
  readonly #token: Input
  readonly #lastPosition: Input
  readonly #totalLength: Input
  readonly #onePosition: Input
  #recording = 0
  #generation = 0

  /** @param runner of a session that captures; it stays free for runs that are not recorded */
  constructor(runner: OrtRunner, device: GPUDevice, { kv, logits }: { kv: KvCache; logits: GpuLogits }) {
    this.#runner = runner.twin()
    this.#device = device
    this.#kv = kv
    const input = (name: string, type: 'int32' | 'int64', dims: readonly number[]): Input => {
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
      const buffer = device.createBuffer({ size: 16, usage }) // one number; zero at first
      const tensor = runner.gpuTensor(type, dims, buffer)
      this.#runner.setInput(name, tensor)
      return { buffer, tensor }
    }
    this.#token = input('input_ids', 'int64', [1, 1])
    this.#lastPosition = input('seqlens_k', 'int32', [1])
    this.#totalLength = input('total_sequence_length', 'int32', [])
    this.#onePosition = input('logit_positions', 'int64', [1])
    this.#runner.setOutput('logits', logits.oneToken)
  }

  /** Runs one token, the last of `total` positions; its logits are the first of the place for one token. */
  async run(token: number, total: number): Promise<void> {
    if (this.#generation !== this.#kv.generation) {
      this.#kv.bindTo(this.#runner)
      this.#generation = this.#kv.generation
      this.#recording++
    }
    const { queue } = this.#device
    queue.writeBuffer(this.#token.buffer, 0, new BigInt64Array([BigInt(token)]))
    queue.writeBuffer(this.#lastPosition.buffer, 0, new Int32Array([total - 1]))
    queue.writeBuffer(this.#totalLength.buffer, 0, new Int32Array([total]))
    await this.#runner.run(this.#recording)
  }

  release(): void {
    this.#runner.dispose()
    for (const { buffer, tensor } of [this.#token, this.#lastPosition, this.#totalLength, this.#onePosition]) {
      tensor.release()
      buffer.destroy()
    }
  }
}
