/** Tables for the pure parts of completion: when it keeps silent, how it meets what follows, words, context, calibration. */
import { describe, expect, test } from 'vitest'
import { calibrated } from '../../../web/src/engine/complete/calibration.ts'
import { fitted } from '../../../web/src/engine/complete/join.ts'
import { isForeign, languageOf } from '../../../web/src/engine/complete/language.ts'
import { partialWord, runsTogether, wordsOf } from '../../../web/src/engine/complete/letters.ts'
import { contextWindow, pendingText } from '../../../web/src/engine/complete/prompt.ts'
import { completeArgs } from '../../../web/src/engine/complete/request.ts'
import { caretSilence, textSilence } from '../../../web/src/engine/complete/silence.ts'
import { KIND, TokenTable } from '../../../web/src/engine/complete/tokens.ts'
import type { CompleteRequest } from '../../../web/src/engine/complete/types.ts'

describe('where the caret stands', () => {
  test.each([
    ['', '', 'nothing-to-go-on'],
    [' \n', 'text', 'nothing-to-go-on'],
    ['We wen', 't home', 'inside-word'],
    ['We went', ' home', null],
    ['散歩', '散歩', null],
    ['It was 201', '', 'in-number'],
    ['It cost $1,', '', 'in-number'],
    ['Call +49 89', '', 'in-number'],
    ['In 2014 ', '', null],
    ['See https://exam', '', 'in-address'],
    ['See www.', '', 'in-address'],
    ['Write to jane@exam', '', 'in-address'],
    ['Look at /usr/lo', '', 'in-address'],
    ['Open C:\\Us', '', 'in-address'],
    ['See exa', 'mple.com/page', 'in-address'],
    ['Either and/or', '', null],
    ['He said (and', '', null],
    ['Use `const x', '', 'in-code'],
    ['Use `const x` and', '', null],
    ['```js\nlet x', '', 'in-code'],
    ['```js\nlet x\n```\nSo', '', null],
    ['One ` here.\n\nNext paragraph', '', null],
  ] as const)('%j|%j: %s', (before, after, reason) => {
    expect(caretSilence({ before, after })).toBe(reason)
  })

  test('a model of code may speak in code', () => {
    expect(caretSilence({ before: '```js\nlet x', after: '' }, true)).toBeNull()
  })
})

const KNOWN = new Set(['went', 'home', 'the', 'hello', 'recent', 'and', 'is', 'it'])

describe('what a suggestion says', () => {
  test.each([
    ['We ', '', 'went home', 1, null],
    ['We ', '', '', 1, 'empty'],
    ['We went', '', ' …', 1, 'only-punctuation'],
    ['We went', '', '.', 1, 'only-punctuation'],
    ['Well done ', '', '🎉', 1, null],
    ['We saw the ', '', 'the', 1, 'repeats-before'],
    ['We saw the', '', ' the house', 1, 'repeats-before'],
    ['All we had ', '', 'had', 1, null],
    ['He is here. ', '', 'Here', 1, null],
    ['one two three ', '', 'one two three', 1, 'repeats-before'],
    ['We went ', '', 'home home', 1, 'repeats-before'],
    ['We saw th', '', 'e the house', 1, 'repeats-before'],
    ['It is ', '', 'the same as the same as', 1, 'repeats-before'],
    ['Then he ', '', 'had had it', 1, null],
    ['It went ', '', 'on and on', 1, null],
    ['We we', '', 'nt', 0.1, null],
    ['We flu', '', 'bbered', 0.1, 'would-misspell'],
    ['We flu', '', 'bbered', 0.9, null],
    ['The Flubber flew. We flu', '', 'bber', 0.1, null],
    ['We wx', '', ' the', 1, 'would-misspell'],
    ['We wrxte', '', ' it', 1, null],
    ['Das ist der Hund und die Katze, und das ist nicht ', '', 'the best', 1, 'wrong-language'],
    ['It is the dog and the cat, and it is not ', '', 'und das', 1, 'wrong-language'],
    ['It is the dog and the cat, and it is not ', '', 'привет', 1, 'wrong-language'],
    ['We ', 'went home.', 'went home', 1, 'repeats-following'],
  ] as const)('%j|%j %j (%d): %s', (before, after, text, leastInFirstWord, reason) => {
    expect(textSilence({ before, after }, { text, leastInFirstWord, isWord: word => KNOWN.has(word) })).toBe(reason)
  })
})

test.each([
  ['a very good', '', 'a very good'],
  ['a very good', '\nNext line.', 'a very good'],
  ['a very good', 'dinner', 'a very good '],
  ['a very good', ' dinner', 'a very good'],
  ['a very good dinner', 'dinner there', 'a very good '],
  ['a very good dinner', ' dinner there', 'a very good'],
  ['dinner there', 'dinner there', ''],
  ['dinner there and then', 'dinner there', ''],
  ['good.', ', he said', 'good'],
  ['good', ', he said', 'good'],
  ['散歩', '散歩しました', ''],
  ['散', '歩しました', '散'],
])('%j in front of %j: %j', (text, after, joined) => {
  expect(fitted(text, after)).toBe(joined)
})

