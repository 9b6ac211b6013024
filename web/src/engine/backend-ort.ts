/**
 * Decoder language models through ONNX Runtime, on WebGPU and on the CPU alike. The KV cache is one fixed buffer per
 * layer for K and one for V, bound as past and present at once: nothing is copied per token, truncating is a number.
 *
 * Graph: input_ids [1, n] i64; seqlens_k [1] i32 = positions after this run − 1; total_sequence_length [] i32;
 * logit_positions [m] i64 → logits [1, m, vocabulary] f32; past_key_values.{i}.key|value and present.{i}.key|value
 * [1, kvHeads, capacity, headDim] f32 or f16.
 */
import type { Backend } from './backend.ts'
import { EngineError } from './errors.ts'
import { KvCache, type KvShape } from './kv.ts'
import type { OrtRunner, OrtTensor } from './ort-module.ts'
import type { Session } from './session.ts'

export interface OrtModel {
  name: string
  session: Session
  /** Null on the CPU. */
  device: GPUDevice | null
  kv: KvShape
  vocabularySize: number
  contextLength: number
}

export class OrtBackend implements Backend {
  readonly name: string
  readonly vocabularySize: number
  readonly contextLength: number
  readonly chunkTokens = 128
  readonly continuesPrompt = true
  readonly #session: Session
  readonly #runner: OrtRunner
  readonly #kv: KvCache
  readonly #lastPosition: OrtTensor
  readonly #totalLength: OrtTensor
  readonly #oneToken: OrtTensor
  readonly #onePosition: OrtTensor
  readonly #oneRow: OrtTensor
  #length = 0

  constructor(model: OrtModel) {
    this.name = model.name
    this.vocabularySize = model.vocabularySize
    this.contextLength = model.contextLength
    this.#session = model.session
    this.#runner = model.session.runner
    this.#kv = new KvCache(this.#runner, model.kv, { device: model.device, contextLength: model.contextLength })
    this.#lastPosition = this.#runner.heapTensor('int32', [1])
    this.#totalLength = this.#runner.heapTensor('int32', [])
    this.#oneToken = this.#runner.heapTensor('int64', [1, 1])
    this.#onePosition = this.#runner.heapTensor('int64', [1])
    this.#oneRow = this.#runner.heapTensor('float32', [1, 1, model.vocabularySize])
    this.#runner.setInput('seqlens_k', this.#lastPosition)
    this.#runner.setInput('total_sequence_length', this.#totalLength)
  }

  get length(): number {
    return this.#length
  }

  room(promptTokens: number): number {
    // The last token of an answer needs no place of its own: nothing is computed from it.
    return promptTokens < this.contextLength ? this.contextLength - promptTokens + 1 : 0
  }

  async prefill(tokens: readonly number[], from: number): Promise<Float32Array> {
    this.truncate(from)
    return first(await this.#run(tokens, 1))
  }

  async decode(token: number): Promise<Float32Array> {
    return first(await this.#run([token], 1))
  }

  async verify(tokens: readonly number[]): Promise<Float32Array[]> {
    return this.#run(tokens, tokens.length)
  }

  truncate(length: number): void {
    if (length < 0 || length > this.#length) {
      throw new EngineError('internal', `Cannot go to position ${length} of ${this.#length}.`)
    }
    this.#length = length
  }

  async dispose(): Promise<void> {
    this.#kv.dispose()
    for (const tensor of [this.#lastPosition, this.#totalLength, this.#oneToken, this.#onePosition, this.#oneRow]) {
      tensor.release()
    }
    await this.#session.dispose()
  }

  /** Runs `tokens` at the next positions; logits of the last `rows` of them. */
  async #run(tokens: readonly number[], rows: number): Promise<Float32Array[]> {
    const total = this.#length + tokens.length
    if (tokens.length === 0) throw new EngineError('internal', 'A run of the model needs at least one token.')
    if (total > this.contextLength)
      throw new EngineError('internal', `Position ${total} is beyond the model's context.`)
    this.#kv.reserve(total, this.#length)
    this.#int32(this.#lastPosition).set([total - 1])
    this.#int32(this.#totalLength).set([total])
    const single = tokens.length === 1
    const ids = single ? this.#oneToken : this.#runner.heapTensor('int64', [1, tokens.length])
    const positions = rows === 1 ? this.#onePosition : this.#runner.heapTensor('int64', [rows])
    const logits = rows === 1 ? this.#oneRow : this.#runner.heapTensor('float32', [1, rows, this.vocabularySize])
    try {
      this.#int64(ids).set(tokens.map(BigInt))
      this.#int64(positions).set(Array.from({ length: rows }, (_, row) => BigInt(tokens.length - rows + row)))
      this.#runner.setInput('input_ids', ids)
      this.#runner.setInput('logit_positions', positions)
      this.#runner.setOutput('logits', logits)
      await this.#runner.run()
      this.#length = total
      return this.#rows(logits, rows)
    } finally {
      for (const tensor of [ids, positions, logits]) if (!this.#isKept(tensor)) tensor.release()
    }
  }

  #isKept(tensor: OrtTensor): boolean {
    return tensor === this.#oneToken || tensor === this.#onePosition || tensor === this.#oneRow
  }

  #rows(logits: OrtTensor, rows: number): Float32Array[] {
    const { buffer, byteOffset } = this.#runner.bytes(logits)
    const row = (index: number) =>
      new Float32Array(buffer, byteOffset + 4 * index * this.vocabularySize, this.vocabularySize)
    if (rows === 1) return [row(0)]
    return Array.from({ length: rows }, (_, index) => row(index).slice()) // the tensor is given back after this
  }

  #int32(tensor: OrtTensor): Int32Array {
    const { buffer, byteOffset, byteLength } = this.#runner.bytes(tensor)
    return new Int32Array(buffer, byteOffset, byteLength / 4)
  }

  #int64(tensor: OrtTensor): BigInt64Array {
    const { buffer, byteOffset, byteLength } = this.#runner.bytes(tensor)
    return new BigInt64Array(buffer, byteOffset, byteLength / 8)
  }
}

function first(rows: Float32Array[]): Float32Array {
  const row = rows[0]
  if (!row) throw new EngineError('internal', 'The model gave no logits.')
  return row
}
