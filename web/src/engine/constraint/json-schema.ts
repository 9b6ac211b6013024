/**
 * A JSON Schema as an expression: every text that it allows is JSON that satisfies the schema. Not every JSON text that
 * satisfies it: members come in the order of `properties`, those that no keyword names are left out unless
 * `additionalProperties` is given, and white space is one space at most behind a comma or colon.
 */
import { Automaton } from './automaton.ts'
import { bytesOf } from './bytes.ts'
import type { Expression, Grammar } from './expression.ts'
import { formatPattern } from './formats.ts'
import { meet } from './intersection.ts'
import { numberExpression } from './json-number.ts'
import { arrayExpression, objectExpression } from './json-structure.ts'
import type { JsonText } from './json-text.ts'
import { regexExpression } from './regex.ts'
import { ANYTHING, type Flat, has, type JsonType, type Placed, typeOf, unsupported } from './schema-flat.ts'
import { SchemaWays } from './schema-ways.ts'
import type { JsonSchema, JsonValue } from './spec.ts'

export class JsonSchemaGrammar {
  readonly grammar: Grammar
  readonly text: JsonText
  readonly #ways: SchemaWays
  /** Where texts with several conditions are walked. */
  readonly #side: Automaton
  readonly #expressions = new Map<JsonSchema, Expression>()

  constructor(root: Placed, text: JsonText) {
    this.grammar = text.grammar
    this.text = text
    this.#ways = new SchemaWays(root)
    this.#side = new Automaton(text.grammar)
  }

  of(placed: Placed): Expression {
    let expression = this.#expressions.get(placed.schema)
    if (!expression) {
      const ways = this.#ways.of(placed) // wrong schemas are told at once
      const rule = this.grammar.rule(() => this.grammar.choice(...ways.map(way => this.#way(way))))
      expression = rule
      this.#expressions.set(placed.schema, rule)
    }
    return expression
  }

  /** A member's name that satisfies `rule` and is not among `taken`. */
  otherName(taken: readonly string[], rule: Placed | null): Expression {
    const { grammar, text } = this
    const any = grammar.repeat(text.plainCharacter, 0)
    const ruled = rule === null ? [] : this.#texts(rule).map(way => this.#meet(any, this.#content(way), false))
    const names = rule === null ? any : grammar.choice(...ruled)
    if (taken.length === 0 || names === grammar.never) return text.string(names)
    const others = grammar.choice(...taken.map(name => grammar.literal(bytesOf(name))))
    return text.string(this.#meet(names, others, true))
  }

  /** The only names that `rule` allows; null where it lists none. */
  listedNames(rule: Placed | null): string[] | null {
    if (rule === null) return null
    const ways = this.#texts(rule)
    if (ways.some(({ values }) => values === null)) return null
    const names = ways.flatMap(way => (way.values ?? []).filter(value => this.#satisfies(way, value)))
    return [...new Set(names.filter(name => typeof name === 'string'))]
  }

  /** Whether a member may have this name. */
  allowsName(name: string, rule: Placed | null): boolean {
    return rule === null || this.#texts(rule).some(way => has(way.values, name) && this.#satisfies(way, name))
  }

  #texts(rule: Placed): Flat[] {
    return this.#ways.of(rule).filter(({ types }) => types.has('string'))
  }

  #way(flat: Flat): Expression {
    if (flat.values) return this.#values(flat, flat.values)
    return this.grammar.choice(...[...flat.types].map(type => this.#type(flat, type)))
  }

  #type(flat: Flat, type: JsonType): Expression {
    const { grammar } = this
    switch (type) {
      case 'null':
        return grammar.literal('null')
      case 'boolean':
        return grammar.choice(grammar.literal('true'), grammar.literal('false'))
      case 'number':
        return numberExpression(grammar, flat)
      case 'string':
        return this.text.string(this.#content(flat))
      case 'array':
        return arrayExpression(this, flat)
      case 'object':
        return objectExpression(this, flat)
    }
  }

  /** A string between its quotes. */
  #content({ minLength, maxLength, patterns, formats }: Flat): Expression {
    const { grammar, text } = this
    const target = {
      grammar,
      write: (set: Parameters<JsonText['escaped']>[0]) => text.escaped(set),
      anything: text.character,
    }
    const conditions = patterns.map(pattern => regexExpression(pattern.text, pattern.where, target))
    for (const format of formats) {
      const pattern = formatPattern(format.text)
      if (pattern !== null) conditions.push(regexExpression(pattern, format.where, target))
    }
    const isBounded = minLength > 0 || maxLength < Number.POSITIVE_INFINITY
    if (isBounded || conditions.length === 0) conditions.push(grammar.repeat(text.character, minLength, maxLength))
    return conditions.reduce((first, second) => this.#meet(first, second, false))
  }

  #meet(first: Expression, second: Expression, negate: boolean): Expression {
    return meet(this.#side, [first, second], negate)
  }

  /** Those of the listed values that satisfy the other conditions too. */
  #values(flat: Flat, values: readonly JsonValue[]): Expression {
    const { grammar, text } = this
    const options = values
      .filter(value => flat.types.has(typeOf(value)))
      .filter(value => this.#satisfies(flat, value))
      .map(value => text.value(value))
    return grammar.choice(...options)
  }

  #satisfies(flat: Flat, value: JsonValue): boolean {
    const type = typeOf(value)
    const says = CONDITIONS[type].some(keyword => flat[keyword] !== ANYTHING[keyword] && !isEmpty(flat[keyword]))
    if (!says) return true
    if (type === 'object' || type === 'array')
      throw unsupported(flat.where, 'Leave out what stands beside enum or const: the values say all.')
    const number = type === 'number' ? numberExpression(this.grammar, { ...flat, values: null } as Flat) : null
    const expression = number ?? this.#type({ ...flat, values: null }, type)
    let state = this.#side.start(expression)
    for (const letter of bytesOf(JSON.stringify(value))) state = this.#side.step(state, letter.charCodeAt(0))
    return this.#side.isAccepting(state)
  }
}

const CONDITIONS = {
  object: ['properties', 'required', 'additional', 'names', 'minProperties', 'maxProperties'],
  array: ['prefixItems', 'items', 'minItems', 'maxItems'],
  string: ['minLength', 'maxLength', 'patterns', 'formats'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'integer', 'multipleOf'],
  boolean: [],
  null: [],
} as const satisfies Record<JsonType, (keyof typeof ANYTHING)[]>

function isEmpty(value: unknown): boolean {
  return (
    (Array.isArray(value) && value.length === 0) || ((value instanceof Map || value instanceof Set) && value.size === 0)
  )
}
