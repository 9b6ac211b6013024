/**
 * Decoder language models as others export them (optimum, transformers.js) through ONNX Runtime: no fixed KV cache, so
 * the graph copies it on every run, and logits of every token where the graph cannot leave them out.
 *
 * Graph, batch of one: input_ids [1, n], attention_mask [1, past + n], where it has them position_ids [1, n] and
 * num_logits_to_keep [], all i64; use_cache_branch [1] bool; past_key_values.{i}.key|value [1, heads, past, headDim]
 * → logits [1, n or kept, vocabulary] f32 or f16, present.{i}.key|value [1, heads, past + n, headDim].
 */
import { type Backend, roomBehind } from './backend.ts'
import { EngineError } from './errors.ts'
import { GrowingKv, growingShape } from './growing-kv.ts'
import { floats } from './heap.ts'
import type { OrtRunner, OrtTensor } from './ort-module.ts'
import type { Session } from './session.ts'

export interface PlainModel {
  name: string
  session: Session
  /** Null on the CPU. */
  device: GPUDevice | null
  vocabularySize: number
  contextLength: number
}

export class PlainBackend implements Backend {
  readonly name: string
  readonly vocabularySize: number
  readonly contextLength: number
  readonly continuesPrompt = true
  /** Less than with logits of one token only: 64 rows of a large vocabulary are 40 MB. */
  readonly chunkTokens = 64
  readonly #session: Session
  readonly #runner: OrtRunner
  readonly #kv: GrowingKv
  readonly #inputs: ReadonlySet<string>
  readonly #logitsType: 'float16' | 'float32'
  #length = 0

  constructor({ name, session, device, vocabularySize, contextLength }: PlainModel) {
    this.name = name
    this.vocabularySize = vocabularySize
    this.contextLength = contextLength
    this.#session = session
    this.#runner = session.runner
    const shape = growingShape(session.inputs)
    this.#kv = new GrowingKv(session.runner, device, shape)
    this.#inputs = new Set(session.inputNames.filter(input => !shape.past.includes(input)))
    const logits = session.outputs.find(output => output.name === 'logits')
    this.#logitsType = logits?.type === 'float16' ? 'float16' : 'float32'
    const unknown = [...this.#inputs].filter(input => !KNOWN_INPUTS.has(input))
    const left = session.outputNames.filter(output => output !== 'logits' && !shape.present.includes(output))
    if (unknown.length + left.length > 0 || !logits) {
      const parts = [...unknown, ...left].join(', ') || 'no logits'
      throw new EngineError('unsupported', { kind: 'unknown-parts', parts })
    }
  }

  get length(): number {
    return this.#length
  }

  room(promptTokens: number): number {
    return roomBehind(promptTokens, this.contextLength)
  }

  async prefill(tokens: readonly number[], from: number): Promise<Float32Array> {
    this.truncate(from)
    return (await this.#run(tokens, 1))[0] ?? new Float32Array()
  }

  decode(token: number): Promise<Float32Array> {
    return this.prefill([token], this.#length)
  }

  verify(tokens: readonly number[]): Promise<Float32Array[]> {
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
    await this.#session.dispose()
  }

  /** Runs `tokens` at the next positions; logits of the last `rows` of them. */
  async #run(tokens: readonly number[], rows: number): Promise<Float32Array[]> {
    const past = this.#length
    const total = past + tokens.length
    if (tokens.length === 0) throw new EngineError('internal', 'A run of the model needs at least one token.')
    if (total > this.contextLength)
      throw new EngineError('internal', `Position ${total} is beyond the model's context.`)
    const kept = this.#inputs.has('num_logits_to_keep') ? rows : tokens.length
    const tensors: OrtTensor[] = []
    try {
      for (const [name, tensor] of this.#values(tokens, { past, rows })) {
        tensors.push(tensor)
        this.#runner.setInput(name, tensor)
      }
      const logits = this.#runner.heapTensor(this.#logitsType, [1, kept, this.vocabularySize])
      tensors.push(logits)
      this.#runner.setOutput('logits', logits)
      this.#kv.bind(past, total)
      await this.#runner.run()
      this.#kv.advance(total)
      this.#length = total
      return Array.from({ length: rows }, (_, row) => this.#row(logits, kept - rows + row))
    } finally {
      for (const tensor of tensors) tensor.release()
    }
  }

  /** A tensor for every input but the cache. */
  *#values(
    tokens: readonly number[],
    { past, rows }: { past: number; rows: number },
  ): Generator<readonly [string, OrtTensor]> {
    const count = tokens.length
    const integers: Record<string, { dims: number[]; values: readonly number[] }> = {
      input_ids: { dims: [1, count], values: tokens },
      attention_mask: { dims: [1, past + count], values: new Array(past + count).fill(1) },
      position_ids: { dims: [1, count], values: tokens.map((_, index) => past + index) },
      num_logits_to_keep: { dims: [], values: [rows] },
    }
    for (const name of this.#inputs) {
      const integer = integers[name]
      const tensor = integer ? this.#runner.heapTensor('int64', integer.dims) : this.#runner.heapTensor('bool', [1]) // use_cache_branch: the other branch computes the same without a past
      const { buffer, byteOffset, byteLength } = this.#runner.bytes(tensor)
      if (integer) new BigInt64Array(buffer, byteOffset, byteLength / 8).set(integer.values.map(BigInt))
      else new Uint8Array(buffer, byteOffset, 1)[0] = past > 0 ? 1 : 0
      yield [name, tensor]
    }
  }

  #row(logits: OrtTensor, index: number): Float32Array {
    const from = index * this.vocabularySize
    const to = from + this.vocabularySize
    if (this.#logitsType === 'float32') return floats(this.#runner, logits).slice(from, to)
    const { buffer, byteOffset } = this.#runner.bytes(logits)
    return Float32Array.from(new Uint16Array(buffer, byteOffset + 2 * from, this.vocabularySize), fromHalf)
  }
}

const KNOWN_INPUTS = new Set([
  ...['input_ids', 'attention_mask', 'position_ids'],
  ...['num_logits_to_keep', 'use_cache_branch'],
])

/** IEEE 754 half precision from its 16 bits. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25)
}
