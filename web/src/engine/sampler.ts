/**
 * Picks the next token. Pure: the same numbers, history and random numbers give the same token. Steps in OpenAI's order,
 * with llama.cpp's and Hugging Face's where OpenAI has none:
 *
 * 1. a constraint's mask takes tokens out
 * 2. logit bias is added
 * 3. repetition penalty (prompt and answer), then presence and frequency penalties (answer only)
 * 4. temperature; 0 takes the best token here and ends
 * 5. top-k
 * 6. top-p, as a share of what top-k left
 * 7. min-p, compared with the best token; it and top-p cut the same order, so the shorter of both remains
 * 8. one draw from what is left, in proportion
 *
 * Works on all logits, and on the likeliest tokens alone where these answer exactly (see `Candidates`); where they do
 * not, it says so and is asked again with all logits: the random number stays the same, and so does the token.
 */
import type { Candidates } from './backend.ts'
import { EngineError } from './errors.ts'
import { Penalties, type PenaltySettings } from './penalties.ts'
import { randomNumbers } from './random.ts'
import { bestPlace, highestScore, Ranking, type Reached, type View } from './ranking.ts'

export interface SamplerSettings extends PenaltySettings {
  /** 0 is greedy. */
  temperature: number
  /** 1 is off. */
  topP: number
  /** 0 is off. */
  topK: number
  /** 0 is off. */
  minP: number
  seed: number
}

/** Logits [vocabulary] f32, or the likeliest of them. */
export type Step = Float32Array | Candidates

/** Of the tokens that a list of candidates lacks: their weights' sum lies between these, no score is above `floor`. */
interface Missing {
  least: number
  most: number
  floor: number
}

const NOTHING_MISSING: Missing = { least: 0, most: 0, floor: Number.NEGATIVE_INFINITY }
/** How exact a sum over a vocabulary in float32 on a GPU is taken to be. */
const SUM_ERROR = 1e-5

export class Sampler {
  readonly #settings: SamplerSettings
  readonly #vocabularySize: number
  readonly #penalties: Penalties
  readonly #random: () => number
  #ranking: Ranking | null = null
  #adjusted: View = { ids: null, scores: new Float32Array(0), size: 0 }
  /** The random number of the token that is being picked. */
  #luck: number | null = null

  /** @param prompt tokens that count as said already; [] where an answer is a text of its own */
  constructor(settings: SamplerSettings, vocabularySize: number, prompt: readonly number[]) {
    this.#settings = settings
    this.#vocabularySize = vocabularySize
    this.#penalties = new Penalties(settings, vocabularySize, prompt)
    this.#random = randomNumbers(settings.seed)
  }

  /** True where candidates could never answer: some logit outside of them may rise. */
  get needsLogits(): boolean {
    return !this.#penalties.onlyLower
  }

  /**
   * The next token, or null where candidates do not tell: ask again with all logits. Leaves the numbers as they are.
   * @param allowed which tokens may come (see `Constraint`), null for all
   * @throws EngineError 'internal' where no token is left or the numbers are none
   */
  pick(step: Step, allowed: Uint32Array | null): number | null {
    const view = this.#view(step, allowed)
    const highest = highestScore(view)
    const partial = step instanceof Float32Array ? null : step
    if (highest === Number.NEGATIVE_INFINITY && partial && partial.floor > highest) return null
    if (!Number.isFinite(highest)) throw unusable()
    const place = this.#choose(view, highest, { step: partial, changed: allowed !== null })
    return place === null ? null : (view.ids?.[place] ?? place)
  }

  /** The token that came, whoever chose it. Ends the use of this place's random number. */
  accept(token: number): void {
    if (this.#settings.temperature > 0) this.#luck ??= this.#random() // one per token, drawn or not
    this.#luck = null
    this.#penalties.accept(token)
  }

  #choose(
    view: View,
    highest: number,
    { step, changed }: { step: Candidates | null; changed: boolean },
  ): number | null {
    const floor = step?.floor ?? Number.NEGATIVE_INFINITY
    /** Whether a token of this score comes before every missing one. */
    const isSure = (place: number) => floor === Number.NEGATIVE_INFINITY || (view.scores[place] ?? floor) > floor
    if (this.#settings.temperature === 0) {
      const best = bestPlace(view)
      return isSure(best) ? best : null
    }
    this.#ranking ??= new Ranking(this.#vocabularySize)
    this.#ranking.begin(view, highest, this.#settings.temperature)
    this.#luck ??= this.#random()
    const missing = step && floor > Number.NEGATIVE_INFINITY ? this.#missing(step, highest, changed) : NOTHING_MISSING
    const place = this.#draw(this.#ranking, this.#luck, missing)
    return place !== null && isSure(place.last) ? place.drawn : null
  }

