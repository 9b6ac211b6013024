/**
 * What of a text can be proofread, for a page that asks sentence by sentence while the text is being written: only blocks
 * that changed are divided again.
 */
import { classify, type Finding } from './classify.ts'
import { type Capital, capitalsOf, silence } from './guard.ts'
import { lockQuotations } from './quotations.ts'
import { joined, type Sentence, type Span, sentencesOf } from './segment.ts'
import type { GuardReason } from './types.ts'
import { type Word, wordsOf } from './words.ts'

export type { Capital } from './guard.ts'
export { namesAmong } from './guard.ts'
export type { Sentence } from './segment.ts'
export { similarity } from './similar.ts'

/** What can be said of a sentence without a model; places are UTF-16 code units of the sentence, half-open. */
export interface SentenceFacts {
  /** Why it is not to be corrected, null where it may be. */
  silence: GuardReason | null
  /** Links, code and quotations, which stay as they are. */
  locked: readonly { from: number; to: number }[]
  capitals: readonly Capital[]
  opensItem: boolean
}

/** Longer sentences are not looked into: nothing corrects them. */
const MOST_CHARACTERS = 2000
const MOST_BLOCKS = 4000

export class ProseReader {
  #blocks = new Map<string, readonly Span[]>()

  sentences(text: string): Sentence[] {
    const seen = new Map<string, readonly Span[]>()
    const sentences = sentencesOf(text, block => {
      const spans = this.#blocks.get(block) ?? seen.get(block) ?? joined(block)
      if (seen.size < MOST_BLOCKS) seen.set(block, spans)
      return spans
    })
    this.#blocks = seen
    return sentences
  }
}

/** @param visible a sentence with its signs of Markdown masked */
export function factsOf(visible: string, opensItem = false): SentenceFacts {
  if (visible.length > MOST_CHARACTERS) return { silence: 'too-long', locked: [], capitals: [], opensItem }
  const words = lockQuotations(wordsOf(visible))
  return {
    silence: silence(words),
    locked: words.filter(({ locked }) => locked !== null).map(({ start: from, end: to }) => ({ from, to })),
    capitals: capitalsOf(words),
    opensItem,
  }
}

/** Why [from, to) of a sentence gives way to another text, as far as its words tell; null where only spaces change. */
export function whyChanged(
  sentence: string,
  { from, to }: { from: number; to: number },
  replacement: string,
): Pick<Finding, 'reason' | 'explanation'> | null {
  const shown = (words: readonly Word[]) => words.map(word => word.shown)
  const [before, after] = [shown(wordsOf(sentence.slice(from, to))), shown(wordsOf(replacement))]
  let neighbour = shown(wordsOf(sentence.slice(0, from))).at(-1) ?? ''
  while (before.length > 0 && before[0] === after[0]) {
    neighbour = before.shift() ?? ''
    after.shift()
  }
  while (before.length > 0 && before.at(-1) === after.at(-1)) {
    before.pop()
    after.pop()
  }
  if (before.length === 0 && after.length === 0) return null
  const { reason, explanation } = classify(before, after, neighbour)
  return { reason, explanation }
}
