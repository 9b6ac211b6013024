/** The Suggester over a scripted engine and a clock of the test's own: races, caches, statistics. Nothing here waits. */
import { describe, expect, test } from 'vitest'
import { randomNumbers } from '../../../web/src/engine/random.ts'
import { PhraseMemory } from '../../../web/src/tasks/autocomplete.ts'
import { STATS, setUp } from './scripted.ts'

/** Goes on with a sentence that it knows. */
const SENTENCE = 'The quick brown fox jumps over the lazy dog and then it sleeps.'
const knows = (before: string) => {
  if (!SENTENCE.startsWith(before)) return { silentBecause: 'low-confidence' as const }
  return { text: /^\s*\S+(?:\s+\S+)?/.exec(SENTENCE.slice(before.length))?.[0] ?? '' }
}

describe('asking', () => {
  test('a pause after a key asks, and the answer is shown', async () => {
    const { engine, time, type, text } = setUp(knows)
    expect(type('The ').silentBecause).toBe('pending')
    time.pass(19)
    expect(engine.asked).toEqual([])
    time.pass(1)
    expect(engine.asked).toEqual(['The '])
    await engine.settle()
    expect(text()).toBe('quick brown')
  })

  test('the pause follows the measured latency', async () => {
    const { engine, time, type, rest } = setUp(() => ({
      silentBecause: 'low-confidence',
      stats: { ...STATS, totalMs: 500 },
    }))
    type('a')
    await rest()
    type('ab')
    time.pass(109)
    expect(engine.asked).toEqual(['a'])
    time.pass(1)
    expect(engine.asked).toEqual(['a', 'ab'])
  })

  test('typing faster than answers come: one request at a time, the newest last, none stale', async () => {
    const { engine, time, type, text, suggester } = setUp(knows)
    for (let at = 1; at <= 12; at++) {
      type(SENTENCE.slice(0, at))
      time.pass(30)
      expect(engine.pending.length).toBeLessThanOrEqual(1)
    }
    expect(engine.asked).toEqual(['T']) // the others wait for its end, and only the newest is asked
    await engine.settle()
    expect(text()).toBeNull()
    expect(engine.asked).toEqual(['T', SENTENCE.slice(0, 12)])
    await engine.settle()
    expect(text()).toBe('own fox')
    expect(engine.mostAtOnce).toBe(1)
    expect(suggester.stats.cancelled).toBe(1)
  })

  test('an answer that was on its way when the next key came is not shown', async () => {
    const { engine, time, type, text, suggester } = setUp(() => ({ text: 'nonsense' }))
    type('A ')
    time.pass(50)
    type('A b')
    time.pass(50)
    await engine.settle({ tooLate: true })
    expect(text()).toBeNull()
    expect(suggester.stats.dropped).toBe(1)
    await engine.settle()
    expect(text()).toBe('nonsense')
  })

  test('a random typist and a random engine: whatever is shown goes on with the text as it is', async () => {
    const { engine, time, type, suggester, seen } = setUp(knows, { prefetch: true, alternatives: 2 })
    const random = randomNumbers(7)
    const stale: string[] = []
    let before = ''
    for (let step = 0; step < 3000; step++) {
      const luck = random()
      if (luck < 0.5) before = SENTENCE.slice(0, before.length + 1)
      else if (luck < 0.56) before = before.slice(0, -1)
      else if (luck < 0.6) before = `${before}x`
      else if (luck < 0.66) before += suggester.accept(random() < 0.5 ? 'word' : 'all')
      else if (luck < 0.8) time.pass(random() * 60)
      else await engine.settle({ tooLate: random() < 0.5 })
      if (before.length >= SENTENCE.length || !SENTENCE.startsWith(before)) before = random() < 0.3 ? '' : before
      const { suggestion } = type(before)
      if (suggestion && !SENTENCE.startsWith(before + suggestion.text)) stale.push(`${before}|${suggestion.text}`)
    }
    expect(stale).toEqual([])
    expect(engine.mostAtOnce).toBe(1)
    expect(seen.filter(({ suggestion }) => suggestion).length).toBeGreaterThan(100)
    expect(suggester.stats.dropped).toBeGreaterThan(0)
  }, 60_000)

  test('trouble is told, and the next key asks again', async () => {
    const { engine, time, type, troubles, text, rest } = setUp(knows)
    type('The ')
    time.pass(50)
    await engine.fail(new Error('lost'))
    expect(troubles).toHaveLength(1)
    type('The q')
    await rest()
    expect(text()).toBe('uick brown')
  })
})

