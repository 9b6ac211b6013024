/**
 * Which words an answer changed: the smallest edits between two lists of words (a word-level alignment whose substitutions
 * prefer words that are alike, as ERRANT's do, Bryant et al. 2017). Pure, knows no text and no places.
 */
import { similarity } from './similar.ts'
import { isWord, type Word } from './words.ts'

/** Words [from, to) of the sentence give way to `words`; `spacedAfter` says whether a space follows these in the answer. */
export interface Change {
  from: number
  to: number
  words: Pick<Word, 'shown' | 'key' | 'spaced'>[]
  spacedAfter: boolean
}

type Step = 'keep' | 'substitute' | 'insert' | 'delete'

/** Above so many pairs of words to compare, the answer is another text. */
const MOST_PAIRS = 60_000
/** From here on a substituted word is the same word, changed. */
const ALIKE = 0.5
/** From here on two runs of words are the same letters, divided otherwise ("alot", "a lot"). */
const SAME_LETTERS = 0.8
/** Words between a word's old place and its new one; from further away it is another one. */
const MOST_PASSED = 4

/** Null where the two have too little in common to be compared. */
export function changesBetween(sentence: readonly Word[], answer: readonly Word[]): Change[] | null {
  const least = Math.min(sentence.length, answer.length)
  let head = 0
  while (head < least && sentence[head]?.key === answer[head]?.key) head++
  let tail = 0
  while (tail < least - head && sentence.at(-1 - tail)?.key === answer.at(-1 - tail)?.key) tail++
  const before = sentence.slice(head, sentence.length - tail)
  const after = answer.slice(head, answer.length - tail)
  if (before.length * after.length > MOST_PAIRS) return null
  return changesOf(steps(before, after), { sentence, answer, head })
}

/** How many words of the sentence's beginning the answer is nearest to; of several as near, the fewest. */
export function beginningLike(sentence: readonly Word[], answer: readonly Word[]): number {
  const costs = costsOf(sentence, answer)
  const at = (words: number) => costs[words * (answer.length + 1) + answer.length] ?? 0
  return sentence.reduce((best, _, index) => (at(index + 1) < at(best) ? index + 1 : best), 0)
}

/** What it costs to turn the first i words of one list into the first j of the other, at [i · (length of the other + 1) + j]. */
function costsOf(before: readonly Word[], after: readonly Word[]): Float64Array {
  const width = after.length + 1
  const costs = new Float64Array((before.length + 1) * width)
  for (let index = 1; index < width; index++) costs[index] = index
  for (const [i, word] of before.entries()) {
    costs[(i + 1) * width] = i + 1
    for (const [j, other] of after.entries()) {
      const substituted = (costs[i * width + j] ?? 0) + substitution(word.key, other.key)
      const deleted = (costs[i * width + j + 1] ?? 0) + 1
      const inserted = (costs[(i + 1) * width + j] ?? 0) + 1
      costs[(i + 1) * width + j + 1] = Math.min(substituted, deleted, inserted)
    }
  }
  return costs
}

/** The cheapest way from one list to the other. */
function steps(before: readonly Word[], after: readonly Word[]): Step[] {
  const width = after.length + 1
  const costs = costsOf(before, after)
  const found: Step[] = []
  let [i, j] = [before.length, after.length]
  while (i > 0 || j > 0) {
    const cost = costs[i * width + j] ?? 0
    const [word, other] = [before[i - 1]?.key ?? '', after[j - 1]?.key ?? '']
    if (i > 0 && j > 0 && cost === (costs[(i - 1) * width + j - 1] ?? 0) + substitution(word, other)) {
      found.push(word === other ? 'keep' : 'substitute')
      i--
      j--
    } else if (i > 0 && cost === (costs[(i - 1) * width + j] ?? 0) + 1) {
      found.push('delete')
      i--
    } else {
      found.push('insert')
      j--
    }
  }
  return found.reverse()
}

function substitution(word: string, other: string): number {
  if (word === other) return 0
  if (isWord(word) !== isWord(other)) return 2.1 // dearer than to delete one and insert the other
  if (!isWord(word)) return 0.8
  return 0.3 + 1.2 * (1 - similarity(word, other))
}

