/** What a model says of the next token: log probabilities, and sums and bests by what a token does to a word. */
import { KIND, KINDS, type TokenTable } from './tokens.ts'

export class Distribution {
  readonly #logits: Float32Array
  readonly #logSum: number
  /** Probability of each kind of token. */
  readonly #mass: Float64Array
  readonly #best: Int32Array

  /** @param logits [vocabulary] f32, not copied */
  constructor(logits: Float32Array, { kinds }: TokenTable) {
    this.#logits = logits
    let highest = Number.NEGATIVE_INFINITY
    for (const logit of logits) if (logit > highest) highest = logit
    const sums = new Float64Array(KINDS)
    const best = new Int32Array(KINDS).fill(-1)
    for (let token = 0; token < logits.length; token++) {
      const kind = kinds[token] ?? KIND.end
      const logit = logits[token] ?? Number.NEGATIVE_INFINITY
      sums[kind] = (sums[kind] ?? 0) + Math.exp(logit - highest)
      const so = best[kind] ?? -1
      if (so < 0 || logit > (logits[so] ?? 0)) best[kind] = token
    }
    const sum = sums.reduce((total, value) => total + value, 0)
    this.#logSum = highest + Math.log(sum)
    this.#mass = sums.map(value => value / sum)
    this.#best = best
  }

  /** Natural logarithm of a token's probability. */
  log(token: number): number {
    return (this.#logits[token] ?? Number.NEGATIVE_INFINITY) - this.#logSum
  }

  mass(kind: number): number {
    return this.#mass[kind] ?? 0
  }

  /** The likeliest token among the kinds; -1 where there is none. At equal logits the lower one. */
  best(...kinds: number[]): number {
    let best = -1
    for (const kind of kinds) {
      const token = this.#best[kind] ?? -1
      if (token < 0) continue
      const difference = best < 0 ? 1 : (this.#logits[token] ?? 0) - (this.#logits[best] ?? 0)
      if (difference > 0 || (difference === 0 && token < best)) best = token
    }
    return best
  }
}
