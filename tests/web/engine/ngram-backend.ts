/**
 * A real language model that is small enough for tests in Node: an n-gram over tokens, with shorter ones to fall back on.
 * It knows the text that it was made of by heart and nothing else. Counts what it is asked to compute.
 */
import type { Backend } from '../../../web/src/engine/backend.ts'

/** Tokens of history: enough to tell words apart that share their tokens. */
const ORDER = 7

export class NgramBackend implements Backend {
  readonly name = 'ngram'
  readonly continuesPrompt = true
  readonly contextLength = 4096
  readonly chunkTokens = 64
  readonly vocabularySize: number
  readonly #counts = new Map<string, Map<number, number>>()
  #tokens: number[] = []
  /** Tokens of each run, in order. */
  readonly runs: number[] = []

  constructor(texts: readonly (readonly number[])[], vocabularySize: number) {
    this.vocabularySize = vocabularySize
    for (const text of texts) {
      text.forEach((token, at) => {
        for (let order = 0; order <= Math.min(ORDER, at); order++) this.#count(text.slice(at - order, at), token)
      })
    }
  }

  get length(): number {
    return this.#tokens.length
  }

  room(promptTokens: number): number {
    return Math.max(0, this.contextLength - promptTokens)
  }

  async prefill(tokens: readonly number[], from: number): Promise<Float32Array> {
    this.truncate(from)
    this.#run(tokens)
    return this.#row(this.#tokens)
  }

  async decode(token: number): Promise<Float32Array> {
    this.#run([token])
    return this.#row(this.#tokens)
  }

  async verify(tokens: readonly number[]): Promise<Float32Array[]> {
    const before = this.#tokens
    this.#run(tokens)
    return tokens.map((_, index) => this.#row([...before, ...tokens.slice(0, index + 1)]))
  }

  truncate(length: number): void {
    if (length > this.#tokens.length) throw new RangeError(`Cannot go to ${length} of ${this.#tokens.length}.`)
    this.#tokens = this.#tokens.slice(0, length)
  }

  async dispose(): Promise<void> {}

  #run(tokens: readonly number[]): void {
    this.runs.push(tokens.length)
    this.#tokens = [...this.#tokens, ...tokens]
  }

  #count(history: readonly number[], token: number): void {
    const key = history.join()
    const counts = this.#counts.get(key) ?? new Map<number, number>()
    counts.set(token, (counts.get(token) ?? 0) + 1)
    this.#counts.set(key, counts)
  }

  #row(tokens: readonly number[]): Float32Array {
    const found: Map<number, number>[] = []
    for (let order = 0; order <= Math.min(ORDER, tokens.length); order++) {
      const counts = this.#counts.get(tokens.slice(tokens.length - order).join())
      if (counts) found.push(counts)
    }
    const chances = new Float32Array(this.vocabularySize).fill(1e-7 * 0.1 ** found.length)
    for (const [index, counts] of found.entries()) {
      const weight = 0.9 * 0.1 ** (found.length - 1 - index)
      const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
      for (const [token, count] of counts) chances[token] = (chances[token] ?? 0) + (weight * count) / total
    }
    return chances.map(Math.log)
  }
}
