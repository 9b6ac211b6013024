/** What the model finds in a repaired sentence, traced back to the sentence as it was written. */
import { expect, test } from 'vitest'
import { randomNumbers } from '../../../web/src/engine/random.ts'
import { repaired, repairsOf, traced } from '../../../web/src/tasks/grammar/repair.ts'
import type { Finding } from '../../../web/src/tasks/grammar/types.ts'

function finding(from: number, to: number, text: string, more: Partial<Finding> = {}): Finding {
  return {
    ...{ from, to, replacements: [text], kind: 'grammar', kinds: ['grammar'], explanation: '', reason: null, rule: '' },
    ...{ foundBy: 'model', confidence: 1 },
    ...more,
  }
}

const SENTENCE = 'he recieve a a letters yesterday'
const REPAIRS = repairsOf([
  finding(22, 22, ',', { kind: 'punctuation', confidence: -4.1 }), // the model objects
  finding(11, 13, '', { confidence: 2 }),
  finding(3, 10, 'receive', { kind: 'spelling', confidence: -3.9 }),
  finding(0, 2, 'He', { kind: 'capitalization', confidence: null }),
  finding(3, 15, 'receives letters', { confidence: 5 }), // over two others
])
const READ = 'He receive a letters yesterday'

test('the rules repair what the model does not object to, of what overlaps the first', () => {
  expect(repaired(SENTENCE, REPAIRS)).toBe(READ)
})

test.each<[string, string, string, string, Finding['kind']]>([
  ['letters', 'letter', 'letters', 'letter', 'grammar'],
  ['receive', 'received', 'recieve', 'received', 'spelling'],
  ['He receive', 'They received', 'he recieve', 'They received', 'spelling'],
  ['receive a letters', 'receive letters', 'recieve a a letters', 'receive letters', 'spelling'],
  ['a', 'some', 'a', 'some', 'grammar'],
  [' a', ' some', ' a a', ' some', 'grammar'],
])(
  '“%s” → “%s” in the repaired sentence is “%s” → “%s” in the written one',
  (old, text, written, replacement, kind) => {
    const from = READ.indexOf(old)
    const found = traced(SENTENCE, REPAIRS, finding(from, from + old.length, text))
    expect(found && SENTENCE.slice(found.from, found.to)).toBe(written)
    expect(found).toMatchObject({ replacements: [replacement], kind })
  },
)

test('what only takes a repair back is nothing', () => {
  expect(traced(SENTENCE, REPAIRS, finding(3, 10, 'recieve'))).toBeNull()
})

test('beside the repairs that it leaves, a traced finding makes what it makes of the repaired sentence (2,000 random ones)', () => {
  const next = randomNumbers(5)
  const below = (count: number) => Math.floor(next() * count)
  const word = () => 'xyz'.slice(0, below(4))
  for (let round = 0; round < 2000; round++) {
    const sentence = 'abcdefghijkl'.slice(0, 1 + below(12))
    const ends = Array.from({ length: 2 * below(4) }, () => below(sentence.length + 1)).sort((a, b) => a - b)
    const repairs = repairsOf(ends.flatMap((from, at) => (at % 2 ? [] : finding(from, ends[at + 1] ?? from, word()))))
    const read = repaired(sentence, repairs)
    const from = below(read.length)
    const to = from + 1 + below(read.length - from)
    const found = traced(sentence, repairs, finding(from, to, '<>'))
    const own = {
      from: found?.from ?? 0,
      to: found?.to ?? 0,
      text: found?.replacements[0] ?? '',
      kind: 'grammar' as const,
    }
    let longer = 0
    const left = repairs.filter(repair => {
      const start = repair.from + longer
      longer += repair.text.length - (repair.to - repair.from)
      return start >= to || start + repair.text.length <= from
    })
    const all = [...left, own].sort((a, b) => a.from - b.from || a.to - b.to)
    expect(repaired(sentence, all), JSON.stringify({ sentence, repairs, from, to })).toBe(
      `${read.slice(0, from)}<>${read.slice(to)}`,
    )
  }
})

test('a correction over what a rule has repaired is explained by the words that were written', () => {
  const sentence = 'He is writting a letter'
  const repairs = repairsOf([finding(6, 14, 'writing', { kind: 'spelling', confidence: 3 })])
  const explanation = '“writing” fits better than “written”.'
  const reason = { code: 'fits-better', original: 'writing', replacement: 'written' } as const
  expect(traced(sentence, repairs, finding(6, 13, 'written', { explanation, reason }))).toMatchObject({
    ...{ from: 6, to: 14, replacements: ['written'], kind: 'spelling' },
    explanation: '“writting” may be a misspelling of “written”.',
    reason: { code: 'misspelling', original: 'writting', replacement: 'written' },
  })
})
