/** Answers by the text that they were made for, those used last; what goes on with an older one finds it. */
import type { CompleteResult, SilenceReason } from '../engine/api.ts'
import { type Caret, RecentlyUsed, remainder } from './autocomplete-policy.ts'

/** What may be shown for a text, or why nothing. */
export interface Answer {
  texts: readonly { text: string; confidence: number }[]
  silentBecause: SilenceReason | null
  wasPrefetched: boolean
}

const MOST_CACHED = 250
/** Letters typed beyond a cached text that are looked back for. */
const MOST_LOOKED_BACK = 24
/** Of the text on either side of the caret, what tells one context from another. */
const KEY_LENGTH = 2000

export class Answers {
  readonly #kept = new RecentlyUsed<Answer>(MOST_CACHED)

  has(caret: Caret): boolean {
    return this.#kept.get(keyOf(caret)) !== undefined
  }

  set(caret: Caret, answer: Answer): void {
    this.#kept.set(keyOf(caret), answer)
  }

  clear(): void {
    this.#kept.clear()
  }

  /** An answer for this caret, or for one some letters ago that these letters go on with. */
  find(caret: Caret): { asked: Caret; answer: Answer } | null {
    const { before, after } = caret
    for (let back = 0; back <= Math.min(MOST_LOOKED_BACK, before.length); back++) {
      const asked = { before: before.slice(0, before.length - back), after }
      const answer = this.#kept.get(keyOf(asked))
      if (answer && (back === 0 || answer.texts.some(({ text }) => remainder(asked, text, caret))))
        return { asked, answer }
    }
    return null
  }
}

function keyOf({ before, after }: Caret): string {
  return `${before.length}\0${before.slice(-KEY_LENGTH)}\0${after.slice(0, KEY_LENGTH)}`
}

export function answerOf(
  { text, confidence, alternatives, silentBecause }: CompleteResult,
  wasPrefetched: boolean,
): Answer {
  const texts = text === '' ? [] : [{ text, confidence }, ...alternatives]
  return { texts, silentBecause: silentBecause ?? null, wasPrefetched }
}
