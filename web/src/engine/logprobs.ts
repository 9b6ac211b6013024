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
    const view: View = isWhole
      ? { ids: null, scores: step, size: step.length }
      : { ids: step.ids, scores: step.logits, size: step.ids.length }
    const place = isWhole ? token : step.ids.indexOf(token)
    const highest = highestScore(view)
    this.#ranking.begin(view, highest, 1)
    const places = this.#ranking.first(this.#top)
    const floor = isWhole ? Number.NEGATIVE_INFINITY : step.floor
    const isSure =
      places.every(top => (view.scores[top] ?? floor) > floor) && places.length === this.#count(view, floor)
    if (place < 0 || !isSure) return null
    const logSumExp = isWhole ? highest + Math.log(this.#ranking.total()) : step.logSumExp
    const info = (at: number) => this.#info(view.ids?.[at] ?? at, (view.scores[at] ?? 0) - logSumExp)
    return { ...info(place), top: places.map(info) }
  }

  /** How many tokens there are to report, of a view that may lack some. */
  #count({ size }: View, floor: number): number {
    return floor === Number.NEGATIVE_INFINITY ? Math.min(this.#top, size) : this.#top
  }

  #info(id: number, logprob: number): TokenInfo {
    return { id, ...this.#spell(id), logprob }
  }
}
