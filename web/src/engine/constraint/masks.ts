/** Which tokens may follow a state, kept by state. */
import type { Automaton, State } from './automaton.ts'
import type { Expression } from './expression.ts'
import type { Vocabulary, Walk } from './vocabulary.ts'

interface Kept {
  mask: Uint32Array
  /** Of the states that its tokens lead to. */
  highestCost: number
}

/** Masks kept at most; one is a bit per token of the vocabulary. */
const MOST_KEPT = 512

export class Masks {
  readonly #automaton: Automaton
  readonly #vocabulary: Vocabulary
  /** A character of a JSON string: where it repeats, plain tokens need no walk. */
  readonly #stringCharacter: Expression
  readonly #kept = new Map<State, Kept>()

  constructor(automaton: Automaton, vocabulary: Vocabulary, stringCharacter: Expression) {
    this.#automaton = automaton
    this.#vocabulary = vocabulary
    this.#stringCharacter = stringCharacter
  }

  /** Tokens that `state` can go on with, leading where at most `costLimit` more are needed. */
  after(state: State, costLimit: number): Uint32Array {
    let kept = this.#kept.get(state)
    if (!kept) {
      kept = this.#make(state, Number.POSITIVE_INFINITY)
      const oldest = this.#kept.size >= MOST_KEPT ? this.#kept.keys().next().value : undefined
      if (oldest !== undefined) this.#kept.delete(oldest)
      this.#kept.set(state, kept)
    }
    return kept.highestCost <= costLimit ? kept.mask : this.#make(state, costLimit).mask
  }

  /** Before the first token, of which the tokenizer may drop a space. */
  first(state: State, costLimit: number): Uint32Array {
    const walk: Walk = { mask: new Uint32Array(this.#vocabulary.words), costLimit, highestCost: 0 }
    this.#vocabulary.walkFirst(this.#automaton, state, walk)
    return walk.mask
  }

  #make(state: State, costLimit: number): Kept {
    const walk: Walk = { mask: new Uint32Array(this.#vocabulary.words), costLimit, highestCost: 0 }
    const plain = this.#plainCharacters(state)
    if (plain > 0 && this.#automaton.cost(state) <= costLimit) {
      walk.mask.set(this.#vocabulary.plain(plain))
      walk.highestCost = this.#automaton.cost(state) // inside a string no token takes the end further away
      this.#vocabulary.walkOthers(this.#automaton, state, walk)
    } else this.#vocabulary.walk(this.#automaton, state, walk)
    return walk
  }

  /** How many characters of a JSON string fit here, where that alone decides about plain tokens; else 0. */
  #plainCharacters(state: State): number {
    const tops = this.#automaton.tops(state)
    const most = tops.map(top => (top?.kind === 'repeat' && top.of === this.#stringCharacter ? top.max : 0))
    const longest = Math.max(0, ...most)
    return tops.length === 1 || longest === Number.POSITIVE_INFINITY ? longest : 0
  }
}