test.each([
  ['The dog and the cat were in the house with us.', 'en'],
  ['Der Hund und die Katze sind in dem Haus und es ist nicht weit.', 'de'],
  ['Le chien et le chat sont dans la maison avec nous pour la nuit.', 'fr'],
  ['Word.', null],
  ['', null],
])('%j is %s', (text, language) => {
  expect(languageOf(text)).toBe(language)
})

test('every beginning of the small words of a language, gone on with, belongs to it', () => {
  const before = 'It is the dog and the cat, and it is not that which they were with. '
  const words = 'the and that which they with from come over war die son plus man has a e o in on per'.split(' ')
  const isWord = () => true
  for (const word of words) {
    for (let typed = 0; typed < word.length; typed++) {
      const said = { text: word.slice(typed), leastInFirstWord: 1, isWord }
      expect(textSilence({ before: before + word.slice(0, typed), after: '' }, said), `${word} ${typed}`).toBeNull()
    }
  }
})

test('names and words that tell nothing are never foreign', () => {
  expect(isForeign('Berlin', 'The dog and the cat were in the house with us at ')).toBe(false)
  expect(isForeign('the', '12 ')).toBe(false)
})

test.each([
  ['the wo', 'wo'],
  ['the ', ''],
  ["don'", "don'"],
  ['(ab', 'ab'],
  ['x-y', 'x-y'],
  ['今日は', ''],
  ['a.b', 'b'],
])('of %j the letters %j belong to the word being typed', (before, word) => {
  expect(partialWord(before)).toBe(word)
})

test.each([
  ['friends and', 'The', true],
  ['und', 'Überall', true],
  ['I like mac', 'OS', true],
  ['macOS or mac', 'OS', false],
  ['my i', 'Phone', false],
  ['Java', 'Script', false],
  ['friends and', 'then', false],
  ['friends and ', 'The', false],
  ['“and', 'The', true],
  ['don’t', 'The', false],
  ['', 'The', false],
])('%j and then %j run together: %s', (text, next, expected) => {
  expect(runsTogether(text, next)).toBe(expected) // test_eval_autocomplete.py has the same
})

test('words and pending text', () => {
  expect(wordsOf("It's a well-known 散歩, and/or 2 more.")).toEqual([
    "It's",
    'a',
    'well-known',
    '散',
    '歩',
    'and/or',
    '2',
    'more',
  ])
  expect(['a bc', 'a ', 'a.\n\n', 'abc', ''].map(pendingText)).toEqual([' bc', ' ', '\n\n', 'abc', ''])
})

test('the context begins at a sentence and stays while the text grows', () => {
  const text = Array.from({ length: 200 }, (_, index) => `This is sentence number ${index}.`).join(' ')
  const cuts = new Set(
    Array.from({ length: 250 }, (_, more) => contextWindow(text.slice(0, 3000 + more), 900).slice(0, 30)),
  )
  expect(cuts.size).toBeLessThanOrEqual(2)
  for (const cut of cuts) expect(cut).toMatch(/^This is sentence/)
})

test('half a character is never the context’s beginning', () => {
  for (let limit = 200; limit < 260; limit++)
    expect(contextWindow('😀'.repeat(400), limit)).not.toMatch(/^[\uDC00-\uDFFF]/)
})

// test_eval_autocomplete.py has the same numbers: the program that measures and the engine agree.
test.each([
  [0, 0],
  [0.1, 0.05],
  [0.2, 0.1],
  [0.4, 0.3],
  [0.6, 0.5],
  [0.8, 0.75],
  [1, 1],
])('a probability of %d is a confidence of %d', (probability, confidence) => {
  const calibration = {
    by_letters: [
      [
        [0.2, 0.1],
        [0.6, 0.5],
      ],
    ],
  }
  expect(calibrated(probability, 3, calibration)).toBeCloseTo(confidence)
  expect(calibrated(probability, 3, null)).toBe(probability)
})

test('what tokens do to the word in front of them', () => {
  const spelled = [null, ' the', 'ing', ',', "'t", '-', '--', '\u00e4\u00bb\u008a', '\u00bb', '\u00f0\u009f', '7', '\n']
  const { end, border, inside, partial } = KIND
  const table = new TokenTable({ bytes: spelled }, 14)
  expect([...table.kinds]).toEqual([
    end,
    border,
    inside,
    border,
    inside,
    inside,
    border,
    border,
    partial,
    partial,
    inside,
    border,
    end,
    end,
  ])
  expect([...table.startingWith('-')]).toEqual([5, 6])
  expect([...table.startingWith('x')]).toEqual([])
  expect(table.isWord('The')).toBe(true)
})

test.each([
  [{ before: 1 }, 'before'],
  [{ before: 'a', maxWords: 9 }, 'maxWords'],
  [{ before: 'a', minConfidence: 2 }, 'minConfidence'],
  [{ before: 'a', alternatives: 9 }, 'alternatives'],
  [{ before: 'a', contextLength: 10 }, 'contextLength'],
  [{ before: 'a', priority: 'soon' }, 'priority'],
  [{ before: 'a', temperature: 1 }, 'temperature'],
])('%j is refused, naming %s', (request, field) => {
  // A caller without types: the point of the check.
  expect(() => completeArgs(request as unknown as CompleteRequest)).toThrow(field)
})
