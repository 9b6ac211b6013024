/** Answers of a model that lost the thread and says the same again and again until it is stopped. Pure. */
import { beginningLike } from './align.ts'
import type { Word } from './words.ts'

/** Words that come back; a list that repeats more of them at a time is none that these models fall into. */
const LONGEST_ROUND = 24
/** So many words said again are no accident. */
const LEAST_AGAIN = 4

/**
 * An answer that was stopped in its rounds: what it said up to the end of the first, then the rest of the sentence as it was.
 * Null where it does not go round in circles.
 */
export function straightened(sentence: readonly Word[], answer: readonly Word[]): Word[] | null {
  const whole = answer.slice(0, -1) // the last word was cut off, perhaps in its middle
  const again = againFrom(whole.map(({ key }) => key))
  if (again === null) return null
  const said = whole.slice(0, again)
  return [...said, ...sentence.slice(beginningLike(sentence, said))]
}

/** Where the second round begins. */
function againFrom(keys: readonly string[]): number | null {
  let most = 0
  for (let round = 1; round <= Math.min(LONGEST_ROUND, keys.length - 1); round++) {
    let same = 0
    while (same < keys.length - round && keys[keys.length - 1 - same] === keys[keys.length - 1 - same - round]) same++
    if (same >= Math.max(LEAST_AGAIN, round / 2) && same > most) most = same
  }
  return most > 0 ? keys.length - most : null
}
