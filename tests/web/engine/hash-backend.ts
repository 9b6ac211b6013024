/**
 * A backend whose logits depend on every token before them, computed here: whoever reads a wrong cache gets other numbers.
 * Counts the tokens that it computes.
 */
import type { Backend } from '../../../web/src/engine/backend.ts'

export interface HashBackend extends Backend {
  /** Tokens computed so far. */
  readonly computed: number
  readonly held: readonly number[]
  /** Holds other tokens, as if it had computed them. */
  put(tokens: readonly number[]): void
}

export function hashBackend(vocabularySize = 64, contextLength = 4096): HashBackend {
  let computed = 0
  let held: number[] = []
  const run = (tokens: readonly number[]) => {
    computed += tokens.length
    return tokens.map(token => {
      held.push(token)
      return logitsAfter(held, vocabularySize)
    })
  }
  return {
    ...{ name: 'hash', vocabularySize, contextLength, continuesPrompt: true, chunkTokens: 16 },
    get computed() {
      return computed
    },
    get held() {
      return held
    },
    put(tokens) {
      held = [...tokens]
    },
    get length() {
      return held.length
    },
    room: tokens => (tokens < contextLength ? contextLength - tokens + 1 : 0),
    async prefill(tokens, from) {
      held = held.slice(0, from)
      return run(tokens).at(-1) ?? new Float32Array()
    },
    decode: async token => run([token])[0] ?? new Float32Array(),
    verify: async tokens => run(tokens),
    truncate(length) {
      if (length < 0 || length > held.length) throw new Error(`cannot go to ${length} of ${held.length}`)
      held = held.slice(0, length)
    },
    dispose: async () => {},
  }
}

/** The same for the same tokens, in every backend. */
export function logitsAfter(tokens: readonly number[], vocabularySize: number): Float32Array {
  let state = 0x811c9dc5
  for (const token of tokens) state = Math.imul(state ^ (token + 1), 0x01000193) ^ (state >>> 15)
  return Float32Array.from({ length: vocabularySize }, (_, token) => {
    const mixed = Math.imul(state ^ Math.imul(token + 1, 0x9e3779b1), 0x85ebca6b)
    return ((mixed >>> 8) & 0xffff) / 6554 - 5
  })
}

export function logProbability(tokens: readonly number[], next: number, vocabularySize: number): number {
  const logits = logitsAfter(tokens, vocabularySize)
  const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0)
  return (logits[next] ?? Number.NaN) - Math.log(sum)
}
