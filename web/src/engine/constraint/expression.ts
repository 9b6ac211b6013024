/**
 * Grammars over bytes as expressions that exist once each (hash consing), so that what is equal is identical and an
 * automaton's states can be told apart by number. Knows no tokens but for the cost of a literal text.
 */
import { type ByteSet, byteSetKey } from './bytes.ts'
import type { Intersection } from './intersection.ts'

interface Common {
  readonly id: number
  /** Tokens that the shortest text of this expression takes, at most; Infinity where it has no finite text. */
  cost: number
}

export type Expression = Common &
  (
    | { readonly kind: 'nothing' }
    | { readonly kind: 'never' }
    | { readonly kind: 'byte'; readonly set: ByteSet }
    /** The bytes of `text` (one character each) from `at` on. */
    | { readonly kind: 'literal'; readonly text: string; readonly at: number }
    | { readonly kind: 'sequence'; readonly parts: readonly Expression[] }
    | { readonly kind: 'choice'; readonly options: readonly Expression[] }
    | { readonly kind: 'repeat'; readonly of: Expression; readonly min: number; readonly max: number }
    /** A name for an expression that is made when it is needed: recursion goes through these only. */
    | { readonly kind: 'rule'; readonly make: () => Expression; made: Expression | null }
    | { readonly kind: 'intersection'; readonly of: Intersection }
  )

export type Rule = Extract<Expression, { kind: 'rule' }>

/** Expressions waiting to be matched one after another: a list with its first element on top. */
export interface Stack {
  readonly id: number
  readonly top: Expression
  readonly rest: Stack | null
  /** Tokens that the shortest text of all of them takes, at most. */
  readonly cost: number
}

/** Tokens that a text of bytes (one character each) takes. */
export type LiteralCost = (bytes: string) => number

export class Grammar {
  readonly nothing: Expression
  readonly never: Expression
  readonly #literalCost: LiteralCost
  readonly #expressions = new Map<string, Expression>()
  readonly #stacks = new Map<number, Map<number, Stack>>()
  #nextExpression = 0
  #nextStack = 1

  constructor(literalCost: LiteralCost) {
    this.#literalCost = literalCost
    this.nothing = this.#intern('nothing', { kind: 'nothing' }, 0)
    this.never = this.#intern('never', { kind: 'never' }, Number.POSITIVE_INFINITY)
  }

  byte(set: ByteSet): Expression {
    return this.#intern(`b${byteSetKey(set)}`, { kind: 'byte', set }, 1)
  }

  /** @param text bytes, one character each */
  literal(text: string, at = 0): Expression {
    if (at >= text.length) return this.nothing
    const left = text.slice(at)
    return this.#intern(`l${left}`, { kind: 'literal', text, at }, this.#literalCost(left))
  }

  sequence(...parts: Expression[]): Expression {
    const flat = parts.flatMap(part => (part.kind === 'sequence' ? part.parts : part.kind === 'nothing' ? [] : [part]))
    const [first] = flat
    if (!first) return this.nothing
    if (flat.includes(this.never)) return this.never
    if (flat.length === 1) return first
    return this.#intern(`s${ids(flat)}`, { kind: 'sequence', parts: flat }, sum(flat))
  }

  choice(...options: Expression[]): Expression {
    const all = options.flatMap(option => (option.kind === 'choice' ? option.options : [option]))
    const kept = [...new Set(all)].filter(option => option !== this.never)
    const [first] = kept
    if (!first) return this.never
    if (kept.length === 1) return first
    return this.#intern(`c${ids(kept)}`, { kind: 'choice', options: kept }, least(kept))
  }

  optional(of: Expression): Expression {
    return this.choice(of, this.nothing)
  }

  /** `of` at least `min` and at most `max` times. */
  repeat(of: Expression, min: number, max = Number.POSITIVE_INFINITY): Expression {
    if (max < min) return this.never
    if (max === 0 || of === this.nothing) return this.nothing
    if (min === 1 && max === 1) return of
    return this.#intern(`r${of.id},${min},${max}`, { kind: 'repeat', of, min, max }, repeatCost(of, min))
  }

  rule(make: () => Expression): Rule {
    // A rule is its own key: two of them are never the same.
    const rule = { id: this.#nextExpression++, cost: Number.POSITIVE_INFINITY, kind: 'rule', make, made: null } as const
    return { ...rule }
  }

  intersection(of: Intersection): Expression {
    return this.#intern(`i${of.key}`, { kind: 'intersection', of }, of.cost)
  }

  push(top: Expression, rest: Stack | null): Stack {
    const below = rest?.id ?? 0
    let row = this.#stacks.get(top.id)
    if (!row) {
      row = new Map()
      this.#stacks.set(top.id, row)
    }
    let stack = row.get(below)
    if (!stack) {
      stack = { id: this.#nextStack++, top, rest, cost: top.cost + (rest?.cost ?? 0) }
      row.set(below, stack)
    }
    return stack
  }

  /** Finds the costs of `root` and all below it: until now a rule counted as endless. Needed before any stack is made. */
  settle(root: Expression): void {
    const order = reachable(root)
    for (let changed = true; changed; ) {
      changed = false
      for (const expression of order) {
        const cost = costOf(expression)
        if (cost < expression.cost) {
          expression.cost = cost
          changed = true
        }
      }
    }
  }

  #intern(key: string, shape: Shape, cost: number): Expression {
    let expression = this.#expressions.get(key)
    if (!expression) {
      expression = { id: this.#nextExpression++, cost, ...shape }
      this.#expressions.set(key, expression)
    }
    return expression
  }
}

type Shape = Expression extends infer E ? (E extends Expression ? Omit<E, keyof Common> : never) : never

export function expand(rule: Rule): Expression {
  rule.made ??= rule.make()
  return rule.made
}

function costOf(expression: Expression): number {
  switch (expression.kind) {
    case 'sequence':
      return sum(expression.parts)
    case 'choice':
      return least(expression.options)
    case 'repeat':
      return repeatCost(expression.of, expression.min)
    case 'rule':
      return expand(expression).cost
    default:
      return expression.cost
  }
}

/** Everything below `root`, children before parents where no recursion forbids it. */
function reachable(root: Expression): Expression[] {
  const order: Expression[] = []
  const seen = new Set<Expression>([root])
  const open = [{ expression: root, children: childrenOf(root), next: 0 }]
  for (let top = open.at(-1); top; top = open.at(-1)) {
    const child = top.children[top.next++]
    if (!child) {
      order.push(top.expression)
      open.pop()
    } else if (!seen.has(child)) {
      seen.add(child)
      open.push({ expression: child, children: childrenOf(child), next: 0 })
    }
  }
  return order
}

function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'sequence':
      return expression.parts
    case 'choice':
      return expression.options
    case 'repeat':
      return [expression.of]
    case 'rule':
      return [expand(expression)]
    default:
      return []
  }
}

const ids = (list: readonly Expression[]) => list.map(({ id }) => id).join(',')
const sum = (list: readonly Expression[]) => list.reduce((total, { cost }) => total + cost, 0)
const least = (list: readonly Expression[]) => list.reduce((best, { cost }) => Math.min(best, cost), Infinity)
const repeatCost = (of: Expression, min: number) => (min === 0 ? 0 : min * of.cost)
