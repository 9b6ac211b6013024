/** Greedy decoding over a backend, for tests that compare its tokens. */
import type { Backend } from '../../../web/src/engine/backend.ts'
import { argmax } from '../../../web/src/engine/sampler.ts'

/** `count` tokens after `prompt`, of which the first `from` are in the backend's cache already. */
export async function greedy(backend: Backend, prompt: readonly number[], count: number, from = 0): Promise<number[]> {
  let logits = await backend.prefill(prompt.slice(from), from)
  const tokens: number[] = []
  while (tokens.length < count) {
    const token = argmax(logits)
    tokens.push(token)
    logits = await backend.decode(token)
  }
  return tokens
}
