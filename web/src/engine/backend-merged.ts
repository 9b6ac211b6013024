/**
 * Encoder-decoder models as others export them (optimum, transformers.js) through ONNX Runtime on the CPU: an encoder, and a
 * decoder in two branches merged into one graph. The first run of an answer takes the branch that reads the encoder's states
 * and makes the keys and values of cross-attention; every later one goes on from these, one token at a time, since that
 * branch was traced with one.
 *
 * Graphs, batch of one: encoder_model: input_ids, attention_mask [1, S] i64 → last_hidden_state [1, S, d].
 * decoder_model_merged: input_ids [1, n] i64, encoder_attention_mask [1, S] i64, encoder_hidden_states [1, S, d],
 * past_key_values.{i}.decoder|encoder.key|value [1, heads, past or S, headDim], use_cache_branch [1] bool
 * → logits [1, n, vocabulary], present.{i}.decoder|encoder.key|value; the encoder's are placeholders in the second branch.
 */
import type { Backend } from './backend.ts'
import { EngineError } from './errors.ts'
import { floats, int64Row } from './heap.ts'
import type { OrtRunner, OrtTensor } from './ort-module.ts'
import type { Session } from './session.ts'

export interface MergedModel {
  name: string
  encoder: Session
  decoder: Session
  /** Tokens that every answer begins with; they are not shown. */
  start: readonly number[]
  vocabularySize: number
  /** Most tokens of a prompt, and of an answer. */
  contextLength: number
  maxAnswerTokens: number
}

export class MergedBackend implements Backend {
  readonly name: string
  readonly vocabularySize: number
  readonly contextLength: number
  readonly chunkTokens: number
  readonly continuesPrompt = false
  readonly #model: MergedModel
  readonly #layers: readonly string[]
  readonly #heads: number
  readonly #headDim: number
  readonly #width: number
  /** Of the prompt that was read: mask, states, and after the first run the keys and values of cross-attention. */
  #prompt: OrtTensor[] = []
  #cross: OrtTensor[] = []
  #past: OrtTensor[] = []
  #promptTokens = 0
  #answerTokens = 0

  /** @throws EngineError 'unsupported' for graphs of another form */
  constructor(model: MergedModel) {
    this.name = model.name
    this.vocabularySize = model.vocabularySize
    this.contextLength = model.contextLength
    this.chunkTokens = model.contextLength
    this.#model = model
    const past = model.decoder.inputs.filter(({ name }) => /^past_key_values\.\d+\.decoder\.(key|value)$/.test(name))
    const [, heads, , headDim] = past[0]?.shape ?? []
    const width = model.encoder.outputs.find(({ name }) => name === 'last_hidden_state')?.shape[2]
    const isMerged = model.decoder.inputNames.includes('use_cache_branch')
    const isFloat = past.every(({ type }) => type === 'float32')
    if (
      typeof heads !== 'number' ||
      typeof headDim !== 'number' ||
      typeof width !== 'number' ||
      !isMerged ||
      !isFloat
    ) {
      throw new EngineError('unsupported', { kind: 'not-merged' })
    }
    this.#layers = past.map(({ name }) => name.replace(/^past_key_values\./, ''))
    this.#heads = heads
    this.#headDim = headDim
    this.#width = width
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
    return this.#write(this.#model.start)
  }

  async decode(token: number): Promise<Float32Array> {
    const logits = await this.#write([token])
    this.#answerTokens++
    return logits
  }

  async verify(tokens: readonly number[]): Promise<Float32Array[]> {
    const rows: Float32Array[] = []
    for (const token of tokens) rows.push(await this.decode(token))
    return rows
  }

