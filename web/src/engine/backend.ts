/**
 * The seam between "how a model is computed" and everything above it: sampling, stopping, prefix reuse, chat.
 * A backend owns weights and KV cache and knows token ids and positions, never text. Logits are [vocabulary] f32,
 * and a view that the next call overwrites.
 */
import type { TokenWork } from './api.ts'

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
  /**
   * The same steps answered with the likeliest tokens only, where the backend selects them on the GPU: a few kilobytes
   * cross to the CPU instead of a whole row. Absent where logits are in the CPU's memory anyway: read them there.
   */
  readonly candidates?: CandidateSteps | null
  /** Takes what the cache holds out of it, to be put back later. Absent where that is not worth it or not possible. */
  readonly parking?: Parking
  /** What a token costs, where the backend knows it. */
  readonly work?: TokenWork
  dispose(): Promise<void>
}

/** `room` of a decoder. The last token of an answer needs no position of its own: nothing is computed from it. */
export function roomBehind(promptTokens: number, contextLength: number): number {
  return promptTokens < contextLength ? contextLength - promptTokens + 1 : 0
}

export interface Parking {
  readonly bytesPerPosition: number
  /** A copy of all positions that the cache holds; null where there is no memory for one. */
  park(): Promise<Parked | null>
}

export interface Parked {
  readonly bytes: number
  /**
   * Puts the first `positions` of the copy into the cache, in the place of all that is there.
   * @throws EngineError 'out-of-memory'
   */
  restore(positions: number): Promise<void>
  release(): void
}

export interface CandidateSteps {
  prefill(tokens: readonly number[], from: number): Promise<Candidates>
  decode(token: number): Promise<Candidates>
  verify(tokens: readonly number[]): Promise<Candidates[]>
  /** All logits [vocabulary] after one token of the last step (the last one by default): for what candidates cannot answer. */
  logits(row?: number): Promise<Float32Array>
}

/**
 * The likeliest tokens after one position, in no order, each once. The vocabulary is dealt out to rows and the best
 * `perRow` of every row are here, so **no token that is missing has a logit above `floor`**, the largest of the rows' smallest.
 *
 * What is exact without the other logits: any choice among tokens whose (adjusted) logit is above `floor`, as long as
 * adjusting can only lower a missing token (repetition penalty >= 1, presence and frequency penalties >= 0, bias <= 0).
 * Greedy: the best is above `floor`. Top-k: the k-th best is above it. Top-p and min-p: every kept token is above it;
 * probabilities are exp(logit - logSumExp). At temperature T the missing tokens together weigh, for
 * rest = exp(logSumExp) - sum(exp(listed)): at T < 1 between 0 and rest * exp(floor * (1 / T - 1)). Where a choice
 * depends on more, ask `CandidateSteps.logits()`. At equal logits the lower token id wins, as in `argmax`.
 */
export interface Candidates {
  ids: Int32Array
  /** Of `ids`, in the same order: exactly the model's numbers. */
  logits: Float32Array
  /** log(sum(exp(logit))) over the whole vocabulary. */
  logSumExp: number
  /** The largest logit that a token outside of `ids` may have; -Infinity where every token is in. */
  floor: number
  perRow: number
}
