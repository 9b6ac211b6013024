/**
 * Two regular expressions that must both hold, or of which the second must not. Each side is walked in an automaton of
 * its own; how far the nearest text that both accept is away is searched for, since two ways that go on may never meet.
 */

import { EngineError } from '../errors.ts'
import { type Automaton, DEAD, type State } from './automaton.ts'
import type { Expression } from './expression.ts'

/** Pairs of states looked at before the search gives up. */
const MOST_PAIRS = 20_000

export class Intersection {
  readonly key: string
  readonly #space: IntersectionSpace
  readonly #left: State
  readonly #right: State

  constructor(space: IntersectionSpace, left: State, right: State) {
    this.#space = space
    this.#left = left
    this.#right = right
    this.key = `${space.id}:${left}:${right}`
  }

  get accepting(): boolean {
    return this.#space.accepts(this.#left, this.#right)
  }

  /** Bytes of the shortest text; Infinity where there is none. */
  get cost(): number {
    return this.#space.distance(this.#left, this.#right)
  }

  /** Null where nothing can go on with this byte. */
  step(byte: number): Intersection | null {
    const pair = this.#space.step(this.#left, this.#right, byte)
    return pair && new Intersection(this.#space, pair[0], pair[1])
  }

  /** Marks the first of every run of bytes that lead to the same place. */
  markBorders(isBorder: Uint8Array): void {
    this.#space.markBorders(this.#left, this.#right, isBorder)
  }

  /** True where some byte can follow. */
  goesOn(): boolean {
    for (let byte = 0; byte < 256; byte++) if (this.#space.step(this.#left, this.#right, byte)) return true
    return false
  }
}

/** Texts of `first` that are texts of `second` too, or are none of them where `negate` says so. */
export function meet(side: Automaton, [first, second]: readonly [Expression, Expression], negate: boolean): Expression {
  const [left, right] = [side.start(first), side.start(second)]
  return side.grammar.intersection(new Intersection(new IntersectionSpace(side, negate), left, right))
}

type Pair = readonly [left: State, right: State]

/** All pairs of one intersection; `negate` means that the right side must not hold. */
export class IntersectionSpace {
  static #next = 0
  readonly id = IntersectionSpace.#next++
  readonly #automaton: Automaton
  readonly #negate: boolean
  readonly #distances = new Map<string, number>()

  constructor(automaton: Automaton, negate: boolean) {
    this.#automaton = automaton
    this.#negate = negate
  }

  accepts(left: State, right: State): boolean {
    return this.#automaton.isAccepting(left) && this.#automaton.isAccepting(right) !== this.#negate
  }

  step(left: State, right: State, byte: number): Pair | null {
    const pair = this.#raw(left, right, byte)
    return pair && this.distance(...pair) < Number.POSITIVE_INFINITY ? pair : null
  }

  markBorders(left: State, right: State, isBorder: Uint8Array): void {
    let before: Pair | null = null
    for (let byte = 0; byte < 256; byte++) {
      const pair = this.#raw(left, right, byte)
      if (byte > 0 && (pair?.[0] !== before?.[0] || pair?.[1] !== before?.[1])) isBorder[byte] = 1
      before = pair
    }
  }

  /** @throws EngineError 'bad-request' where the two are too involved to tell */
  distance(left: State, right: State): number {
    const key = `${left}:${right}`
    const known = this.#distances.get(key)
    if (known !== undefined) return known
    const { found, parents } = this.#search([left, right])
    if (!found) {
      for (const visited of parents.keys()) this.#distances.set(visited, Number.POSITIVE_INFINITY)
    }
    let distance = 0
    for (let at: string | null = found; at !== null; at = parents.get(at) ?? null) this.#distances.set(at, distance++)
    return this.#distances.get(key) ?? Number.POSITIVE_INFINITY
  }

  /** Breadth first to the nearest accepted text; `parents` leads back from it. */
  #search(start: Pair): { found: string | null; parents: Map<string, string | null> } {
    const parents = new Map<string, string | null>([[start.join(':'), null]])
    let level: Pair[] = [start]
    while (level.length > 0) {
      const following: Pair[] = []
      for (const [left, right] of level) {
        const key = `${left}:${right}`
        if (this.accepts(left, right)) return { found: key, parents }
        let before: Pair | null = null
        for (let byte = 0; byte < 256; byte++) {
          const pair = this.#raw(left, right, byte)
          if (!pair || (pair[0] === before?.[0] && pair[1] === before[1])) continue
          before = pair
          const name = pair.join(':')
          if (parents.has(name)) continue
          parents.set(name, key)
          following.push(pair)
        }
      }
      if (parents.size > MOST_PAIRS) {
        throw new EngineError('bad-request', { kind: 'schema-involved' })
      }
      level = following
    }
    return { found: null, parents }
  }

  #raw(left: State, right: State, byte: number): Pair | null {
    const next = this.#automaton.step(left, byte)
    if (next === DEAD) return null
    const other = right === DEAD ? DEAD : this.#automaton.step(right, byte)
    return other === DEAD && !this.#negate ? null : [next, other]
  }
}
