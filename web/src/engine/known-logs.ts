/**
 * Log probabilities that the model gave already, so that who weighs an answer (proofread/score.ts) has nothing computed again
 * that writing it has: each belongs to all tokens before it, whatever lies in the cache by now. Those behind one prompt, the
 * last one.
 */
import { LogProbabilities } from './logprobs.ts'
import { commonLength } from './parked.ts'
import type { Step } from './sampler.ts'

/** What is known behind a prompt and some tokens. */
export class Place {
  /** By the token that comes next. */
  readonly logs = new Map<number, number>()
  readonly #next = new Map<number, Place>()

  behind(token: number): Place {
    const next = this.#next.get(token) ?? new Place()
    this.#next.set(token, next)
    return next
  }
}

export class KnownLogs {
  readonly #vocabularySize: number
  #read: LogProbabilities | null = null
  #prompt: readonly number[] = []
  #first = new Place()

  constructor(vocabularySize: number) {
    this.#vocabularySize = vocabularySize
  }

  /** The place right behind `prompt`. What was known behind another one is forgotten. */
  behind(prompt: readonly number[]): Place {
    const { length } = this.#prompt
    if (length !== prompt.length || commonLength(this.#prompt, prompt) < length) {
      this.clear()
      this.#prompt = [...prompt]
    }
    return this.#first
  }

  /** Keeps what the model's step at `place` says of `tokens`; of those that candidates do not hold nothing. */
  note(place: Place, step: Step, tokens: readonly number[]): void {
    const fresh = tokens.filter(token => !place.logs.has(token))
    if (fresh.length === 0) return
    this.#read ??= new LogProbabilities(0, () => ({ text: '', bytes: [] }), this.#vocabularySize)
    for (const [token, log] of this.#read.logs(step, fresh)) place.logs.set(token, log)
  }

  clear(): void {
    this.#prompt = []
    this.#first = new Place()
  }
}