  /** The drawn token, and the last in order that had to be known for it. Null where missing tokens would decide. */
  #draw(ranking: Ranking, luck: number, missing: Missing): { drawn: number; last: number } | null {
    const { topK, topP, minP } = this.#settings
    if (topK > 0 && topK < this.#vocabularySize) {
      ranking.chooseFirst(topK)
      const last = ranking.last()
      const share = topP < 1 ? (ranking.reach(topP * ranking.sum, false)?.mass ?? ranking.sum) : ranking.sum
      return { drawn: this.#drawFrom(ranking, luck * Math.min(share, ranking.upTo(minP))), last }
    }
    if (topP < 1) {
      const total = usable(ranking.total())
      const cut = heavyReach(ranking, topP * (total + missing.least), false)
      if (missing.most > 0) {
        const other = heavyReach(ranking, topP * (total + missing.most), false)
        if (other === null || other.place !== cut?.place) return null
      }
      const share = Math.min(cut?.mass ?? ranking.sum, ranking.upTo(minP))
      return { drawn: this.#drawFrom(ranking, luck * share), last: cut?.place ?? ranking.last() }
    }
    if (minP > 0) {
      if (ranking.weight(missing.floor) >= minP) return null
      ranking.chooseFromWeight(minP)
      return { drawn: this.#drawFrom(ranking, luck * ranking.sum), last: ranking.last() }
    }
    const total = usable(ranking.total())
    const reached = heavyReach(ranking, luck * (total + missing.least), true)
    if (missing.most > 0) {
      const other = heavyReach(ranking, luck * (total + missing.most), true)
      if (other === null || other.place !== reached?.place) return null
    }
    const drawn = reached?.place ?? ranking.last()
    return { drawn, last: drawn }
  }

  #drawFrom(ranking: Ranking, amount: number): number {
    return ranking.reach(amount, true)?.place ?? ranking.last() // rounding left a crumb
  }

  /**
   * What the tokens outside of the candidates weigh beside a best token of 1. Their probabilities x sum up to `rest`, each
   * at most `top`: at temperature 1/power, sum(x^power) lies between rest * top^(power-1) and count^(1-power) * rest^power
   * (which of the two is the larger depends on the power's side of 1). Where they may have been lowered, from 0.
   */
  #missing({ ids, logits, logSumExp, floor }: Candidates, highest: number, changed: boolean): Missing {
    const power = 1 / this.#settings.temperature
    let listed = 0
    for (const logit of logits) listed += Math.exp(logit - logSumExp)
    const rest = { least: Math.max(0, 1 - listed - SUM_ERROR), most: Math.max(0, 1 - listed + SUM_ERROR) }
    const count = Math.max(1, this.#vocabularySize - ids.length)
    const bounds = (mass: number) => [
      mass * Math.exp((floor - logSumExp) * (power - 1)),
      count ** (1 - power) * mass ** power,
    ]
    const scale = Math.exp((logSumExp - highest) * power)
    const isChanged = changed || this.#penalties.active
    return {
      floor,
      least: isChanged ? 0 : scale * Math.min(...bounds(rest.least)),
      most: scale * Math.max(...bounds(rest.most)),
    }
  }

  /** The scores to choose from: the step's own numbers, or a changed copy. */
  #view(step: Step, allowed: Uint32Array | null): View {
    const own: View =
      step instanceof Float32Array
        ? { ids: null, scores: step, size: step.length }
        : { ids: step.ids, scores: step.logits, size: step.ids.length }
    if (!this.#penalties.active && allowed === null) return own
    if (this.#adjusted.scores.length < own.size) {
      this.#adjusted = { ids: null, scores: new Float32Array(own.size), size: own.size }
    }
    const copy: View = { ids: own.ids, scores: this.#adjusted.scores, size: own.size }
    copy.scores.set(own.scores)
    if (this.#penalties.active) this.#penalties.apply(copy)
    if (allowed !== null) mask(copy, allowed)
    return copy
  }
}

/** Of weights: where one of them is no number, the sum is none, and any draw would be as good as another. */
function usable(sum: number): number {
  if (Number.isNaN(sum)) throw unusable()
  return sum
}

function unusable(): EngineError {
  return new EngineError('internal', 'The model gave no usable numbers for the next word. Try again.')
}

/** Looks among the heavy tokens first, which nearly always answers. */
function heavyReach(ranking: Ranking, amount: number, beyond: boolean): Reached | null {
  ranking.chooseHeavy(false)
  const near = ranking.reach(amount, beyond)
  if (near) return near
  ranking.chooseHeavy(true)
  return ranking.reach(amount, beyond)
}

/** Takes out every token that is not allowed. */
function mask({ ids, scores, size }: View, allowed: Uint32Array): void {
  if (ids !== null) {
    for (let place = 0; place < size; place++) {
      if (!isAllowed(allowed, ids[place] ?? 0)) scores[place] = Number.NEGATIVE_INFINITY
    }
    return
  }
  // Most words of a mask are all or nothing.
  for (let from = 0; from < size; from += 32) {
    const word = allowed[from >>> 5] ?? 0
    if (word === 0xffffffff) continue
    const to = Math.min(from + 32, size)
    if (word === 0) scores.fill(Number.NEGATIVE_INFINITY, from, to)
    else for (let token = from; token < to; token++) if (!isAllowed(allowed, token)) scores[token] = -Infinity
  }
}

function isAllowed(allowed: Uint32Array, token: number): boolean {
  return (((allowed[token >>> 5] ?? 0) >>> (token & 31)) & 1) === 1
}

/** The first of the largest. */
export function argmax(scores: Float32Array): number {
  return Math.max(0, bestPlace({ ids: null, scores, size: scores.length }))
}
