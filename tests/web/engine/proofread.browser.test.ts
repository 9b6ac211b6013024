/** Proofreading through real models: what they say is nonsense (they are tiny), what comes of it must be sound. */
import { expect, test } from 'vitest'
import type { EngineOptions } from '../../../web/src/engine/api.ts'
import { createEngine } from '../../../web/src/engine/client.ts'
import { Host } from '../../../web/src/engine/host.ts'
import { readingRun } from '../../../web/src/engine/running.ts'
import { createProofreader } from '../../../web/src/slm.ts'
import { BUNDLE, OPTIONS, workers } from './loop.ts'
import { failureOf } from './suite.ts'

const T5: EngineOptions = { bundle: '/bundles/transformers/tiny-t5/', device: 'cpu', threads: 1 }
const TEXT = 'Alice were beginning to get tired. She look at the book,  and it have no pictures.\n\n- `code` is here.'

test.each<[string, EngineOptions]>([
  ['ort', OPTIONS],
  ['simd', { ...OPTIONS, backend: 'simd' }],
  ['encoder-decoder', T5],
])('every sentence is judged, and what is believed makes the corrected text: %s', async (_, options) => {
  const engine = await createEngine(options)
  const seen: string[] = []
  let outputTokens = 0
  const result = await engine.proofread(TEXT, {
    threshold: 0,
    onSentence: ({ text, stats }) => {
      seen.push(text)
      outputTokens += stats?.outputTokens ?? 0
    },
  })
  expect(outputTokens).toBeGreaterThan(0)
  expect(seen.slice(0, 2)).toEqual([
    'Alice were beginning to get tired.',
    'She look at the book,  and it have no pictures.',
  ])
  let text = ''
  let end = 0
  for (const { startIndex, endIndex, correction } of result.corrections) {
    expect(startIndex).toBeGreaterThanOrEqual(end)
    text += TEXT.slice(end, startIndex) + correction
    end = endIndex
  }
  expect(text + TEXT.slice(end)).toBe(result.correctedInput)
  expect(engine.info.proofreading).toEqual({ trained: false, threshold: 2, margins: {} })
  const stop = new AbortController()
  const aborted = engine.proofread(`${TEXT} And one sentence more.`, { signal: stop.signal })
  stop.abort()
  expect(await failureOf(aborted)).toMatchObject({ name: 'AbortError' })
  expect(await engine.proofread(TEXT, { threshold: 0 })).toEqual(result)
  await engine.dispose()
})

const WITHOUT_SHARED = { withEnd: true, differences: true, priority: 'interactive' } as const

test.each<[string, EngineOptions]>([
  ['decoder', { ...OPTIONS, backend: 'simd' }],
  ['encoder-decoder', T5],
])('log probabilities of answers do not depend on those beside them: %s', async (_, options) => {
  const host = new Host(options, workers().make)
  await host.load({})
  const score = (continuations: string[]) => {
    const prompt = { kind: 'task', task: 'grammar', text: 'The house is small.' } as const
    return readingRun(host, { name: 'score', args: { prompt, continuations, ...WITHOUT_SHARED } }, undefined)
  }
  const [one = 0, two = 0, three = 0] = await score(['The house is small.', 'The houses is small.', 'A mouse'])
  const [again = 0, other = 0] = await score(['A mouse', 'The house is small.'])
  const [last = 0, twice = 0] = await score(['The houses is small.', 'The house is small.'])
  expect(one - three).toBeCloseTo(other - again, 2)
  expect(one - two).toBeCloseTo(twice - last, 2)
  expect(one).not.toBeCloseTo(two, 1)
  expect(await score(['The house'])).toHaveLength(1)
  host.dispose()
})

test('a page written for the browsers’ Proofreader: what it asks for is there, and no more', async () => {
  const api = createProofreader({ bundle: BUNDLE, device: 'cpu' })
  expect(await api.availability({ expectedInputLanguages: ['de'] })).toBe('unavailable')
  expect(await api.availability({ expectedInputLanguages: ['en-GB'] })).not.toBe('unavailable')
  expect(await failureOf(api.create({ correctionExplanationLanguage: 'fr' }))).toMatchObject({
    name: 'NotSupportedError',
  })
  const loaded: number[] = []
  const proofreader = await api.create({
    includeCorrectionTypes: true,
    monitor: monitor =>
      monitor.addEventListener('downloadprogress', event => {
        if (event instanceof ProgressEvent) loaded.push(event.loaded)
      }),
  })
  expect([loaded[0], loaded.at(-1)]).toEqual([0, 1])
  expect(await api.availability()).toBe('available')
  expect(proofreader).toMatchObject({ includeCorrectionTypes: true, includeCorrectionExplanations: false })
  const result = await proofreader.proofread(TEXT)
  expect(Object.keys(result)).toEqual(['correctedInput', 'corrections'])
  expect(await failureOf(proofreader.proofread(TEXT, { signal: AbortSignal.abort() }))).toMatchObject({
    name: 'AbortError',
  })
  proofreader.destroy()
  expect(await failureOf(proofreader.proofread(TEXT))).toMatchObject({ name: 'AbortError' })
})
