/**
 * Tokens in the order of their scores, without sorting a vocabulary: sums over the beginning of that order, and the
 * token at which such a sum reaches an amount. Every cut of a distribution (top-k, top-p, min-p) and the draw itself are
 * questions of this kind. The order is: higher score first, at equal scores the lower token id.
 */

/** Scores of some tokens, or of all. */
export interface View {
  /** The token of each score; null where score i is token i's. */
  ids: Int32Array | null
  scores: Float32Array
  /** How many of the two are in use. */
  size: number
}

/** Buckets of weights, and entries of the table below: 64 for each power of e, up to e^-128, which is nothing. */
const PER_E = 64
const BUCKETS = 128 * PER_E
const LAST = BUCKETS - 0.5
const POWERS = Float64Array.from({ length: BUCKETS }, (_, bucket) => Math.exp(-bucket / PER_E))

/** Weights below e^-10 of the best token's are looked at only where the others do not answer. */
const NEAR = 10
/** Below this a token weighs less than float64 can add to the best one's weight. */
const FAR = 40

/** Where a sum over the order reaches an amount: the token's place in the view, and the sum up to and with it. */
export interface Reached {
  place: number
  mass: number
}

/** exp(-steps / 64) to a relative error of 3e-9, well below what a float32 logit tells; three times as fast as Math.exp. */
function power(steps: number): number {
  const bucket = steps & (BUCKETS - 1)
  const rest = (steps - bucket) * (1 / PER_E)
  return (POWERS[bucket] ?? 0) * (1 - rest * (1 - rest * (0.5 - rest * (1 / 6))))
}

/** The place of the first in order; -1 where nothing is a number above -Infinity. */
export function bestPlace(view: View): number {
  const { ids, scores, size } = view
  const highest = highestScore(view)
  if (highest === Number.NEGATIVE_INFINITY) return -1
  let best = scores.indexOf(highest)
  if (ids === null) return best
  for (let place = best + 1; place < size; place++) {
    if (scores[place] === highest && (ids[place] ?? 0) < (ids[best] ?? 0)) best = place
  }
  return best
}

/** The best score, -Infinity where nothing is a number above it. */
export function highestScore({ scores, size }: View): number {
  // Four at a time: one after the other, each comparison would wait for the last.

  let a = Number.NEGATIVE_INFINITY
  let b = a
  let c = a
  let d = a
  const whole = size & ~3
  for (let place = 0; place < whole; place += 4) {
    const first = scores[place] ?? a
    const second = scores[place + 1] ?? b
    const third = scores[place + 2] ?? c
    const fourth = scores[place + 3] ?? d
    if (first > a) a = first
    if (second > b) b = second
    if (third > c) c = third
    if (fourth > d) d = fourth
  }
  for (let place = whole; place < size; place++) if ((scores[place] ?? a) > a) a = scores[place] ?? a
  return Math.max(a, b, c, d)
}

/** Scores as weights exp((score - best score) / temperature), and the tokens chosen of them. Reuses its memory. */
export class Ranking {
  readonly #places: Int32Array
  readonly #weights: Float64Array
  readonly #mass = new Float64Array(BUCKETS)
  #view: View = { ids: null, scores: new Float32Array(0), size: 0 }
  #highest = 0
  /** Of a score's distance from the best to steps of the table. */
  #scale = 1
  #chosen = 0
  #sum = 0
  /** One behind the last bucket with weight. */
  #buckets = 0

  /** @param most tokens of a view */
  constructor(most: number) {
    this.#places = new Int32Array(most)
    this.#weights = new Float64Array(most)
  }

  begin(view: View, highest: number, temperature: number): void {
    this.#view = view
    this.#highest = highest
    this.#scale = PER_E / temperature
    this.#chosen = 0
    this.#sum = 0
  }

  /** What the chosen tokens weigh together; the best token weighs 1. */
  get sum(): number {
    return this.#sum
  }

