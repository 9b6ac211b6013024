import { expect, test } from 'vitest'
import { createStopMatcher } from '../../../web/src/engine/stop.ts'

/** What a reader sees of `pieces`, and whether a stop string ended it. */
function run(stops: string[], pieces: string[]) {
  const matcher = createStopMatcher(stops)
  let shown = ''
  for (const piece of pieces) {
    const { text, stopped } = matcher.push(piece)
    shown += text
    if (stopped) return { shown, stopped }
  }
  return { shown: shown + matcher.flush(), stopped: false }
}

test.each([
  { stops: [], pieces: ['a', 'b'], shown: 'ab', stopped: false },
  { stops: ['END'], pieces: ['one END two'], shown: 'one ', stopped: true },
  { stops: ['END'], pieces: ['one E', 'N', 'D two'], shown: 'one ', stopped: true },
  { stops: ['END'], pieces: ['one E', 'N', 'd two'], shown: 'one ENd two', stopped: false },
  { stops: ['END'], pieces: ['one EN'], shown: 'one EN', stopped: false },
  { stops: ['aab'], pieces: ['a', 'a', 'a', 'b', 'c'], shown: 'a', stopped: true },
  { stops: ['xyz', 'y'], pieces: ['w', 'x', 'y', 'z'], shown: 'wx', stopped: true },
  { stops: ['bc', 'abcd'], pieces: ['a', 'b', 'c', 'd'], shown: 'a', stopped: true },
  { stops: ['\n\n'], pieces: ['a\n', 'b\n', '\nc'], shown: 'a\nb', stopped: true },
  { stops: ['👋'], pieces: ['hi ', '👋', '!'], shown: 'hi ', stopped: true },
])('$stops over $pieces shows $shown', ({ stops, pieces, shown, stopped }) => {
  expect(run(stops, pieces)).toEqual({ shown, stopped })
})

test('no character of a stop string is ever shown, wherever the text is cut', () => {
  const text = 'The answer is 42.<|done|> and more'
  for (let first = 0; first <= text.length; first++) {
    for (let second = first; second <= text.length; second++) {
      const pieces = [text.slice(0, first), text.slice(first, second), text.slice(second)]
      expect(run(['<|done|>'], pieces)).toEqual({ shown: 'The answer is 42.', stopped: true })
    }
  }
})

test('text that cannot begin a stop string is shown at once', () => {
  const matcher = createStopMatcher(['stop'])
  expect(matcher.push('go on, don’t s').text).toBe('go on, don’t ')
  expect(matcher.push('ay').text).toBe('say')
})