describe('typing through', () => {
  test('the suggested letters shrink it without a call; another letter takes it away at once', async () => {
    const { engine, type, text, rest, suggester } = setUp(knows)
    type('The ')
    await rest()
    expect(type('The q').suggestion?.text).toBe('uick brown')
    expect(type('The quick ').suggestion?.text).toBe('brown')
    expect(engine.asked).toEqual(['The '])
    expect(type('The quick x').suggestion).toBeNull()
    expect(text()).toBeNull()
    expect(suggester.stats).toMatchObject({ typedThrough: 2, rejected: 1, shown: 1 })
  })

  test('what was shown before comes back from the cache, also where letters have been typed since', async () => {
    const { engine, type, rest, suggester } = setUp(knows)
    type('The ')
    await rest()
    type('The x')
    expect(type('The qu').suggestion).toMatchObject({ text: 'ick brown', wasReady: true })
    expect(type('The ').suggestion?.text).toBe('quick brown')
    expect(engine.asked).toEqual(['The '])
    expect(suggester.stats.cacheHits).toBe(1) // going back within what was typed of it needs none
  })
})

describe('accepting', () => {
  test('word by word, then all: each shows what is left, and what follows is there already', async () => {
    const { engine, suggester, type, text, rest } = setUp(knows, { prefetch: true })
    type('The ')
    await rest()
    await engine.settle() // the prefetch
    expect(suggester.accept('word')).toBe('quick')
    type('The quick')
    expect(text()).toBe(' brown')
    expect(suggester.accept('all')).toBe(' brown')
    expect(type('The quick brown').suggestion).toMatchObject({ text: ' fox jumps', wasReady: true })
    expect(suggester.stats).toMatchObject({ accepted: 1, savedCharacters: 11, prefetchHits: 1, typedThrough: 0 })
    expect(suggester.stats.outcomes).toEqual([{ confidence: 0.8, accepted: true }])
  })

  test('a guess under way is waited for where it turns out to be wanted', async () => {
    const { engine, suggester, type, text, rest } = setUp(knows, { prefetch: true })
    type('The ')
    await rest()
    expect(engine.pending.map(({ priority }) => priority)).toEqual(['background'])
    suggester.accept('all')
    expect(type('The quick brown').silentBecause).toBe('pending')
    await engine.settle()
    expect(text()).toBe(' fox jumps')
    expect(engine.asked).toEqual(['The ', 'The quick brown', 'The quick brown fox jumps'])
    expect(suggester.stats.cancelled).toBe(0)
  })

  test('one word taken and then another letter counts as partly accepted', async () => {
    const { suggester, type, rest } = setUp(knows)
    type('The ')
    await rest()
    type(`The ${suggester.accept('word')}`)
    type('The quick!')
    expect(suggester.stats).toMatchObject({ accepted: 0, partlyAccepted: 1, rejected: 0 })
  })
})

describe('silence', () => {
  test.each([
    ['selection', { hasSelection: true }, {}],
    ['composing', { isComposing: true }, {}],
    ['switched-off', {}, { enabled: false }],
  ] as const)('%s', async (reason, over, settings) => {
    const { engine, suggester, type, rest } = setUp(knows)
    type('The ')
    await rest()
    suggester.configure(settings)
    expect(type('The q', over)).toEqual({ suggestion: null, silentBecause: reason })
    await rest()
    expect(engine.asked).toEqual(['The '])
    expect(suggester.stats.suppressed).toEqual({ [reason]: 'enabled' in settings ? 2 : 1 })
  })

  test("the engine's reason is passed on and counted", async () => {
    const { suggester, type, rest } = setUp(() => ({ silentBecause: 'wrong-language' }))
    type('Der ')
    await rest()
    expect(suggester.shown.silentBecause).toBe('wrong-language')
    expect(suggester.stats.suppressed).toEqual({ 'wrong-language': 1 })
  })

  test('dismissed until the text changes; asked for, it comes however unlikely', async () => {
    const { engine, suggester, type, text, rest } = setUp((before, { minConfidence }) =>
      minConfidence === 0 ? knows(before) : { silentBecause: 'low-confidence' },
    )
    type('The ')
    await rest()
    expect(suggester.shown.silentBecause).toBe('low-confidence')
    suggester.request()
    await engine.settle()
    expect(text()).toBe('quick brown')
    suggester.dismiss()
    expect(type('The ')).toEqual({ suggestion: null, silentBecause: 'dismissed' })
    type('The q')
    await rest()
    expect(text()).toBeNull() // what was asked for explicitly is not kept for later
  })
})