  weight(score: number): number {
    return power(Math.min((this.#highest - score) * this.#scale, LAST))
  }

  /** What the whole view weighs. */
  total(): number {
    const { scores, size } = this.#view
    const highest = this.#highest
    const scale = this.#scale
    let sum = 0
    for (let place = 0; place < size; place++) sum += power(Math.min((highest - (scores[place] ?? 0)) * scale, LAST))
    return sum
  }

  /** Chooses the first `count` of the order. */
  chooseFirst(count: number): void {
    const { scores } = this.#view
    const heap = this.#places
    // Most of a vocabulary is far below the best tokens: only where too few are near is all of it looked at.
    let found = this.#gather(this.#highest - NEAR)
    if (found < count) found = this.#gather(Number.NEGATIVE_INFINITY)
    const kept = Math.min(count, found)
    for (let at = (kept >> 1) - 1; at >= 0; at--) this.#sink(at, kept)
    let lowest = scores[heap[0] ?? 0] ?? 0
    for (let index = kept; index < found; index++) {
      const place = heap[index] ?? 0
      if ((scores[place] ?? 0) < lowest || !this.#before(place, heap[0] ?? 0)) continue
      heap[0] = place
      this.#sink(0, kept)
      lowest = scores[heap[0] ?? 0] ?? 0
    }
    this.#weigh(kept)
  }

  /** Places of the first `count` of the order, in order. */
  first(count: number): number[] {
    if (count === 0) return []
    this.chooseFirst(count)
    return Array.from(this.#places.subarray(0, this.#chosen)).sort((a, b) => (this.#before(a, b) ? -1 : 1))
  }

  /** Chooses every token that weighs at least e^-10; `far`: every one that can matter in a sum. */
  chooseHeavy(far: boolean): void {
    this.#chooseFrom(this.#highest - ((far ? FAR : NEAR) * PER_E) / this.#scale)
  }

  /** Chooses every token that weighs at least `weight`. */
  chooseFromWeight(weight: number): void {
    this.#chooseFrom(this.#highest + (Math.log(weight) * PER_E) / this.#scale)
  }

  /** What the chosen tokens of at least this weight weigh together; the best is always one of them. */
  upTo(weight: number): number {
    let sum = 0
    for (let index = 0; index < this.#chosen; index++) {
      const own = this.#weights[index] ?? 0
      if (own >= weight) sum += own
    }
    return sum
  }

  /**
   * The first chosen token at which the sum over the order reaches `amount`, or passes it (`beyond`).
   * Null where all of them together do not.
   */
  reach(amount: number, beyond: boolean): Reached | null {
    let mass = 0
    for (let bucket = 0; bucket < this.#buckets; bucket++) {
      const own = this.#mass[bucket] ?? 0
      if (own === 0 || (beyond ? mass + own <= amount : mass + own < amount)) {
        mass += own
        continue
      }
      const found = this.#reachWithin(bucket, { amount, beyond, mass })
      if (found) return found
      mass += own // summed in another order, a crumb short
    }
    return null
  }

  /** The last of the chosen in the order. */
  last(): number {
    let last = this.#places[0] ?? 0
    for (let index = 1; index < this.#chosen; index++) {
      const place = this.#places[index] ?? 0
      if (this.#before(last, place)) last = place
    }
    return last
  }

  #reachWithin(bucket: number, { amount, beyond, mass }: { amount: number; beyond: boolean; mass: number }) {
    const members: number[] = []
    for (let index = 0; index < this.#chosen; index++) {
      const place = this.#places[index] ?? 0
      if (this.#bucket(place) === bucket) members.push(place)
    }
    members.sort((a, b) => (this.#before(a, b) ? -1 : 1))
    let reached = mass
    for (const place of members) {
      reached += this.weight(this.#view.scores[place] ?? 0)
      if (beyond ? reached > amount : reached >= amount) return { place, mass: reached }
    }
    return null
  }

  #chooseFrom(floor: number): void {
    this.#weigh(this.#gather(floor))
  }

  /** Writes down the places of all scores from `floor` on, and returns how many these are. */
  #gather(floor: number): number {
    const { scores, size } = this.#view
    const places = this.#places
    let count = 0
    for (let place = 0; place < size; place++) if ((scores[place] ?? 0) >= floor) places[count++] = place
    return count
  }

  #weigh(count: number): void {
    // Everything in locals: in a far choice this is the longest loop of all.
    const { scores } = this.#view
    const places = this.#places
    const weights = this.#weights
    const mass = this.#mass
    const highest = this.#highest
    const scale = this.#scale
    mass.fill(0, 0, this.#buckets)
    let sum = 0
    let buckets = 0
    for (let index = 0; index < count; index++) {
      const steps = Math.min((highest - (scores[places[index] ?? 0] ?? 0)) * scale, LAST)
      const bucket = steps | 0
      const weight = power(steps)
      weights[index] = weight
      mass[bucket] = (mass[bucket] ?? 0) + weight
      sum += weight
      if (bucket >= buckets) buckets = bucket + 1
    }
    this.#chosen = count
    this.#sum = sum
    this.#buckets = buckets
  }

  #bucket(place: number): number {
    return Math.min((this.#highest - (this.#view.scores[place] ?? 0)) * this.#scale, LAST) | 0
  }

  #before(a: number, b: number): boolean {
    const { ids, scores } = this.#view
    const difference = (scores[a] ?? 0) - (scores[b] ?? 0)
    if (difference !== 0) return difference > 0
    return ids === null ? a < b : (ids[a] ?? 0) < (ids[b] ?? 0)
  }

  /** Restores the heap, whose top is the last in order, below `start`. */
  #sink(start: number, length: number): void {
    const heap = this.#places
    let at = start
    for (;;) {
      let last = at
      for (let child = 2 * at + 1; child <= 2 * at + 2 && child < length; child++) {
        if (this.#before(heap[last] ?? 0, heap[child] ?? 0)) last = child
      }
      if (last === at) return
      const moved = heap[at] ?? 0
      heap[at] = heap[last] ?? 0
      heap[last] = moved
      at = last
    }
  }
}
