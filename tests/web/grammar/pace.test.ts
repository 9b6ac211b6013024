/** When a text that is being written is looked at, and which sentence is unfinished. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { sentencesOf } from '../../../web/src/engine/proofread/segment.ts'
import { Pace } from '../../../web/src/state/grammar/pace.ts'

let looks: number[] = []
let busy = false

function pace(): Pace {
  looks = []
  const begun = performance.now()
  const made: Pace = new Pace(
    () => {
      looks.push(Math.round(performance.now() - begun))
      made.looked()
    },
    () => busy,
  )
  return made
}

const typed = (made: Pace, text: string, caret = text.length) =>
  made.changed(caret, { before: text.slice(Math.max(0, caret - 12), caret), length: text.length })

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  busy = false
})

afterEach(() => {
  vi.useRealTimers()
})

describe('a look', () => {
  test('comes soon after a sentence ends, later after another key, and once more when nobody has typed for long', () => {
    const one = pace()
    typed(one, 'She go home.')
    vi.advanceTimersByTime(100)
    expect(looks).toEqual([40])
    one.stop()
    const other = pace()
    typed(other, 'She go ho')
    vi.advanceTimersByTime(2000)
    expect(looks).toEqual([300])
    vi.advanceTimersByTime(1000)
    expect(looks).toEqual([300, 2540])
  })

  test('comes in steady typing, too, more seldom in a long text', () => {
    for (const [length, most] of [
      [100, 500],
      [100_000, 1500],
    ] as const) {
      const made = pace()
      for (let key = 0; key < 20; key++) {
        made.changed(5, { before: 'word', length })
        vi.advanceTimersByTime(150)
      }
      expect(looks[0]).toBeLessThanOrEqual(most)
      expect(looks.length).toBeLessThanOrEqual(3000 / most)
      made.stop()
    }
  })

  test('comes when the caret leaves the place where it typed', () => {
    const made = pace()
    typed(made, 'She go ho')
    vi.advanceTimersByTime(310)
    made.moved(9)
    vi.advanceTimersByTime(100)
    expect(looks).toEqual([300])
    made.moved(2)
    vi.advanceTimersByTime(100)
    expect(looks).toEqual([300, 450])
  })
})

test.each<[string, string, boolean]>([
  ['I saw teh|', 'teh', true],
  ['I saw te|h cat.', 'teh', true],
  ['I saw |teh cat.', 'teh', false],
  ['I saw teh |cat.', 'teh', false],
  ['I saw teh cat.|', '.', false],
  ['I saw teh cat|', 'saw', false],
])('in %j with the caret at the bar, is %j unfinished? %j', (written, words, isUnfinished) => {
  const made = pace()
  const caret = written.indexOf('|')
  const text = written.replace('|', '')
  const place = { from: text.indexOf(words), to: text.indexOf(words) + words.length }
  typed(made, text, caret)
  expect(made.isUnfinished(text, place)).toBe(isUnfinished)
  made.moved(0)
  expect(made.isUnfinished(text, place), 'once the caret has left').toBe(false)
  made.stop()
})

describe('a sentence', () => {
  const open = (text: string, caret: number, after: (made: Pace) => void = () => {}) => {
    const made = pace()
    typed(made, text, caret)
    after(made)
    return sentencesOf(text).map(sentence => made.isOpen(text, sentence))
  }

  test.each<[string, number, boolean[]]>([
    ['She go home', 11, [true]],
    ['She go home ', 12, [true]],
    ['She go home.', 12, [false]],
    ['She go home. ', 13, [false]],
    ['She go home\n', 12, [false]],
    ['All is well. She go', 19, [false, true]],
    ['She go now. All is well.', 6, [true, false]],
    ['She “go home.”', 14, [false]],
  ])('of %j with the caret at %i', (text, caret, expected) => {
    expect(open(text, caret)).toEqual(expected)
  })

  test('that has its end is finished when nobody has typed in it for long; one without is not', () => {
    const rest = () => vi.advanceTimersByTime(3000)
    expect(open('She go now. All is well.', 6, rest)).toEqual([false, false])
    expect(open('All is well. She go', 19, rest)).toEqual([false, true])
  })

  test('is finished when the caret has left', () => {
    expect(open('All is well. She go', 19, made => made.moved(3))).toEqual([false, false])
  })
})

test('what is far from the caret waits until nobody types and nothing more urgent goes on', async () => {
  const made = pace()
  typed(made, 'She go ho')
  busy = true
  let isQuiet = false
  void made.quiet(new AbortController().signal).then(() => {
    isQuiet = true
  })
  await vi.advanceTimersByTimeAsync(690)
  expect(isQuiet).toBe(false)
  await vi.advanceTimersByTimeAsync(500)
  expect(isQuiet, 'a suggestion is being made').toBe(false)
  busy = false
  await vi.advanceTimersByTimeAsync(100)
  expect(isQuiet).toBe(true)
})
