/**
 * Decoder language models through ONNX Runtime, on WebGPU and on the CPU alike. The KV cache is one fixed buffer per
 * layer for K and one for V, bound as past and present at once: nothing is copied per token, truncating is a number.
 *
 * Graph: input_ids [1, n] i64; seqlens_k [1] i32 = positions after this run − 1; total_sequence_length [] i32;
 * logit_positions [m] i64 → logits [1, m, vocabulary] f32; past_key_values.{i}.key|value and present.{i}.key|value
 * [1, kvHeads, capacity, headDim] f32 or f16.
 */
import { type Backend, type CandidateSteps, type Candidates, type Parking, roomBehind } from './backend.ts'
import { CapturedDecode } from './capture.ts'
import { EngineError } from './errors.ts'
import { KvCache, type KvShape } from './kv.ts'
import { GpuLogits, HeapLogits, type Logits } from './logits.ts'
import type { OrtRunner, OrtTensor } from './ort-module.ts'
import { Selector } from './select.ts'
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
  readonly #kvType: KvShape['type']
  readonly #lastPosition: OrtTensor
  readonly #totalLength: OrtTensor
  readonly #oneToken: OrtTensor
  readonly #onePosition: OrtTensor
  readonly #device: GPUDevice | null
  readonly #logits: Logits
  #candidates: CandidateSteps | null = null
  #captured: CapturedDecode | null = null
  #length = 0

  constructor(model: OrtModel) {
    this.name = model.name
    this.vocabularySize = model.vocabularySize
    this.contextLength = model.contextLength
    this.#session = model.session
    this.#runner = model.session.runner
    this.#kv = new KvCache(this.#runner, model.kv, { device: model.device, contextLength: model.contextLength })
    this.#kvType = model.kv.type
    this.#lastPosition = this.#runner.heapTensor('int32', [1])
    this.#totalLength = this.#runner.heapTensor('int32', [])
    this.#oneToken = this.#runner.heapTensor('int64', [1, 1])
    this.#onePosition = this.#runner.heapTensor('int64', [1])
    this.#device = model.device
    this.#logits = model.device
      ? new GpuLogits(this.#runner, model.device, model.vocabularySize)
      : new HeapLogits(this.#runner, model.vocabularySize)
    this.#runner.setInput('seqlens_k', this.#lastPosition)
    this.#runner.setInput('total_sequence_length', this.#totalLength)
  }

  get length(): number {
    return this.#length
  }

  room(promptTokens: number): number {
    return roomBehind(promptTokens, this.contextLength)
  }

  async prefill(tokens: readonly number[], from: number): Promise<Float32Array> {
    this.truncate(from)
    await this.#run(tokens, 1)
    return this.#logits.row(0)
  }

  async decode(token: number): Promise<Float32Array> {
    await this.#run([token], 1)
    return this.#logits.row(0)
  }

  async verify(tokens: readonly number[]): Promise<Float32Array[]> {
    await this.#run(tokens, tokens.length)
    const rows: Float32Array[] = []
    for (const index of tokens.keys()) rows.push((await this.#logits.row(index)).slice())
    return rows
  }

  get parking(): Parking {
    const kv = this.#kv
    const { bytesPerPosition } = kv
    const park = async () => {
      const copy = await kv.copyOut(this.#length)
      if (!copy) return null
      const restore = async (positions: number) => {
        this.truncate(0)
        await kv.copyIn(copy, positions)
        this.#length = positions
      }
      return { bytes: copy.bytes, restore, release: () => copy.buffer?.destroy() }
    }
    return { bytesPerPosition, park }
  }

  get candidates(): CandidateSteps | null {
    return this.#candidates
  }

  /**
   * Turns `candidates` on where the logits are on a GPU and that GPU selects rightly: after one token, its candidates are
   * held against the whole row. Leaves the backend empty.
   */
  async selectOnGpu(token: number): Promise<void> {
    const logits = this.#logits
    if (!this.#device || !(logits instanceof GpuLogits)) return
    logits.selectWith(await Selector.create(this.#device, this.vocabularySize))
    const row = await this.prefill([token], 0)
    const found = await logits.candidates()
    this.truncate(0)
    if (!agrees(row, found[0])) return
    const steps = async (tokens: readonly number[], rows: number) => {
      await this.#run(tokens, rows)
      return logits.candidates()
    }
    this.#candidates = {
      prefill: async (tokens, from) => {
        this.truncate(from)
        return first(await steps(tokens, 1))
      },
      decode: async next => first(await steps([next], 1)),
      verify: tokens => steps(tokens, tokens.length),
      logits: (index = 0) => logits.row(index),
    }
  }

  /** True where single tokens are decoded from a recording. */
  get captures(): boolean {
    return this.#captured !== null
  }

  /**
   * Decodes from a recording from now on, where the session can and where that gives what plain runs give. Leaves the
   * backend empty.
   */
  async captureDecoding(tokens: readonly number[]): Promise<void> {
    const logits = this.#logits
    if (!this.#device || !this.#session.captures || !(logits instanceof GpuLogits)) return
    const rows = async () => {
      this.truncate(0)
      const found: Float32Array[] = []
      for (const token of tokens.slice(0, COMPARED_STEPS)) found.push((await this.decode(token)).slice())
      return found
    }
    const plain = await rows()
    const captured = new CapturedDecode(this.#runner, this.#device, { kv: this.#kv, logits })
    this.#captured = captured
    const agree = await rows().then(
      recorded => recorded.every((row, step) => isClose(row, plain[step], ROUNDING[this.#kvType])),
      () => false,
    )
    this.truncate(0)
    if (agree) return
    this.#captured = null
    captured.release()
  }

  truncate(length: number): void {
    if (length < 0 || length > this.#length) {
      throw new EngineError('internal', `Cannot go to position ${length} of ${this.#length}.`)
    }
    this.#length = length
  }

  async dispose(): Promise<void> {
    this.#kv.dispose()
    this.#captured?.release()
    this.#logits.release()
    for (const tensor of [this.#lastPosition, this.#totalLength, this.#oneToken, this.#onePosition]) tensor.release()
    await this.#session.dispose()
  }

  /** Runs `tokens` at the next positions, leaving the logits of the last `rows` of them in their place. */
  async #run(tokens: readonly number[], rows: number): Promise<void> {
    const total = this.#length + tokens.length
    if (tokens.length === 0) throw new EngineError('internal', 'A run of the model needs at least one token.')
    if (total > this.contextLength)
      throw new EngineError('internal', `Position ${total} is beyond the model's context.`)
    await this.#kv.reserve(total, this.#length)
    const [token] = tokens
    if (this.#captured && tokens.length === 1 && token !== undefined) {
      this.#logits.bind(1)
      await this.#captured.run(token, total)
      this.#length = total
      return
    }
    this.#int32(this.#lastPosition).set([total - 1])
    this.#int32(this.#totalLength).set([total])
    const single = tokens.length === 1
    const ids = single ? this.#oneToken : this.#runner.heapTensor('int64', [1, tokens.length])
    const positions = rows === 1 ? this.#onePosition : this.#runner.heapTensor('int64', [rows])
    try {
      this.#int64(ids).set(tokens.map(BigInt))
      this.#int64(positions).set(Array.from({ length: rows }, (_, row) => BigInt(tokens.length - rows + row)))
      this.#runner.setInput('input_ids', ids)
      this.#runner.setInput('logit_positions', positions)
      this.#logits.bind(rows)
      await this.#runner.run()
      this.#length = total
    } finally {
      for (const tensor of [ids, positions]) if (!this.#isKept(tensor)) tensor.release()
    }
  }

  #isKept(tensor: OrtTensor): boolean {
    return tensor === this.#oneToken || tensor === this.#onePosition
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

function first<T>(rows: T[]): T {
  const [row] = rows
  if (row === undefined) throw new EngineError('internal', 'The model gave no logits.')
  return row
}

function isClose(row: Float32Array, other: Float32Array | undefined, share: number): boolean {
  const most = row.reduce((so, logit) => Math.max(so, Math.abs(logit)), 0)
  return row.every((logit, token) => Math.abs(logit - (other?.[token] ?? Number.NaN)) <= share * most)
}

/** Steps that are compared: the first is recorded, the others play the recording. */
const COMPARED_STEPS = 3
/** Recorded steps take other kernels than plain ones: as a share of the largest logit, what rounding may differ by. */
const ROUNDING = { float32: 1e-3, float16: 2e-2 }

/** What `Candidates` promises, checked against the whole row. NaN agrees with nothing. */
function agrees(row: Float32Array, found: Candidates | undefined): boolean {
  if (!found) return false
  const { ids, logits, floor, logSumExp } = found
  const listed = new Set(ids)
  const same = listed.size === ids.length && ids.every((id, index) => row[id] === logits[index])
  const highest = row.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY)
  const sum = row.reduce((total, logit) => total + Math.exp(logit - highest), 0)
  return (
    same &&
    row.every((logit, id) => listed.has(id) || logit <= floor) &&
    Math.abs(highest + Math.log(sum) - logSumExp) <= 1e-4 * Math.max(1, Math.abs(logSumExp))
  )
}
