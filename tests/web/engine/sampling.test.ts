/** Draws against distributions computed with NumPy (tests/fixtures/make_sampling.py), and candidates against all logits. */
import { expect, test } from 'vitest'
import type { Candidates } from '../../../web/src/engine/backend.ts'
import { randomNumbers } from '../../../web/src/engine/random.ts'
import { Sampler, type SamplerSettings } from '../../../web/src/engine/sampler.ts'
import fixture from '../../fixtures/sampling.json' with { type: 'json' }

type Case = (typeof fixture.cases)[number]

const DRAWS = 12_000

function settingsOf({ settings }: Case, seed: number): SamplerSettings {
  const bias = Object.entries(settings.logit_bias ?? {}).map(([token, value]) => [Number(token), value] as const)
  return {
    ...{ temperature: settings.temperature, topP: settings.top_p, topK: settings.top_k, minP: settings.min_p, seed },
    repetitionPenalty: settings.repetition_penalty,
    presencePenalty: settings.presence_penalty,
    frequencyPenalty: settings.frequency_penalty,
    logitBias: new Map(bias),
  }
}

function maskOf(tokens: readonly number[] | undefined, size: number): Uint32Array | null {
  if (!tokens) return null
  const mask = new Uint32Array(Math.ceil(size / 32))
  for (const token of tokens) mask[token >>> 5] = (mask[token >>> 5] ?? 0) | (1 << (token & 31))
  return mask
}

/** A sampler that has seen the case's prompt and answer. */
function samplerOf(entry: Case, seed: number): Sampler {
  const sampler = new Sampler(settingsOf(entry, seed), entry.logits.length, entry.prompt)
  for (const token of entry.answer) sampler.accept(token)
  return sampler
}

function draw(entry: Case): number[] {
  const logits = Float32Array.from(entry.logits)
  const allowed = maskOf(entry.settings.allowed, logits.length)
  const counts = new Array<number>(logits.length).fill(0)
  const seeds = randomNumbers(7)
  const { repetition_penalty, presence_penalty, frequency_penalty } = entry.settings
  const remembers = repetition_penalty !== 1 || presence_penalty !== 0 || frequency_penalty !== 0
  let sampler = samplerOf(entry, 7)
  for (let index = 0; index < DRAWS; index++) {
    const token = sampler.pick(logits, allowed) ?? -1
    counts[token] = (counts[token] ?? 0) + 1
    // Accepting ends the random number, and changes the next penalties: those cases take a new sampler for each draw.
    if (remembers) sampler = samplerOf(entry, Math.floor(seeds() * 2 ** 32))
    else sampler.accept(token)
  }
  return counts
}

/** Pearson's statistic over cells that expect at least 5, the rest in one, and the value that 1 in 1,000 exceeds. */
function chiSquare(counts: readonly number[], probabilities: readonly number[]) {
  const expected = probabilities.map(share => share * DRAWS)
  const cells = expected.map((mean, token) => ({ mean, count: counts[token] ?? 0 }))
  const rest = cells
    .filter(({ mean }) => mean < 5)
    .reduce((sum, cell) => ({ mean: sum.mean + cell.mean, count: sum.count + cell.count }), { mean: 0, count: 0 })
  const kept = [...cells.filter(({ mean }) => mean >= 5), ...(rest.mean >= 5 ? [rest] : [])]
  const statistic = kept.reduce((sum, { mean, count }) => sum + (count - mean) ** 2 / mean, 0)
  const freedom = Math.max(1, kept.length - 1)
  // Wilson and Hilferty's approximation of the 99.9 % quantile.
  const critical = freedom * (1 - 2 / (9 * freedom) + 3.0902 * Math.sqrt(2 / (9 * freedom))) ** 3
  return { statistic, critical }
}

test.each(fixture.cases)('draws follow NumPy’s distribution: $settings', entry => {
  const counts = draw(entry)
  entry.probabilities.forEach((share, token) => {
    if (share === 0) expect(counts[token]).toBe(0)
  })
  const { statistic, critical } = chiSquare(counts, entry.probabilities)
  expect(statistic).toBeLessThan(critical)
})

test('the test tells distributions apart: each case’s draws fail against a slightly other temperature', () => {
  const [entry] = fixture.cases
  if (!entry) throw new Error('no cases')
  const warmer = entry.logits.map(logit => Math.exp(logit / 1.1))
  const total = warmer.reduce((sum, weight) => sum + weight, 0)
  const { statistic, critical } = chiSquare(
    draw(entry),
    warmer.map(weight => weight / total),
  )
  expect(statistic).toBeGreaterThan(critical)
})

/** As a GPU deals them out: the best `perRow` of each row of the vocabulary. */
function candidatesOf(logits: Float32Array, rows: number, perRow: number): Candidates {
  const width = Math.ceil(logits.length / rows)
  const ids: number[] = []
  let floor = Number.NEGATIVE_INFINITY
  for (let from = 0; from < logits.length; from += width) {
    const row = Array.from({ length: Math.min(width, logits.length - from) }, (_, index) => from + index)
    row.sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b)
    ids.push(...row.slice(0, perRow))
    if (row.length > perRow) floor = Math.max(floor, logits[row[perRow - 1] ?? 0] ?? floor)
  }
  const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0)
  return {
    ids: Int32Array.from(ids),
    logits: Float32Array.from(ids, id => logits[id] ?? 0),
    logSumExp: Math.fround(Math.log(sum)),
    floor,
    perRow,
  }
}

