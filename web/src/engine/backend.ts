/**
 * The seam between "how a model is computed" and everything above it: sampling, stopping, prefix reuse, chat.
 * A backend owns weights and KV cache and knows token ids and positions, never text. Logits are [vocabulary] f32,
 * and a view that the next call overwrites.
 */
export interface Backend {
  /** Which code computes: `ort-webgpu-jspi`, `ort-wasm`, … */
  readonly name: string
  readonly vocabularySize: number
  /** Most positions that fit: prompt and answer together. */
  readonly contextLength: number
  /**
   * True where an answer goes on with its prompt (decoder), so that a prompt's beginning can be kept from one to the next.
   * False where it is a text of its own (encoder-decoder): a prompt is read whole, and the answer starts from nothing.
   */
  readonly continuesPrompt: boolean
  /** How many tokens may follow a prompt of so many; 0 where the prompt does not fit. */
  room(promptTokens: number): number
  /** Tokens that one `prefill` call should take at most, so that a cancel between calls is prompt. */
  readonly chunkTokens: number
  /** Positions whose keys and values are in the cache. */
  readonly length: number
  /** Runs `tokens` at the positions from `from` on, forgetting what was there: logits after the last one. */
  prefill(tokens: readonly number[], from: number): Promise<Float32Array>
  /** Runs one token at the next position: logits after it. */
  decode(token: number): Promise<Float32Array>
  /** Runs `tokens` at the next positions: logits after each of them, in order. `truncate` takes wrong guesses back. */
  verify(tokens: readonly number[]): Promise<Float32Array[]>
  /** Forgets every position from `length` on. */
  truncate(length: number): void
  dispose(): Promise<void>
}
