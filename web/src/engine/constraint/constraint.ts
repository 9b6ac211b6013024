/** Holds answers to a shape: token masks from the grammar's automaton and the vocabulary. */
import { EngineError } from '../errors.ts'
import { Automaton, DEAD, type State } from './automaton.ts'
import { compile } from './compile.ts'
import { Grammar } from './expression.ts'
import { Masks } from './masks.ts'
import type { Constraint, ConstraintSpec } from './spec.ts'
import { allow, type Vocabulary } from './vocabulary.ts'

/** A shape and what has been found out about it, for every answer that must have it. */
interface Shape {
  grammar: Grammar
  automaton: Automaton
  masks: Masks
  start: State
}

/** Shapes kept, so that a schema that is asked for again costs nothing. */
const MOST_SHAPES = 8
/** States after which a shape is made anew for the next answer, so that it cannot fill the memory. */
const MOST_STATES = 32_768

/** The constraints of one model. */
export class Constraints {
  readonly #vocabulary: Vocabulary
  readonly #shapes = new Map<string, Shape>()

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary
  }

  /**
   * A new answer's constraint.
   * @param endOfTurn tokens that end the turn: allowed where the answer is whole
   * @throws EngineError 'bad-request', naming what of the shape is not supported and where
   */
  open(spec: ConstraintSpec, endOfTurn: ReadonlySet<number>): Constraint {
    const key = JSON.stringify(spec)
    let shape = this.#shapes.get(key)
    if (!shape || shape.automaton.size > MOST_STATES) {
      shape = this.#make(spec)
      const oldest = this.#shapes.size >= MOST_SHAPES ? this.#shapes.keys().next().value : undefined
      if (oldest !== undefined) this.#shapes.delete(oldest)
    }
    this.#shapes.delete(key) // the last one used stands last
    this.#shapes.set(key, shape)
    return new AnswerConstraint(shape, this.#vocabulary, endOfTurn)
  }

  #make(spec: ConstraintSpec): Shape {
    const grammar = new Grammar(text => this.#vocabulary.count(text))
    const automaton = new Automaton(grammar)
    const { root, stringCharacter } = compile(spec, grammar)
    const masks = new Masks(automaton, this.#vocabulary, stringCharacter)
    return { grammar, automaton, masks, start: automaton.start(root) }
  }
}

class AnswerConstraint implements Constraint {
  readonly #shape: Shape
  readonly #vocabulary: Vocabulary
  readonly #endOfTurn: ReadonlySet<number>
  #state: State
  #isFirst = true

  constructor(shape: Shape, vocabulary: Vocabulary, endOfTurn: ReadonlySet<number>) {
    this.#shape = shape
    this.#vocabulary = vocabulary
    this.#endOfTurn = endOfTurn
    this.#state = shape.start
  }

  get done(): boolean {
    return this.#shape.automaton.isFinal(this.#state)
  }

  allowed(tokensLeft: number): Uint32Array {
    const closing = this.#within(tokensLeft - 1)
    if (closing.some(word => word !== 0)) return closing
    const all = this.#within(Number.POSITIVE_INFINITY) // too late to end well: the answer will be cut off
    if (all.some(word => word !== 0)) return all
    throw new EngineError('unsupported', { kind: 'no-token-fits' })
  }

  accept(token: number): void {
    const { automaton } = this.#shape
    if (this.#endOfTurn.has(token) && automaton.isAccepting(this.#state)) return
    const text = this.#vocabulary.spelling(token) ?? ''
    const shown = this.#isFirst && this.#vocabulary.dropsFirstSpace && text.startsWith(' ') ? text.slice(1) : text
    let state = text === '' ? DEAD : this.#state
    for (let at = 0; at < shown.length && state !== DEAD; at++) state = automaton.step(state, shown.charCodeAt(at))
    if (state === DEAD) throw new EngineError('internal', 'A token came that the wanted format does not allow.')
    this.#state = state
    this.#isFirst = false
  }

  #within(costLimit: number): Uint32Array {
    const { automaton, masks } = this.#shape
    const isFirst = this.#isFirst && this.#vocabulary.dropsFirstSpace
    const mask = isFirst ? masks.first(this.#state, costLimit) : masks.after(this.#state, costLimit)
    if (!automaton.isAccepting(this.#state)) return mask
    const ending = mask.slice()
    for (const token of this.#endOfTurn) allow(ending, token)
    return ending
  }
}
