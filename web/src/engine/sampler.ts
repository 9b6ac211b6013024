/**
 * Picks the next token from logits [vocabulary] f32. Pure: the same logits, history and random numbers give the same
 * token. Order as in Hugging Face's generate: repetition penalty, temperature, top-k, top-p.
 */
export interface SamplerSettings {
  /** 0 is greedy. */
  temperature: number
  /** 1 is off. */
  topP: number
  /** 0 is off. */
  topK: number
  /** 1 is off. */
  repetitionPenalty: number
  seed: number
}

export interface Sampler {
  /** @param seen every token of prompt and answer so far, each once */
  sample(logits: Float32Array, seen: ReadonlySet<number>): number
}

export function createSampler(settings: SamplerSettings): Sampler {
  const random = randomNumbers(settings.seed)
  let penalised = new Float32Array(0)
  let weights = new Float64Array(0)
  return {
    sample(logits, seen) {
      let scores = logits
      if (settings.repetitionPenalty !== 1) {
        if (penalised.length !== logits.length) penalised = new Float32Array(logits.length)
        penalise(logits, penalised, { seen, penalty: settings.repetitionPenalty })
        scores = penalised
      }
      if (settings.temperature === 0) return argmax(scores)
      if (weights.length !== scores.length) weights = new Float64Array(scores.length)
      weigh(scores, weights, settings.temperature)
      return pick(candidates(weights, settings), weights, random())
    },
  }
}

/** The first of the largest. */
export function argmax(scores: Float32Array): number {
  let best = 0
  let highest = scores[0] ?? Number.NEGATIVE_INFINITY
  for (let token = 1; token < scores.length; token++) {
    const score = scores[token] ?? highest // never undefined inside the bounds
    if (score > highest) {
      highest = score
      best = token
    }
  }
  return best
}

/** Numbers in [0, 1): sfc32, seeded through splitmix32. The same seed gives the same sequence everywhere. */
export function randomNumbers(seed: number): () => number {
  let state = (seed >>> 0) ^ Math.imul(Math.floor(seed / 0x1_0000_0000) >>> 0, 0x9e3779b9)
  const word = () => {
    state = (state + 0x9e3779b9) | 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return (mixed ^ (mixed >>> 15)) | 0
  }
  let a = word()
  let b = word()
  let c = word()
  let counter = 1
  return () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return (sum >>> 0) / 0x1_0000_0000
  }
}

function penalise(logits: Float32Array, target: Float32Array, rule: { seen: ReadonlySet<number>; penalty: number }) {
  target.set(logits)
  for (const token of rule.seen) {
    const score = logits[token]
    if (score !== undefined) target[token] = score > 0 ? score / rule.penalty : score * rule.penalty
  }
}

/** Probabilities up to a common factor: the likeliest token weighs 1. */
function weigh(scores: Float32Array, weights: Float64Array, temperature: number): void {
  const highest = scores[argmax(scores)] ?? 0
  for (let token = 0; token < scores.length; token++) {
    weights[token] = Math.exp(((scores[token] ?? Number.NEGATIVE_INFINITY) - highest) / temperature)
  }
}

/** The tokens to draw from, as top-k and top-p cut them. */
function candidates(weights: Float64Array, { topK, topP }: SamplerSettings): number[] {
  const byWeight = (a: number, b: number) => (weights[b] ?? 0) - (weights[a] ?? 0) || a - b
  if (topK > 0 && topK < weights.length) {
    const kept = largest(weights, topK).sort(byWeight)
    return upToShare(kept, weights, topP * sum(kept, weights))
  }
  if (topP >= 1) return heavierThan(weights, 0)
  const share = topP * total(weights)
  // Most of a vocabulary has no weight to speak of: sort only what can matter, and all of it only where that was short.
  const heavy = heavierThan(weights, 1e-6)
  const kept = sum(heavy, weights) >= share ? heavy : heavierThan(weights, 0)
  return upToShare(kept.sort(byWeight), weights, share)
}

function heavierThan(weights: Float64Array, floor: number): number[] {
  const kept: number[] = []
  for (let token = 0; token < weights.length; token++) if ((weights[token] ?? 0) >= floor) kept.push(token)
  return kept
}

/** The beginning of `tokens` that weighs `share` together, its last token included. */
function upToShare(tokens: number[], weights: Float64Array, share: number): number[] {
  let reached = 0
  const end = tokens.findIndex(token => {
    reached += weights[token] ?? 0
    return reached >= share
  })
  return end < 0 ? tokens : tokens.slice(0, end + 1)
}

/** The `count` largest, in no order: a heap of the best so far, its smallest on top. Ties keep the lower token. */
function largest(scores: Float64Array, count: number): number[] {
  const heap: number[] = []
  const below = (a: number, b: number) => {
    const difference = (scores[a] ?? 0) - (scores[b] ?? 0)
    return difference < 0 || (difference === 0 && a > b)
  }
  for (const token of scores.keys()) {
    if (heap.length < count) {
      heap.push(token)
      if (heap.length === count) for (let at = (count >> 1) - 1; at >= 0; at--) sink(heap, at, below)
    } else if (below(heap[0] ?? token, token)) {
      heap[0] = token
      sink(heap, 0, below)
    }
  }
  return heap
}

function sink(heap: number[], start: number, below: (a: number, b: number) => boolean): void {
  let at = start
  for (;;) {
    let lowest = at
    for (const child of [2 * at + 1, 2 * at + 2]) {
      const [held, candidate] = [heap[lowest], heap[child]]
      if (held !== undefined && candidate !== undefined && below(candidate, held)) lowest = child
    }
    if (lowest === at) return
    const [upper, lower] = [heap[at], heap[lowest]]
    if (upper === undefined || lower === undefined) return
    heap[at] = lower
    heap[lowest] = upper
    at = lowest
  }
}

function pick(kept: readonly number[], weights: Float64Array, random: number): number {
  let left = random * sum(kept, weights)
  for (const token of kept) {
    left -= weights[token] ?? 0
    if (left < 0) return token
  }
  return kept[0] ?? 0 // rounding left a crumb: the likeliest, or any where none is
}

function sum(tokens: readonly number[], weights: Float64Array): number {
  let all = 0
  for (const token of tokens) all += weights[token] ?? 0
  return all
}

/** Like `sum` of every token; a loop over the array itself, since a vocabulary is long. */
function total(weights: Float64Array): number {
  let all = 0
  for (const weight of weights) all += weight
  return all
}
