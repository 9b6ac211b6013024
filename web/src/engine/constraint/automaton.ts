/**
 * The grammar as an automaton over bytes, made while it is used. A state is every way in which the text so far can be
 * read: a set of stacks of expressions. States and transitions are kept, so that a state met again costs nothing.
 */
import { type ByteSet, contains } from './bytes.ts'
import { type Expression, expand, type Grammar, type Stack } from './expression.ts'

/** A state's number; `DEAD` has no way on. */
export type State = number
export const DEAD: State = 0

/** A transition that nobody has asked for yet. */
export const UNKNOWN = -1

interface Ways {
  /** What one byte can be read as, and what is left then. */
  readonly bytes: { readonly set: ByteSet; readonly next: Stack | null }[]
  readonly intersections: { readonly top: Extract<Expression, { kind: 'intersection' }>; readonly rest: Stack | null }[]
  readonly accepting: boolean
}

export class Automaton {
  readonly grammar: Grammar
  /** By state: every stack that is still to be matched; null is the empty one, where the text may end. */
  readonly #kernels: (readonly (Stack | null)[])[] = []
  readonly #ways: (Ways | null)[] = []
  readonly #costs: number[] = []
  readonly #states = new Map<string, State>()
  #next = new Int32Array(256 * 64).fill(UNKNOWN)

  constructor(grammar: Grammar) {
    this.grammar = grammar
    this.#add([])
  }

  get size(): number {
    return this.#kernels.length
  }

  /** `table[256 * state + byte]`: transitions, or UNKNOWN. Another array once `step` has had to make room. */
  get table(): Int32Array {
    return this.#next
  }

  start(root: Expression): State {
    this.grammar.settle(root)
    return this.#stateOf([this.grammar.push(root, null)])
  }

  step(state: State, byte: number): State {
    const at = 256 * state + byte
    const known = this.#next[at] ?? UNKNOWN
    if (known !== UNKNOWN) return known
    this.#fillRow(state)
    return this.#next[at] ?? DEAD
  }

  isAccepting(state: State): boolean {
    return this.#waysOf(state).accepting
  }

  /** True where the text may end and nothing can follow. */
  isFinal(state: State): boolean {
    const { accepting, bytes, intersections } = this.#waysOf(state)
    return accepting && bytes.length === 0 && intersections.every(({ top }) => !top.of.goesOn())
  }

  /** Tokens that still have to come, at most, where the shortest way is taken. */
  cost(state: State): number {
    return this.#costs[state] ?? Number.POSITIVE_INFINITY
  }

  /** The expressions that the text may go on with, one for each way of reading it. */
  tops(state: State): (Expression | null)[] {
    return (this.#kernels[state] ?? []).map(stack => stack?.top ?? null)
  }

  /** Every transition of a state: bytes between two borders of its sets lead to the same state. */
  #fillRow(state: State): void {
    const { bytes, intersections } = this.#waysOf(state)
    const isBorder = new Uint8Array(257)
    for (const { set } of bytes) {
      for (const [from, to] of set) {
        isBorder[from] = 1
        isBorder[to + 1] = 1
      }
    }
    for (const { top } of intersections) top.of.markBorders(isBorder)
    for (let from = 0; from < 256; ) {
      let to = from + 1
      while (to < 256 && !isBorder[to]) to++
      const next = this.#follow(state, from) // may move `#next`
      this.#next.fill(next, 256 * state + from, 256 * state + to)
      from = to
    }
  }

  #follow(state: State, byte: number): State {
    const { bytes, intersections } = this.#waysOf(state)
    const kernel: (Stack | null)[] = []
    for (const { set, next } of bytes) if (contains(set, byte)) kernel.push(next)
    for (const { top, rest } of intersections) {
      const next = top.of.step(byte)
      if (next) kernel.push(this.grammar.push(this.grammar.intersection(next), rest))
    }
    return this.#stateOf(kernel)
  }

  #stateOf(stacks: (Stack | null)[]): State {
    const kernel = [...new Set(stacks)].filter(stack => costOf(stack) < Number.POSITIVE_INFINITY)
    kernel.sort((a, b) => (a?.id ?? 0) - (b?.id ?? 0))
    const key = kernel.map(stack => stack?.id ?? 0).join()
    return kernel.length === 0 ? DEAD : (this.#states.get(key) ?? this.#add(kernel, key))
  }

  #add(kernel: (Stack | null)[], key = ''): State {
    const state = this.#kernels.length
    this.#kernels.push(kernel)
    this.#ways.push(null)
    this.#costs.push(kernel.reduce((best, stack) => Math.min(best, costOf(stack)), Number.POSITIVE_INFINITY))
    this.#states.set(key, state)
    if (256 * (state + 1) > this.#next.length) {
      const wider = new Int32Array(2 * this.#next.length).fill(UNKNOWN)
      wider.set(this.#next)
      this.#next = wider
    }
    return state
  }

  #waysOf(state: State): Ways {
    const known = this.#ways[state]
    if (known) return known
    const ways = this.#expanded(this.#kernels[state] ?? [])
    this.#ways[state] = ways
    return ways
  }

  #expanded(kernel: readonly (Stack | null)[]): Ways {
    const { grammar } = this
    const bytes: Ways['bytes'] = []
    const intersections: Ways['intersections'] = []
    const open = [...kernel]
    const seen = new Set(open)
    const add = (stack: Stack | null) => {
      if (seen.has(stack)) return
      seen.add(stack)
      open.push(stack)
    }
    for (let stack = open.pop(); stack !== undefined; stack = open.pop()) {
      if (stack === null) continue
      const { top, rest } = stack
      if (top.kind === 'byte') bytes.push({ set: top.set, next: rest })
      else if (top.kind === 'literal') bytes.push(this.#literal(top, rest))
      else if (top.kind === 'choice') for (const option of top.options) add(grammar.push(option, rest))
      else if (top.kind === 'rule') add(grammar.push(expand(top), rest))
      else if (top.kind === 'nothing') add(rest)
      else if (top.kind === 'sequence') {
        add(top.parts.reduceRight<Stack | null>((below, part) => grammar.push(part, below), rest))
      } else if (top.kind === 'repeat') {
        if (top.min === 0) add(rest)
        const again = grammar.repeat(top.of, Math.max(0, top.min - 1), top.max - 1)
        add(grammar.push(top.of, again.kind === 'nothing' ? rest : grammar.push(again, rest)))
      } else if (top.kind === 'intersection') {
        if (top.of.accepting) add(rest)
        intersections.push({ top, rest })
      }
    }
    return { bytes, intersections, accepting: seen.has(null) }
  }

  #literal(top: Extract<Expression, { kind: 'literal' }>, rest: Stack | null): Ways['bytes'][number] {
    const byte = top.text.charCodeAt(top.at)
    const left = this.grammar.literal(top.text, top.at + 1)
    return { set: [[byte, byte]], next: left.kind === 'nothing' ? rest : this.grammar.push(left, rest) }
  }
}

const costOf = (stack: Stack | null) => stack?.cost ?? 0
