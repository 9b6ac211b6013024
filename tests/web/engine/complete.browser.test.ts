/** `engine.complete` of the real engine in its worker: both CPU backends, aborts, other models, what a key costs. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Engine } from '../../../web/src/engine/api.ts'
import { createEngine } from '../../../web/src/engine/client.ts'
import { BUNDLE } from './loop.ts'
import { failureOf } from './suite.ts'

const TEXT =
  'Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing to do: once or twice ' +
  'she had peeped into the book her sister was reading, but it had no pictures or conversations in it.'
const BOLD = { minConfidence: 0, contextLength: 600 }

describe.each(['simd', 'ort'] as const)('%s', backend => {
  let engine: Engine
  beforeAll(async () => {
    engine = await createEngine({ bundle: BUNDLE, device: 'cpu', backend, threads: 1 })
  })
  afterAll(() => engine?.dispose())

  test('every place of a sentence: whole characters, exact joins, one more key costs its own tokens', async () => {
    let said = 0
    for (let at = 2; at <= TEXT.length; at += 3) {
      const before = TEXT.slice(0, at)
      const found = await engine.complete({ before, ...BOLD })
      const text = found.text || found.withheld
      if (text) said++
      expect(text).not.toMatch(/\uFFFD|\s$/u)
      if (/\s$/.test(before)) expect(text).not.toMatch(/^\s/)
      expect(found.probability).toBeLessThanOrEqual(1)
      if (at > 2) expect(found.stats.promptTokens - found.stats.cachedTokens).toBeLessThanOrEqual(10)
      expect(Boolean(found.silentBecause)).toBe(found.text === '')
    }
    expect(said).toBeGreaterThan(20)
  })

  test('the same question has the same answer, whatever came in between', async () => {
    const request = { before: 'The White Rabbit took a wat', ...BOLD }
    const first = await engine.complete(request)
    await engine.completions.create({ prompt: TEXT, max_tokens: 4, temperature: 0 })
    const second = await engine.complete(request)
    expect({ ...second, stats: null }).toEqual({ ...first, stats: null })
  })

  test('an abort rejects, and the next call is answered', async () => {
    const abort = new AbortController()
    const call = engine.complete({ before: `${TEXT} `.repeat(12), ...BOLD, contextLength: 6000, signal: abort.signal })
    abort.abort()
    expect(await failureOf(call)).toMatchObject({ name: 'AbortError' })
    expect((await engine.complete({ before: 'Alice ', ...BOLD })).stats.runs).toBeGreaterThan(0)
  })

  test('silence costs no run of the model', async () => {
    const { silentBecause, stats } = await engine.complete({ before: 'It was 186' })
    expect([silentBecause, stats.runs]).toEqual(['in-number', 0])
  })
})

describe('on WebGPU', () => {
  const engines: Partial<Record<'cpu' | 'webgpu', Engine>> = {}
  beforeAll(async () => {
    for (const device of ['cpu', 'webgpu'] as const) {
      engines[device] = await createEngine({ bundle: '/bundles/foreign/tiny-llama/', device }) // the same 32-bit weights
      expect(engines[device].info).toMatchObject({ device, variant: `${device}-fp32` })
    }
  })
  afterAll(() => Promise.all(Object.values(engines).map(engine => engine.dispose())))

  // In this order: key by key, so that what was computed is used again and taken back, and then other places.
  test.each([
    ...Array.from({ length: 9 }, (_, typed) => 'Alice was beginning'.slice(0, 11 + typed)),
    'She had peeped into the boo',
    'The White Rabbit took a wat',
    'The White Rabbit took a ',
    '- apples\n- oran',
    '“I do not know,” she',
    'Wir gehen über die Brü',
    'A happy day 😀',
    '今日は天気が',
    'Alice was',
  ])('%j: the suggestion of the CPU', async before => {
    const [cpu, gpu] = await Promise.all(
      Object.values(engines).map(async engine => {
        const { tokens, alternatives, ...found } = await engine.complete({ before, ...BOLD, alternatives: 2 })
        const texts = [...tokens, ...alternatives].map(part => part.text)
        const shares = [
          found.probability,
          ...tokens.map(token => token.probability),
          ...alternatives.map(other => other.confidence),
        ]
        return { texts, shares, said: [found.text, found.withheld, found.silentBecause, found.stats.runs] }
      }),
    )
    expect(cpu?.texts).not.toEqual([])
    expect(gpu?.said).toEqual(cpu?.said)
    expect(gpu?.texts).toEqual(cpu?.texts)
    for (const [at, share] of gpu?.shares.entries() ?? []) expect(share).toBeCloseTo(cpu?.shares[at] ?? Number.NaN, 3)
  })
})

test('a model that answers texts says what to load', async () => {
  const engine = await createEngine({ bundle: '/bundles/transformers/tiny-t5/', device: 'cpu' })
  try {
    expect(await failureOf(engine.complete({ before: 'Alice ' }))).toMatchObject({ code: 'unsupported' })
    expect(await failureOf(engine.complete({ before: 'Alice ', maxWords: 99 }))).toMatchObject({ code: 'bad-request' })
  } finally {
    await engine.dispose()
  }
})
