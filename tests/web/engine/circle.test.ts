/** Answers that go round in circles: what they said before that counts, the rest of the sentence stays. */
import { expect, test } from 'vitest'
import { beginningLike } from '../../../web/src/engine/proofread/align.ts'
import { straightened } from '../../../web/src/engine/proofread/circle.ts'
import { shownText, wordsOf } from '../../../web/src/engine/proofread/words.ts'

const straight = (sentence: string, answer: string) => {
  const words = straightened(wordsOf(sentence), wordsOf(answer))
  return words && shownText(words)
}

test.each([
  [
    'Thus in concordance with the above I agrees whole heartedly that there will be fewer cars.',
    'Thus in concordance with the above I agree with the above I agree with the above I agree with the above I agree wi',
    'Thus in concordance with the above I agree whole heartedly that there will be fewer cars.',
  ],
  ['He go home and he is tired.', 'He goes home and and and and and and an', 'He goes home and he is tired.'],
  [
    'ther is also people that is convinced and many times ther is no way to give back that product.',
    'there are also people that are convinced and many times there is no way and many times there is no way and many ti',
    'there are also people that are convinced and many times there is no way to give back that product.',
  ],
])('%s', (sentence, answer, expected) => {
  expect(straight(sentence, answer)).toBe(expected)
})

test('an answer that only became too long is none', () => {
  expect(straight('He go home.', 'He goes home because he is very tired of all the work that he has')).toBeNull()
  expect(straight('He go.', 'He')).toBeNull()
  expect(straight('He go.', '')).toBeNull()
})

test('the beginning that an answer is nearest to', () => {
  const nearest = (sentence: string, answer: string) => beginningLike(wordsOf(sentence), wordsOf(answer))
  expect(nearest('a b c d e', 'a b c')).toBe(3)
  expect(nearest('a b c d e', 'a x c')).toBe(3)
  expect(nearest('a b c d e', '')).toBe(0)
  expect(nearest('a b c', 'a b c d')).toBe(3)
})
