import { describe, expect, test } from 'vitest'
import { randomNumbers } from '../../../web/src/engine/random.ts'
import { argmax, Sampler, type SamplerSettings } from '../../../web/src/engine/sampler.ts'

const PLAIN: SamplerSettings = {
  ...{ temperature: 1, topP: 1, topK: 0, minP: 0, seed: 1 },
  ...{ repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0, logitBias: new Map() },
}

/** One token picked from logits, with `prompt` before and `answer` so far. */
function pickOne(
  logits: number[],
  settings: Partial<SamplerSettings>,
  { prompt = [], answer = [] }: { prompt?: number[]; answer?: number[] } = {},
): number | null {
  const sampler = new Sampler({ ...PLAIN, temperature: 0, ...settings }, logits.length, prompt)
  for (const token of answer) sampler.accept(token)
  return sampler.pick(Float32Array.from(logits), null)
}

function logitsOf(shares: number[]): Float32Array {
  return Float32Array.from(shares, share => Math.log(share))
}

/** How often each token comes up in `draws` draws. */
function frequencies(logits: Float32Array, settings: Partial<SamplerSettings>, draws = 10_000): number[] {
  const sampler = new Sampler({ ...PLAIN, ...settings }, logits.length, [])
  const counts = new Array<number>(logits.length).fill(0)
  for (let draw = 0; draw < draws; draw++) {
    const token = sampler.pick(logits, null) ?? -1
    sampler.accept(token)
    counts[token] = (counts[token] ?? 0) + 1
  }
  return counts.map(count => count / draws)
}

function expectShares(found: number[], wanted: number[]): void {
  expect(found.length).toBe(wanted.length)
  found.forEach((share, token) => {
    expect(Math.abs(share - (wanted[token] ?? 0))).toBeLessThan(wanted[token] === 0 ? 1e-12 : 0.015)
  })
}

test('greedy takes the largest, the first of equals, and needs no luck', () => {
  expect(pickOne([1, 3, 2, 3], {})).toBe(1)
  expect(argmax(Float32Array.of(-5, -2, -9))).toBe(1)
})

test('drawing follows the probabilities', () => {
  expectShares(frequencies(logitsOf([0.5, 0.3, 0.2]), {}), [0.5, 0.3, 0.2])
})

test('temperature sharpens and flattens', () => {
  const squared = [0.25, 0.09, 0.04].map(share => share / 0.38)
  expectShares(frequencies(logitsOf([0.5, 0.3, 0.2]), { temperature: 0.5 }), squared)
})

describe('top-k', () => {
  test('keeps the k largest and their proportions', () => {
    expectShares(frequencies(logitsOf([0.1, 0.4, 0.2, 0.3]), { topK: 2 }), [0, 4 / 7, 0, 3 / 7])
  })
  test('of equals keeps the lower tokens', () => {
    expectShares(frequencies(Float32Array.of(1, 1, 1, 1), { topK: 2 }), [0.5, 0.5, 0, 0])
  })
  test('1 is greedy', () => {
    expectShares(frequencies(logitsOf([0.3, 0.4, 0.3]), { topK: 1 }, 100), [0, 1, 0])
  })
  test('beyond the vocabulary changes nothing', () => {
    expectShares(frequencies(logitsOf([0.5, 0.3, 0.2]), { topK: 99 }), [0.5, 0.3, 0.2])
  })
  test('finds the largest of many, as sorting does', () => {
    const random = randomNumbers(5)
    const logits = Float32Array.from({ length: 5000 }, () => random() * 10)
    const best = [...logits.keys()].sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0)).slice(0, 25)
    const drawn = frequencies(logits, { topK: 25 }, 2000)
    expect([...drawn.keys()].filter(token => drawn[token] !== 0).sort()).toEqual(best.sort())
  })
})

describe('top-p', () => {
  test('keeps the smallest set that reaches p', () => {
    expectShares(frequencies(logitsOf([0.2, 0.5, 0.3]), { topP: 0.6 }), [0, 0.625, 0.375])
  })
  test('keeps at least the likeliest', () => {
    expectShares(frequencies(logitsOf([0.2, 0.5, 0.3]), { topP: 0.01 }, 100), [0, 1, 0])
  })
  test('counts within what top-k left, as Hugging Face does', () => {
    // Of 0.4 and 0.3 alone, 0.4 is 57 % already.
    expectShares(frequencies(logitsOf([0.4, 0.3, 0.2, 0.1]), { topK: 2, topP: 0.55 }, 100), [1, 0, 0, 0])
  })
  test('is exact when a long flat tail holds the probability', () => {
    // One likely token and 100,000 that weigh too little one by one, 90 % together.
    const logits = new Float32Array(100_001).fill(Math.log(0.9 / 100_000))
    logits[0] = Math.log(0.1)
    const tail = frequencies(logits, { topP: 0.95 }, 30).slice(1)
    expect(tail.reduce((total, share) => total + share, 0)).toBeGreaterThan(0.7)
  })
})

describe('repetition penalty', () => {
  const twice = { repetitionPenalty: 2 }
  test('divides positive logits of tokens of the prompt, and of the answer', () => {
    expect(pickOne([3, 2], twice, { prompt: [0] })).toBe(1)
    expect(pickOne([3, 2], twice, { answer: [0] })).toBe(1)
    expect(pickOne([5, 2], twice, { prompt: [0], answer: [0] })).toBe(0)
  })
  test('multiplies negative ones', () => {
    expect(pickOne([-1, -1.5], twice, { prompt: [0] })).toBe(1)
  })
  test('leaves the logits as they were', () => {
    const logits = Float32Array.of(3, 2)
    new Sampler({ ...PLAIN, ...twice }, 2, [0]).pick(logits, null)
    expect([...logits]).toEqual([3, 2])
  })
})

test('the same seed draws the same tokens, another seed others', () => {
  const logits = new Float32Array(1000)
  const draw = (seed: number) => {
    const sampler = new Sampler({ ...PLAIN, seed }, logits.length, [])
    return Array.from({ length: 20 }, () => {
      const token = sampler.pick(logits, null) ?? -1
      sampler.accept(token)
      return token
    })
  }
  expect(draw(7)).toEqual(draw(7))
  expect(draw(7)).not.toEqual(draw(8))
  expect(draw(2 ** 40)).not.toEqual(draw(0))
})

test('random numbers are in [0, 1) and spread evenly', () => {
  const random = randomNumbers(42)
  const numbers = Array.from({ length: 10_000 }, random)
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...numbers)).toBeLessThan(1)
  expect(numbers.reduce((total, number) => total + number, 0) / numbers.length).toBeCloseTo(0.5, 1)
})