test('other suggestions go round, those only that fit what was typed', async () => {
  const { suggester, type, text, rest } = setUp(() => ({
    text: 'quick',
    alternatives: [
      { text: 'quiet', confidence: 0.1 },
      { text: 'slow', confidence: 0.1 },
    ],
  }))
  type('The ')
  await rest()
  suggester.cycle(1)
  suggester.cycle(1)
  expect(text()).toBe('slow')
  suggester.cycle(1)
  expect(text()).toBe('quick')
  type('The qui')
  suggester.cycle(-1)
  expect(text()).toBe('et')
  suggester.cycle(-1)
  expect(text()).toBe('ck')
})

test('another suggestion is asked for where only one is known: typing never pays for a choice', async () => {
  const { engine, suggester, type, text, time } = setUp((_before, { alternatives = 0 }) => ({
    text: 'quick',
    alternatives: [{ text: 'slow', confidence: 0.3 }].slice(0, alternatives),
  }))
  type('The ')
  time.pass(500)
  expect(engine.pending[0]?.alternatives).toBe(0)
  await engine.settle()
  suggester.cycle(1)
  expect(text(), 'the one that is known stays meanwhile').toBe('quick')
  expect(engine.pending[0]).toMatchObject({ alternatives: 2, minConfidence: 0 })
  await engine.settle()
  expect(text()).toBe('slow')
  expect(suggester.shown.suggestion).toMatchObject({ index: 1, count: 2 })
  expect(suggester.stats.latenciesMs.length, 'what was asked for by a key is no latency of a pause').toBe(1)
})

test('where no other one fits what was accepted, another is asked for: the key was dead', async () => {
  const { engine, suggester, type, text } = setUp((before, { alternatives = 0 }) => ({
    text: before === 'The ' ? 'quick fox' : 'fox',
    alternatives: [{ text: before === 'The ' ? 'slow' : 'hare', confidence: 0.3 }].slice(0, alternatives),
  }))
  type('The ')
  suggester.request()
  await engine.settle()
  expect(suggester.shown.suggestion).toMatchObject({ index: 0, count: 2 })
  type(`The ${suggester.accept('word')}`)
  type('The quick ')
  expect(suggester.shown.suggestion).toMatchObject({ text: 'fox', index: 0, count: 1 })
  suggester.cycle(1)
  await engine.settle()
  expect(text()).toBe('hare')
  expect(suggester.shown.suggestion).toMatchObject({ index: 1, count: 2 })
  expect(suggester.stats).toMatchObject({ partlyAccepted: 1 })
})

test('what the user often accepts is suggested at once', async () => {
  const memory = new PhraseMemory()
  const { engine, suggester, type, rest } = setUp(() => ({ text: 'regards from here' }), { prefetch: false }, memory)
  for (let time = 0; time < 2; time++) {
    type(`${'x'.repeat(time)} With kind `)
    await rest()
    type(`${'x'.repeat(time)} With kind ${suggester.accept('all')}`)
  }
  const asked = engine.asked.length
  expect(type('Thanks. With kind ').suggestion).toMatchObject({ text: 'regards from here', wasReady: true })
  expect(type('Thanks. With kind re').suggestion?.text).toBe('gards from here')
  expect(engine.asked.length).toBe(asked)
})

test('after dispose nothing comes any more', async () => {
  const { engine, time, type, text, suggester } = setUp(knows)
  type('The ')
  time.pass(50)
  suggester.dispose()
  await engine.settle({ tooLate: true })
  expect(text()).toBeNull()
})
