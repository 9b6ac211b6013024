/** What is added to or taken off logits before anything is drawn from them: penalties for tokens that came already, and bias. */
import type { View } from './ranking.ts'

export interface PenaltySettings {
  /** 1 is off. Divides positive logits of tokens of prompt and answer, multiplies negative ones. */
  repetitionPenalty: number
  /** 0 is off. Taken off once for every token that the answer has. */
  presencePenalty: number
  /** 0 is off. Taken off for every time that the answer has the token. */
  frequencyPenalty: number
  /** Token → what is added to its logit. */
  logitBias: ReadonlyMap<number, number>
}

/** Which tokens came, and how often the answer has them. */
export class Penalties {
  readonly #settings: PenaltySettings
  /** Per token: 0 never came, 1 in the prompt only, n + 1 where the answer has it n times. */
  readonly #counts: Int32Array
  /** Tokens with a count, each once. */
  readonly #came: Int32Array
  #distinct = 0
  readonly #penalises: boolean

  /** @param prompt tokens that the repetition penalty counts from the start */
  constructor(settings: PenaltySettings, vocabularySize: number, prompt: readonly number[]) {
    this.#settings = settings
    const { repetitionPenalty, presencePenalty, frequencyPenalty } = settings
    this.#penalises = repetitionPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0
    const size = this.#penalises ? vocabularySize : 0
    this.#counts = new Int32Array(size)
    this.#came = new Int32Array(size)
    if (repetitionPenalty !== 1) for (const token of prompt) if (this.#counts[token] === 0) this.#set(token, 1)
  }

  /** True where some logit changes now or will when tokens have come. */
  get active(): boolean {
    return this.#penalises || this.#settings.logitBias.size > 0
  }

  /** True where no logit can rise: a token that is missing from a list of the best stays below them. */
  get onlyLower(): boolean {
    const { repetitionPenalty, presencePenalty, frequencyPenalty, logitBias } = this.#settings
    if (repetitionPenalty < 1 || presencePenalty < 0 || frequencyPenalty < 0) return false
    for (const bias of logitBias.values()) if (bias > 0) return false
    return true
  }

  /** A token of the answer. */
  accept(token: number): void {
    if (this.#penalises) this.#set(token, Math.max(1, this.#counts[token] ?? 0) + 1)
  }

  /** Changes the scores in place. */
  apply({ ids, scores, size }: View): void {
    if (ids === null) {
      for (const [token, bias] of this.#settings.logitBias) {
        if (token < size) scores[token] = (scores[token] ?? 0) + bias
      }
      for (let index = 0; index < this.#distinct; index++) {
        const token = this.#came[index] ?? 0
        scores[token] = this.#penalised(scores[token] ?? 0, token)
      }
      return
    }
    for (let place = 0; place < size; place++) {
      const token = ids[place] ?? 0
      const score = (scores[place] ?? 0) + (this.#settings.logitBias.get(token) ?? 0)
      scores[place] = this.#penalised(score, token)
    }
  }

  #set(token: number, count: number): void {
    if (this.#counts[token] === 0) this.#came[this.#distinct++] = token
    this.#counts[token] = count
  }

  #penalised(score: number, token: number): number {
    const count = this.#counts[token] ?? 0
    if (count === 0) return score
    const { repetitionPenalty, presencePenalty, frequencyPenalty } = this.#settings
    const repeated = score > 0 ? score / repetitionPenalty : score * repetitionPenalty
    return count === 1 ? repeated : repeated - presencePenalty - frequencyPenalty * (count - 1)
  }
}