interface Lists {
  sentence: readonly Word[]
  answer: readonly Word[]
  /** Words that both begin with. */
  head: number
}

interface Range {
  from: number
  to: number
  answerFrom: number
  answerTo: number
}

function changesOf(found: readonly Step[], lists: Lists): Change[] {
  const ranges: Range[] = []
  let block: { range: Range; steps: Step[] } | null = null
  let [at, answerAt] = [lists.head, lists.head]
  const close = () => {
    if (block) ranges.push(...partsOf(block, lists))
    block = null
  }
  for (const step of found) {
    if (step === 'keep') close()
    else {
      block ??= { range: { from: at, to: at, answerFrom: answerAt, answerTo: answerAt }, steps: [] }
      block.steps.push(step)
    }
    if (step !== 'insert') at++
    if (step !== 'delete') answerAt++
    if (block) Object.assign(block.range, { to: at, answerTo: answerAt })
  }
  close()
  return movesJoined(ranges, lists).map(range => changeOf(range, lists))
}

/** A word that goes here and comes again nearby is one change: with half of it the word would be there twice, or not at all. */
function movesJoined(ranges: readonly Range[], lists: Lists): Range[] {
  const joined: Range[] = []
  for (const next of ranges) {
    const last = joined.at(-1)
    if (last && isMove(last, next, lists)) Object.assign(last, { to: next.to, answerTo: next.answerTo })
    else joined.push({ ...next })
  }
  return joined
}

function isMove(one: Range, other: Range, { sentence, answer }: Lists): boolean {
  const [gone, come] = one.from === one.to ? [other, one] : [one, other]
  if (gone.answerFrom !== gone.answerTo || come.from !== come.to || other.from - one.to > MOST_PASSED) return false
  const words = answer.slice(come.answerFrom, come.answerTo)
  return words.length === gone.to - gone.from && words.every(({ key }, at) => key === sentence[gone.from + at]?.key)
}

/** How many words of a row went to its other end; 0 where that is not all that changed. */
export function movedWords(before: readonly string[], after: readonly string[]): number {
  if (before.length !== after.length) return 0
  const isTurned = (count: number) => before.every((word, at) => word === after[(at + count) % after.length])
  const found = before.findIndex((_, count) => count > 0 && isTurned(count))
  return found < 0 ? 0 : Math.min(found, before.length - found)
}

/** Neighbouring changed words: one edit for each word that is alike to its successor, one for all others in a row. */
function partsOf({ range, steps: found }: { range: Range; steps: readonly Step[] }, lists: Lists): Range[] {
  if (isRedivided(range, lists)) return [range]
  const parts: Range[] = []
  let rest: Range | null = null
  let [at, answerAt] = [range.from, range.answerFrom]
  for (const step of found) {
    const [word, other] = [lists.sentence[at], lists.answer[answerAt]]
    const alone = step === 'substitute' && word && other && isAlike(word.key, other.key)
    const next = { from: at, to: step === 'insert' ? at : at + 1, answerFrom: answerAt, answerTo: answerAt }
    if (step !== 'delete') next.answerTo++
    at = next.to
    answerAt = next.answerTo
    if (alone) {
      parts.push(next)
      rest = null
    } else if (rest) Object.assign(rest, { to: next.to, answerTo: next.answerTo })
    else {
      rest = next
      parts.push(next)
    }
  }
  return parts
}

function isAlike(word: string, other: string): boolean {
  return !isWord(word) || similarity(word, other) >= ALIKE
}

function isRedivided({ from, to, answerFrom, answerTo }: Range, { sentence, answer }: Lists): boolean {
  if (to - from === answerTo - answerFrom || to === from || answerTo === answerFrom) return false
  const letters = (words: readonly Word[]) => words.map(({ key }) => key).join('')
  return similarity(letters(sentence.slice(from, to)), letters(answer.slice(answerFrom, answerTo))) >= SAME_LETTERS
}

function changeOf({ from, to, answerFrom, answerTo }: Range, { answer }: Lists): Change {
  const words = answer.slice(answerFrom, answerTo).map(({ shown, key, spaced }) => ({ shown, key, spaced }))
  return { from, to, words, spacedAfter: answer[answerTo]?.spaced ?? false }
}