  truncate(length: number): void {
    if (length !== 0 && length === this.length) return // at 0 there may be tensors of a prompt that failed
    if (length !== 0) throw new EngineError('internal', `Cannot go to position ${length} of ${this.length}.`)
    for (const tensor of [...this.#prompt, ...this.#cross, ...this.#past]) tensor.release()
    this.#prompt = []
    this.#cross = []
    this.#past = []
    this.#promptTokens = 0
    this.#answerTokens = 0
  }

  async dispose(): Promise<void> {
    this.truncate(0)
    for (const session of [this.#model.encoder, this.#model.decoder]) await session.dispose()
  }

  async #read(tokens: readonly number[]): Promise<void> {
    const { encoder, decoder } = this.#model
    const ids = int64Row(encoder.runner, tokens)
    const mask = int64Row(encoder.runner, new Array(tokens.length).fill(1))
    const states = encoder.runner.heapTensor('float32', [1, tokens.length, this.#width])
    this.#prompt = [mask, states]
    try {
      encoder.runner.setInput('input_ids', ids)
      encoder.runner.setInput('attention_mask', mask)
      encoder.runner.setOutput('last_hidden_state', states)
      await encoder.runner.run()
    } finally {
      ids.release()
    }
    this.#promptTokens = tokens.length
    for (const [name, tensor] of [
      ['encoder_attention_mask', mask],
      ['encoder_hidden_states', states],
    ] as const)
      if (decoder.inputNames.includes(name)) decoder.runner.setInput(name, tensor)
  }

  /** Runs `tokens` at the next positions of the answer: logits after the last. */
  async #write(tokens: readonly number[]): Promise<Float32Array> {
    const { runner } = this.#model.decoder
    const isFirst = this.#past.length === 0
    const total = (isFirst ? 0 : this.#model.start.length + this.#answerTokens) + tokens.length
    const empty = isFirst ? [this.#make(runner, 0), this.#make(runner, 0)] : []
    const present = this.#make(runner, total)
    const cross = isFirst ? this.#make(runner, this.#promptTokens) : []
    const passing = [int64Row(runner, tokens), flag(runner, !isFirst), ...empty.flat()]
    const logits = runner.heapTensor('float32', [1, tokens.length, this.vocabularySize])
    try {
      const [ids, branch] = passing
      if (ids) runner.setInput('input_ids', ids)
      if (branch) runner.setInput('use_cache_branch', branch)
      this.#bind(runner, { past: isFirst ? empty[0] : this.#past, cross: isFirst ? empty[1] : this.#cross })
      for (const [index, layer] of this.#layers.entries()) {
        runner.setOutput(`present.${layer}`, present[index] ?? logits)
        const placeholder = `present.${crossOf(layer)}`
        if (isFirst) runner.setOutput(placeholder, cross[index] ?? logits)
        else runner.ignoreOutput(placeholder)
      }
      runner.setOutput('logits', logits)
      await runner.run()
      for (const tensor of this.#past) tensor.release()
      this.#past = present
      if (isFirst) this.#cross = cross
      return floats(runner, logits).slice(-this.vocabularySize)
    } catch (error) {
      for (const tensor of [...present, ...cross]) tensor.release()
      throw error
    } finally {
      for (const tensor of [...passing, logits]) tensor.release()
    }
  }

  #bind(runner: OrtRunner, { past, cross }: Record<'past' | 'cross', readonly OrtTensor[] | undefined>): void {
    for (const [index, layer] of this.#layers.entries()) {
      const [own, other] = [past?.[index], cross?.[index]]
      if (own) runner.setInput(`past_key_values.${layer}`, own)
      if (other) runner.setInput(`past_key_values.${crossOf(layer)}`, other)
    }
  }

  #make(runner: OrtRunner, positions: number): OrtTensor[] {
    return this.#layers.map(() => runner.heapTensor('float32', [1, this.#heads, positions, this.#headDim]))
  }
}

/** `0.decoder.key` → `0.encoder.key`: the same layer's cross-attention. */
function crossOf(layer: string): string {
  return layer.replace('.decoder.', '.encoder.')
}

function flag(runner: OrtRunner, value: boolean): OrtTensor {
  const tensor = runner.heapTensor('bool', [1])
  runner.bytes(tensor)[0] = value ? 1 : 0
  return tensor
}
