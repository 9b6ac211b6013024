/** Tables for the pure parts of autocomplete: pauses, context, remainders, words, phrases. */
import { describe, expect, test } from 'vitest'
import { PhraseMemory } from '../../../web/src/tasks/autocomplete-memory.ts'
import {
  contextLengthFor,
  debounceMs,
  firstWordOf,
  RecentlyUsed,
  remainder,
} from '../../../web/src/tasks/autocomplete-policy.ts'

test.each([
  [null, 20],
  [10, 15],
  [70, 15],
  [71, 25],
  [140, 25],
  [200, 55],
  [600, 110],
  [5000, 220],
])('answers in %s ms: a pause of %s ms', (latency, pause) => {
  expect(debounceMs(latency)).toBe(pause)
})

test.each([
  [null, 1500],
  [50, 750],
  [320, 1500],
  [700, 3000],
  [5000, 6000],
])('reading %s tokens a second: %s characters', (speed, length) => {
  expect(contextLengthFor(speed)).toBe(length)
})

test.each([
  ['a', 'a', 'bc', 'bc'],
  ['a', 'ab', 'bc', 'c'],
  ['a', 'abc', 'bc', ''],
  ['a', 'abd', 'bc', null],
  ['a', '', 'bc', null],
  ['a', 'x', 'bc', null],
])('asked at "%s", now "%s": of "%s" remains %s', (asked, now, text, rest) => {
  expect(remainder({ before: asked, after: '' }, text, { before: now, after: '' })).toBe(rest)
  expect(remainder({ before: asked, after: '!' }, text, { before: now, after: '' })).toBeNull()
})

test.each([
  ['one two', 'one'],
  [' one two', ' one'],
  ['one, two', 'one,'],
  ['one', 'one'],
  ['散歩しましょう', '散歩'],
])('the first word of "%s" is "%s"', (text, word) => {
  expect(firstWordOf(text)).toBe(word)
})

test('what was used longest ago goes first', () => {
  const kept = new RecentlyUsed<number>(2)
  kept.set('a', 1)
  kept.set('b', 2)
  kept.get('a')
  kept.set('c', 3)
  expect([kept.get('a'), kept.get('b'), kept.get('c')]).toEqual([1, undefined, 3])
})

describe('phrase memory', () => {
  function taught(): PhraseMemory {
    const memory = new PhraseMemory()
    for (let time = 0; time < 3; time++) memory.learn('Many thanks for ', 'your patience.')
    memory.learn('Many thanks for y', 'our help.')
    memory.learn('Once only ', 'said')
    return memory
  }

  test.each([
    ['thanks for ', 'your patience.'],
    ['Many thanks for ', 'your patience.'],
    ['Many thanks for yo', 'ur patience.'],
    ['for your pat', 'ience.'],
    ['Once only ', undefined],
    ['thanks for', undefined],
    ['thanks for x', undefined],
    ['', undefined],
  ])('after "%s": %s', (before, text) => {
    expect(taught().suggest(before, 3)?.text).toBe(text)
  })

  test('says how sure it is, and no more words than wanted', () => {
    expect(taught().suggest('thanks for your ', 3)).toEqual({ text: 'patience.', confidence: 0.75 })
    expect(taught().suggest('Many thanks for ', 1)?.text).toBe('your')
  })

  test('lists what it would say, and forgets it', () => {
    const memory = taught()
    expect(memory.list()).toContainEqual({ text: 'thanks for your patience.', count: 3 })
    expect(memory.list().some(({ text }) => text.includes('said'))).toBe(false)
    for (const { text } of memory.list()) memory.forget(text)
    expect(memory.list()).toEqual([])
    expect(memory.suggest('Many thanks for ', 3)).toBeNull()
  })

  test('a phrase is listed once, not by each of its ends too, and forgotten with them', () => {
    const memory = new PhraseMemory()
    for (let time = 0; time < 2; time++) memory.learn('We live in the United ', 'States')
    memory.learn('Across the United ', 'States')
    memory.learn('Send this to the ', 'office')
    memory.learn('Come to the ', 'office')
    const listed = [
      { text: 'the united States', count: 3 },
      { text: 'in the united States', count: 2 },
      { text: 'to the office', count: 2 },
    ]
    expect(memory.list()).toEqual(listed)
    memory.forget('to the office')
    expect(memory.list()).toEqual(listed.slice(0, 2))
    expect(memory.suggest('Come to the ', 3)).toBeNull()
    memory.forget('in the united States')
    expect(memory.list()).toEqual(listed.slice(0, 1))
    memory.forget('the united States')
    expect(memory.suggest('the United ', 3)).toBeNull()
  })

  test('is the same again from what it stores; what is no memory is an empty one', () => {
    const stored: unknown = JSON.parse(JSON.stringify(taught()))
    expect(PhraseMemory.from(stored).list()).toEqual(taught().list())
    for (const broken of [null, 3, {}, { following: 1 }, { following: { a: 2, b: { c: 'd' } } }])
      expect(PhraseMemory.from(broken).list()).toEqual([])
  })
})