const SIZE = 4096
/** `least`: how many of 40 steps candidates answer at least, where that is their point; the rest reach below them. */
const VARIED: { settings: Partial<SamplerSettings>; least: number }[] = [
  { settings: { temperature: 0 }, least: 40 },
  { settings: {}, least: 20 },
  { settings: { temperature: 0.6 }, least: 20 },
  { settings: { temperature: 1.4 }, least: 0 },
  { settings: { topK: 20 }, least: 40 },
  { settings: { topK: 300 }, least: 0 },
  { settings: { topP: 0.9 }, least: 10 },
  { settings: { temperature: 0.7, topP: 0.95 }, least: 10 },
  { settings: { temperature: 1.5, topP: 0.8 }, least: 0 },
  { settings: { minP: 0.05 }, least: 30 },
  { settings: { minP: 1e-6 }, least: 0 },
  { settings: { topK: 40, topP: 0.9, minP: 0.02 }, least: 30 },
  { settings: { repetitionPenalty: 1.3, temperature: 0 }, least: 30 },
  { settings: { repetitionPenalty: 1.3, presencePenalty: 0.5, frequencyPenalty: 0.5, topP: 0.9 }, least: 0 },
  { settings: { logitBias: new Map([[17, -100]]), topK: 10 }, least: 40 },
]
const RUNS = 40

/** The answer so far: every seventh token of a text, and the likeliest ones, so that penalties reach the top. */
function answerOf(logits: Float32Array): number[] {
  const best = [...logits.keys()].sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0)).slice(0, 12)
  return [...best, ...best.slice(0, 5), ...Array.from({ length: 40 }, (_, index) => index * 7)]
}

test.each(VARIED)('candidates give the token of all logits, or ask for them: $settings', ({ settings, least }) => {
  const random = randomNumbers(3)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const plain = { temperature: 1, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, presencePenalty: 0 }
  let answered = 0
  for (let seed = 0; seed < RUNS; seed++) {
    const spread = 2 + 4 * random()
    const logits = Float32Array.from({ length: SIZE }, () => Math.fround(normal() * spread))
    const candidates = candidatesOf(logits, 8, 32)
    const all: SamplerSettings = { ...plain, frequencyPenalty: 0, logitBias: new Map(), ...settings, seed }
    const [partial, whole] = [new Sampler(all, SIZE, []), new Sampler(all, SIZE, [])]
    for (const token of answerOf(logits)) {
      partial.accept(token)
      whole.accept(token)
    }
    const expected = whole.pick(logits, null)
    const found = partial.pick(candidates, null)
    if (found !== null) {
      answered++
      expect(found).toBe(expected)
    }
    // Asked again with everything, it is the same token: the random number was kept.
    expect(partial.pick(logits, null)).toBe(expected)
  }
  expect(answered).toBeGreaterThanOrEqual(least)
})

test('a setting that can raise a missing token asks for all logits from the start', () => {
  const sampler = (settings: Partial<SamplerSettings>) =>
    new Sampler(
      {
        ...{ temperature: 1, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, presencePenalty: 0, seed: 1 },
        ...{ frequencyPenalty: 0, logitBias: new Map(), ...settings },
      },
      10,
      [],
    )
  expect(sampler({}).needsLogits).toBe(false)
  expect(sampler({ repetitionPenalty: 1.2, presencePenalty: 1, frequencyPenalty: 1 }).needsLogits).toBe(false)
  expect(sampler({ repetitionPenalty: 0.9 }).needsLogits).toBe(true)
  expect(sampler({ presencePenalty: -0.1 }).needsLogits).toBe(true)
  expect(sampler({ frequencyPenalty: -0.1 }).needsLogits).toBe(true)
  expect(sampler({ logitBias: new Map([[3, 0.1]]) }).needsLogits).toBe(true)
})

test('logits that are no numbers are an error, not a token', () => {
  const [entry] = fixture.cases
  if (!entry) throw new Error('no cases')
  const sampler = samplerOf(entry, 1)
  expect(() => sampler.pick(new Float32Array(entry.logits.length).fill(Number.NaN), null)).toThrow(/no usable numbers/)
})

// One NaN made every sum one, and the token drawn the least likely; beside an infinite logit top-k lost the best.
test.each([Number.NaN, Number.POSITIVE_INFINITY])('a single logit that is %s is said, not drawn over', odd => {
  const logits = Float32Array.of(1, odd, 3, 2)
  const plain = { temperature: 1, topP: 1, topK: 0, minP: 0, seed: 1, repetitionPenalty: 1 }
  const settings = { ...plain, presencePenalty: 0, frequencyPenalty: 0, logitBias: new Map<number, number>() }
  for (const other of [{}, { topP: 0.9 }, ...(odd === Number.POSITIVE_INFINITY ? [{ topK: 2 }, { minP: 0.1 }] : [])]) {
    const sampler = new Sampler({ ...settings, ...other }, 4, [])
    expect(() => sampler.pick(logits, null), JSON.stringify(other)).toThrow(/no usable numbers/)
  }
})
