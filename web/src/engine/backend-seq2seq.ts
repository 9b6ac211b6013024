/**
 * Encoder-decoder models (T5, BART) through ONNX Runtime on the CPU. The encoder reads a prompt once and leaves the keys
 * and values of cross-attention; the decoder then writes token by token, from an empty cache of its own.
 *
 * Graphs, batch of one: embedding: input_ids [1, n] i64 → embeddings [1, n, d] f32. encoder: embeddings, attention_mask
 * [1, S] i64 → cross.{i}.key|value [1, heads, S, headDim]. decoder: embeddings, encoder_attention_mask [1, S],
 * cross.{i}.…, past_key_values.{i}.key|value [1, heads, past, headDim] → logits [1, n, vocabulary], present.{i}.…
 *
 * Every step makes the cache anew, one position longer: the graph concatenates. For the answers of these models that is
 * little beside the weights.
 */
import type { Backend } from './backend.ts'
import { EngineError } from './errors.ts'
import { floats, int64Row } from './heap.ts'
import type { OrtRunner, OrtTensor } from './ort-module.ts'
import type { Session } from './session.ts'

export interface Seq2SeqModel {
  name: string
  embedding: Session
  encoder: Session
  decoder: Session
  kv: { layers: number; heads: number; headDim: number }
  /** Tokens that every answer begins with; they are not shown. */
  start: readonly number[]
  embeddingWidth: number
  vocabularySize: number
  /** Most tokens of a prompt, and of an answer. */
  contextLength: number
  maxAnswerTokens: number
}

export class Seq2SeqBackend implements Backend {
  readonly name: string
  readonly vocabularySize: number
  readonly contextLength: number
  readonly chunkTokens: number
  readonly continuesPrompt = false
  readonly #model: Seq2SeqModel
  readonly #parts: readonly string[]
  /** Of the prompt that was read: mask and cross-attention. */
  #prompt: OrtTensor[] = []
  #past: OrtTensor[] = []
  #logits: OrtTensor | null = null
  #promptTokens = 0
  #answerTokens = 0

  constructor(model: Seq2SeqModel) {
    this.name = model.name
    this.vocabularySize = model.vocabularySize
    this.contextLength = model.contextLength
    this.chunkTokens = model.contextLength
    this.#model = model
    const layers = Array.from({ length: model.kv.layers }, (_, layer) => layer)
    this.#parts = layers.flatMap(layer => [`${layer}.key`, `${layer}.value`])
  }

  get length(): number {
    return this.#promptTokens + this.#answerTokens
  }

  room(promptTokens: number): number {
    return promptTokens <= this.contextLength ? this.#model.maxAnswerTokens : 0
  }

  async prefill(tokens: readonly number[], from: number): Promise<Float32Array> {
    if (from !== 0) throw new EngineError('internal', 'An encoder reads a prompt whole.')
    this.truncate(0)
    await this.#read(tokens)
    return this.#row(await this.#write(this.#model.start), this.#model.start.length - 1)
  }

  async decode(token: number): Promise<Float32Array> {
    const logits = this.#row(await this.#write([token]), 0)
    this.#answerTokens++
    return logits
  }

  async verify(tokens: readonly number[]): Promise<Float32Array[]> {
    const logits = await this.#write(tokens)
    this.#answerTokens += tokens.length
    return tokens.map((_, index) => this.#row(logits, index).slice())
  }

  truncate(length: number): void {
    if (length !== 0 && length === this.length) return // at 0 there may be tensors of a prompt that failed
    if (length !== 0) throw new EngineError('internal', `Cannot go to position ${length} of ${this.length}.`)
    for (const tensor of [...this.#prompt, ...this.#past]) tensor.release()
    this.#prompt = []
    this.#past = []
    this.#promptTokens = 0
    this.#answerTokens = 0
  }

  async dispose(): Promise<void> {
    this.truncate(0)
    this.#logits?.release()
    this.#logits = null
    for (const session of [this.#model.embedding, this.#model.encoder, this.#model.decoder]) await session.dispose()
  }

  /** Reads a prompt: mask and cross-attention become the decoder's inputs, its cache is empty. */
  async #read(tokens: readonly number[]): Promise<void> {
    const { encoder, decoder, kv } = this.#model
    const embeddings = await this.#embed(tokens)
    const shape = [1, kv.heads, tokens.length, kv.headDim]
    const mask = int64Row(encoder.runner, new Array(tokens.length).fill(1))
    const cross = this.#parts.map(() => encoder.runner.heapTensor('float32', shape))
    this.#prompt = [mask, ...cross]
    try {
      encoder.runner.setInput('embeddings', embeddings)
      encoder.runner.setInput('attention_mask', mask)
      this.#bind(encoder.runner, 'setOutput', 'cross', cross)
      await encoder.runner.run()
    } finally {
      embeddings.release()
    }
    decoder.runner.setInput('encoder_attention_mask', mask)
    this.#bind(decoder.runner, 'setInput', 'cross', cross)
    this.#past = this.#parts.map(() => decoder.runner.heapTensor('float32', [1, kv.heads, 0, kv.headDim]))
    this.#promptTokens = tokens.length
  }

  /** Runs `tokens` at the next positions of the answer: logits [1, n, vocabulary], kept until the next run. */
  async #write(tokens: readonly number[]): Promise<OrtTensor> {
    const { decoder, kv, start } = this.#model
    const { runner } = decoder
    const past = this.#answerTokens + (this.#isEmpty() ? 0 : start.length)
    const shape = [1, kv.heads, past + tokens.length, kv.headDim]
    const embeddings = await this.#embed(tokens)
    const present = this.#parts.map(() => runner.heapTensor('float32', shape))
    this.#logits?.release()
    this.#logits = runner.heapTensor('float32', [1, tokens.length, this.vocabularySize])
    try {
      runner.setInput('embeddings', embeddings)
      this.#bind(runner, 'setInput', 'past_key_values', this.#past)
      this.#bind(runner, 'setOutput', 'present', present)
      runner.setOutput('logits', this.#logits)
      await runner.run()
    } catch (error) {
      for (const tensor of present) tensor.release()
      throw error
    } finally {
      embeddings.release()
    }
    for (const tensor of this.#past) tensor.release()
    this.#past = present
    return this.#logits
  }

  async #embed(tokens: readonly number[]): Promise<OrtTensor> {
    const { embedding, embeddingWidth } = this.#model
    const { runner } = embedding
    const ids = int64Row(runner, tokens)
    const embeddings = runner.heapTensor('float32', [1, tokens.length, embeddingWidth])
    try {
      runner.setInput('input_ids', ids)
      runner.setOutput('embeddings', embeddings)
      await runner.run()
    } catch (error) {
      embeddings.release()
      throw error
    } finally {
      ids.release()
    }
    return embeddings
  }

  #isEmpty(): boolean {
    return this.#past[0]?.byteLength === 0
  }

  #bind(runner: OrtRunner, how: 'setInput' | 'setOutput', kind: string, tensors: readonly OrtTensor[]): void {
    tensors.forEach((tensor, index) => {
      runner[how](`${kind}.${this.#parts[index]}`, tensor)
    })
  }

  #row(logits: OrtTensor, index: number): Float32Array {
    const from = index * this.vocabularySize
    return floats(this.#model.decoder.runner, logits).subarray(from, from + this.vocabularySize)
  }
}
