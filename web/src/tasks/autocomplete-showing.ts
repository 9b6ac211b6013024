/** The suggestion on the screen: which of an answer's texts it is, and how much of it stands in the document by now. */
import type { Answer } from './autocomplete-answers.ts'
import { type Caret, remainder } from './autocomplete-policy.ts'
import type { Shown, Suggestion } from './autocomplete-types.ts'

export class Showing {
  /** Some of it was accepted. */
  isTaken = false
  readonly #asked: Caret
  readonly #answer: Answer
  readonly #wasReady: boolean
  #now: Caret
  #index: number
  #rest: string

  private constructor(
    asked: Caret,
    answer: Answer,
    at: { now: Caret; index: number; rest: string; wasReady: boolean },
  ) {
    this.#asked = asked
    this.#answer = answer
    this.#now = at.now
    this.#index = at.index
    this.#rest = at.rest
    this.#wasReady = at.wasReady
  }

  /** The best of an answer that goes on with the text as it is now; null where none does. @param asked what it was made for */
  static of(
    { asked, answer }: { asked: Caret; answer: Answer },
    now: Caret,
    { wasReady }: { wasReady: boolean },
  ): Showing | null {
    for (const [index, { text }] of answer.texts.entries()) {
      const rest = remainder(asked, text, now)
      if (rest) return new Showing(asked, answer, { now, index, rest, wasReady })
    }
    return null
  }

  /** What is left of it. */
  get text(): string {
    return this.#rest
  }

  get confidence(): number {
    return this.#answer.texts[this.#index]?.confidence ?? 0
  }

  /** Counted are those of the answer's texts that go on with the text as it is now. */
  get suggestion(): Suggestion {
    const fitting = this.#fitting()
    const index = fitting.findIndex(fit => fit.index === this.#index)
    const { confidence } = this
    return { text: this.#rest, confidence, index, count: fitting.length, wasReady: this.#wasReady }
  }

  /** The caret when all of it will have been accepted. */
  get end(): Caret {
    const { before, after } = this.#asked
    return { before: before + (this.#answer.texts[this.#index]?.text ?? ''), after }
  }

  /** The text went on: what is left now, '' where all of it stands there, null where the text went another way. */
  follow(now: Caret): string | null {
    const rest = remainder(this.#asked, this.#answer.texts[this.#index]?.text ?? '', now)
    if (!rest) return rest
    this.#now = now
    this.#rest = rest
    return rest
  }

  /** Goes to another of the answer's texts that fits, if there is one. */
  cycle(by: 1 | -1): void {
    const fitting = this.#fitting()
    const at = fitting.findIndex(({ index }) => index === this.#index)
    const next = fitting[(at + by + fitting.length) % fitting.length]
    if (!next) return
    this.#index = next.index
    this.#rest = next.rest
  }

  #fitting(): { index: number; rest: string }[] {
    return this.#answer.texts.flatMap(({ text }, index) => {
      const rest = remainder(this.#asked, text, this.#now)
      return rest ? [{ index, rest }] : []
    })
  }
}

/** True where an editor would show the same, for the same reason. */
export function sameShown(a: Shown, b: Shown): boolean {
  const [one, other] = [a.suggestion, b.suggestion]
  const isSameText = one?.text === other?.text && one?.count === other?.count && one?.index === other?.index
  return isSameText && a.silentBecause === b.silentBecause
}
