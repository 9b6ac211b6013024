/** Comparisons in links and files, what columns are asked, and the sheet of blind votes. */
import { describe, expect, it } from 'vitest'
import { MODEL_DEFAULTS } from '../../../web/src/tasks/chat.ts'
import {
  asked,
  type Comparison,
  comparisonFile,
  decodeComparison,
  encodeComparison,
  linkOf,
  readComparisonFile,
  sha256,
} from '../../../web/src/tasks/comparison.ts'
import { isVote, scoresOf, shuffled, type Vote } from '../../../web/src/tasks/scores.ts'

const comparison: Comparison = {
  columns: [
    {
      model: 'smollm2-135m-instruct',
      variant: 'cpu-int8',
      device: 'cpu',
      backend: 'simd',
      settings: { ...MODEL_DEFAULTS, seed: 0, temperature: 0 },
    },
    {
      model: 'smollm2-135m-instruct',
      variant: null,
      device: 'auto',
      backend: null,
      settings: { ...MODEL_DEFAULTS, stop: ['\n'], system: 'Grüße 😀' },
    },
  ],
  before: [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: 'Hello!' },
  ],
  prompts: ['What is “this”?', 'And that?'],
  expected: { text_sha256: 'ab'.repeat(32), backend: 'simd-relaxed' },
}

describe('a link', () => {
  it('opens as what it was made of, and has letters that every address takes', async () => {
    const encoded = await encodeComparison(comparison)
    expect(encoded).toMatch(/^1\.[\w-]+$/)
    expect(await decodeComparison(encoded)).toEqual(comparison)
    expect(await decodeComparison(await encodeComparison({ ...comparison, expected: null }))).toEqual({
      ...comparison,
      expected: null,
    })
  })

  it('is short: settings that are the model’s own are not in it', async () => {
    const long = 'A long question about many things that repeat and repeat. '.repeat(40)
    const encoded = await encodeComparison({ ...comparison, before: [], prompts: [long] })
    expect(encoded.length).toBeLessThan(600)
  })

  it('that is damaged, foreign or hostile opens nothing', async () => {
    const encoded = await encodeComparison(comparison)
    const of = (part: unknown) => encodeComparison({ ...comparison, ...Object(part) })
    const bad = [
      '',
      'x',
      '1.',
      '1.!!!',
      `2.${encoded.slice(2)}`,
      encoded.slice(0, -8),
      await of({ columns: [] }),
      await of({ columns: [{ ...comparison.columns[0], model: '../../etc' }] }),
      await of({ columns: [{ ...comparison.columns[0], backend: 'remote' }] }),
      await of({ columns: Array.from({ length: 5 }, () => comparison.columns[0]) }),
      await of({ prompts: [1] }),
      await of({ before: [{ role: 'system', content: 'x' }] }),
    ]
    for (const link of bad) expect(await decodeComparison(link), link.slice(0, 30)).toBeNull()
    const odd = await of({ columns: [{ ...comparison.columns[0], settings: { temperature: 1e9, top_k: 5 } }] })
    expect((await decodeComparison(odd))?.columns[0]?.settings).toEqual({ ...MODEL_DEFAULTS, top_k: 5 })
    expect((await decodeComparison(await of({ expected: { text_sha256: 'x', backend: 'y' } })))?.expected).toBeNull()
  })

  // The address of a comparison with so many prompts opened as a damaged one, and so did its file.
  it('is not made of more than it can open again; a file takes it', async () => {
    const many = { ...comparison, prompts: Array.from({ length: 201 }, () => 'And?') }
    expect(await linkOf(many)).toBeNull()
    expect(await decodeComparison(await encodeComparison(many))).toBeNull()
    expect(readComparisonFile(comparisonFile(many))).toEqual(many)
    const most = { ...many, prompts: many.prompts.slice(1) }
    expect(await decodeComparison((await linkOf(most)) ?? '')).toEqual(most)
    const random = Array.from({ length: 8000 }, () => Math.random().toString(36)).join('')
    expect(await linkOf({ ...comparison, prompts: [random] })).toBeNull()
  })

  it('is a file too', () => {
    expect(readComparisonFile(comparisonFile(comparison))).toEqual(comparison)
    for (const other of ['', '{}', '{"format":"slm-playground-comparison","version":2}'])
      expect(readComparisonFile(other)).toBeNull()
  })
})

it('a column is asked with its own answers; an empty one is left out', () => {
  expect(asked(comparison, 1, ['It is.']).map(({ role, content }) => `${role}: ${content}`)).toEqual([
    'user: Hi',
    'assistant: Hello!',
    'user: What is “this”?',
    'assistant: It is.',
    'user: And that?',
  ])
  expect(asked(comparison, 1, [''])).toHaveLength(4)
})

it('SHA-256 as everybody computes it', async () => {
  expect(await sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})

describe('the score sheet', () => {
  const vote = (contestants: string[], result: Vote['result']): Vote => ({
    contestants,
    result,
    voted_at: '2026-11-21T00:00:00Z',
  })

  it('counts wins, losses, ties; a vote against all counts for nobody', () => {
    const scores = scoresOf([vote(['q4', 'f16'], 1), vote(['f16', 'q4'], 'tie'), vote(['q4', 'f16'], 'bad')])
    expect(scores).toEqual([
      { contestant: 'f16', wins: 1, losses: 0, ties: 1, share: 0.75, rating: 1015 },
      { contestant: 'q4', wins: 0, losses: 1, ties: 1, share: 0.25, rating: 985 },
    ])
    expect(scoresOf([vote(['a', 'b'], 'bad')]).map(({ share, rating }) => [share, rating])).toEqual([
      [null, 1000],
      [null, 1000],
    ])
    expect(scoresOf([])).toEqual([])
  })

  it('the best of three beat both others; the same contestant twice is no pair; points are kept', () => {
    const scores = scoresOf([vote(['a', 'b', 'c'], 0), vote(['a', 'a'], 1)])
    expect(scores.map(({ contestant, wins, losses }) => [contestant, wins, losses])).toEqual(
      [
        ['a', 2, 0],
        ['c', 0, 1],
        ['b', 0, 1],
      ].sort((x, y) => scores.findIndex(s => s.contestant === x[0]) - scores.findIndex(s => s.contestant === y[0])),
    )
    expect(Math.abs(scores.reduce((sum, { rating }) => sum + rating, 0) - 3000)).toBeLessThanOrEqual(1)
  })

  it('knows votes from other things', () => {
    expect(isVote(JSON.parse(JSON.stringify(vote(['a', 'b'], 1))))).toBe(true)
    for (const other of [
      null,
      {},
      vote(['a'], 1),
      vote(['a'], 'other' as 'tie'),
      { ...vote(['a', 'b'], 0), contestants: [1, 2] },
    ])
      expect(isVote(other)).toBe(false)
  })

  it('columns are shuffled without favour', () => {
    expect(shuffled(4, () => 0.999)).toEqual([0, 1, 2, 3])
    expect(shuffled(3, () => 0)).toEqual([1, 2, 0])
    expect([...shuffled(4, Math.random)].sort()).toEqual([0, 1, 2, 3])
  })
})
