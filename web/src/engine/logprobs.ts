/** Log probabilities of tokens as the model gave them, before any sampling setting: what OpenAI's `logprobs` reports. */
import type { Spell } from './decoder.ts'
import type { TokenInfo, TokenInfoWithTop } from './protocol.ts'
import { highestScore, Ranking, type View } from './ranking.ts'
import type { Step } from './sampler.ts'

export class LogProbabilities {
  readonly #top: number
  readonly #spell: Spell
  readonly #ranking: Ranking

  /** @param top how many likeliest tokens to report beside each */
  constructor(top: number, spell: Spell, vocabularySize: number) {
    this.#top = top
    this.#spell = spell
    this.#ranking = new Ranking(vocabularySize)
  }

  /** Null where candidates do not tell: ask again with all logits. */
  of(step: Step, token: number): TokenInfoWithTop | null {
    const isWhole = step instanceof Float32Array
    const view = viewOf(step)
    const place = placeOf(step, token)
    const logSumExp = this.#begin(step, view)
    const places = this.#ranking.first(this.#top)
    const floor = isWhole ? Number.NEGATIVE_INFINITY : step.floor
    const isSure =
      places.every(top => (view.scores[top] ?? floor) > floor) && places.length === this.#count(view, floor)
    if (place < 0 || !isSure) return null
    const info = (at: number) => this.#info(view.ids?.[at] ?? at, (view.scores[at] ?? 0) - logSumExp)
    return { ...info(place), top: places.map(info) }
  }

  /** Of each of `tokens`, without those that candidates do not hold. */
  logs(step: Step, tokens: readonly number[]): Map<number, number> {
    const view = viewOf(step)
    const logSumExp = this.#begin(step, view)
    const held = tokens.filter(token => placeOf(step, token) >= 0)
    return new Map(held.map(token => [token, (view.scores[placeOf(step, token)] ?? 0) - logSumExp]))
  }

  /** The logarithm of the sum over the whole vocabulary. */
  #begin(step: Step, view: View): number {
    const highest = highestScore(view)
    this.#ranking.begin(view, highest, 1)
    return step instanceof Float32Array ? highest + Math.log(this.#ranking.total()) : step.logSumExp
  }

  /** How many tokens there are to report, of a view that may lack some. */
  #count({ size }: View, floor: number): number {
    return floor === Number.NEGATIVE_INFINITY ? Math.min(this.#top, size) : this.#top
  }

  #info(id: number, logprob: number): TokenInfo {
    return { id, ...this.#spell(id), logprob }
  }
}

function viewOf(step: Step): View {
  if (step instanceof Float32Array) return { ids: null, scores: step, size: step.length }
  return { ids: step.ids, scores: step.logits, size: step.ids.length }
}

/** Where a token is in its view, -1 where it is not. */
function placeOf(step: Step, token: number): number {
  return step instanceof Float32Array ? token : step.ids.indexOf(token)
}
