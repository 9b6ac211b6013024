/** Objects and arrays of a JSON Schema as expressions. */
import { bytesOf } from './bytes.ts'
import type { Expression } from './expression.ts'
import type { JsonSchemaGrammar } from './json-schema.ts'
import { type Flat, type Placed, unsupported } from './schema-flat.ts'

interface Member {
  /** `"name": value` */
  pair: Expression
  required: boolean
}

/** Members in the order of `properties`, then any others where the schema speaks of them. */
export function objectExpression(schema: JsonSchemaGrammar, flat: Flat): Expression {
  const { grammar, text } = schema
  const others = otherMember(schema, flat)
  const members = namedMembers(schema, flat)
  const [least, most] = [flat.minProperties, Math.min(flat.maxProperties, others ? Infinity : members.length)]
  if (others && least > members.filter(({ required }) => required).length + 1) {
    throw unsupported(`${flat.where}.minProperties`, 'Name the members in properties and required.') // names may repeat
  }
  const counts = least > 0 || most < members.length || flat.maxProperties < Infinity
  const rules = new Map<string, Expression>()

  function from(at: number, written: number): Expression {
    const key = `${at},${counts ? written : Math.min(written, 1)}`
    let rule = rules.get(key)
    if (!rule) {
      rule = grammar.rule(() => (members.length > at ? named(at, written) : rest(written)))
      rules.set(key, rule)
    }
    return rule
  }

  function named(at: number, written: number): Expression {
    const member = members[at]
    if (!member) return grammar.never
    const comma = written > 0 ? text.comma : grammar.nothing
    const here = written < most ? grammar.sequence(comma, member.pair, from(at + 1, written + 1)) : grammar.never
    return member.required ? here : grammar.choice(here, from(at + 1, written))
  }

  function rest(written: number): Expression {
    const missing = Math.max(0, least - written)
    if (!others) return missing > 0 ? grammar.never : grammar.nothing
    return list(schema, others, { min: missing, max: most - written, isFirst: written === 0 })
  }

  return grammar.sequence(grammar.literal('{'), from(0, 0), grammar.literal('}'))
}

function namedMembers(schema: JsonSchemaGrammar, flat: Flat): Member[] {
  const { grammar, text } = schema
  const { properties, required, additional, names, where } = flat
  const listed = isOpen(flat) ? (schema.listedNames(names) ?? []) : []
  const unnamed = [...new Set([...required, ...listed])].filter(name => !properties.has(name))
  const any: Placed = additional ?? { schema: true, where }
  const all = [...properties, ...unnamed.map(name => [name, any] as const)]
  return all.map(([name, value]) => {
    const key = grammar.literal(bytesOf(JSON.stringify(name)))
    const pair = grammar.sequence(key, text.colon, schema.of(value))
    return { pair: schema.allowsName(name, names) ? pair : grammar.never, required: required.has(name) }
  })
}

/** Null where only named members are written. */
function otherMember(schema: JsonSchemaGrammar, flat: Flat): Expression | null {
  const { properties, required, additional, names, where } = flat
  if (!isOpen(flat) || schema.listedNames(names) !== null) return null
  const name = schema.otherName([...new Set([...properties.keys(), ...required])], names)
  return schema.grammar.sequence(name, schema.text.colon, schema.of(additional ?? { schema: true, where }))
}

/** Whether members are written that no keyword names. */
function isOpen({ properties, required, additional }: Flat): boolean {
  return additional === null ? properties.size === 0 && required.size === 0 : additional.schema !== false
}

/** Items: those of `prefixItems` one after another, then any number of `items` where the schema speaks of them. */
export function arrayExpression(schema: JsonSchemaGrammar, flat: Flat): Expression {
  const { grammar, text } = schema
  const { prefixItems, minItems, maxItems, where } = flat
  const isFree = flat.items === null && prefixItems.length === 0
  const items = flat.items ?? (isFree || minItems > prefixItems.length ? { schema: true, where } : null)
  const others = items && items.schema !== false ? schema.of(items) : null

  function from(at: number): Expression {
    const prefix = prefixItems[at]
    if (!prefix) {
      if (!others) return at < minItems ? grammar.never : grammar.nothing
      return list(schema, others, { min: Math.max(0, minItems - at), max: maxItems - at, isFirst: at === 0 })
    }
    const comma = at > 0 ? text.comma : grammar.nothing
    const here = at < maxItems ? grammar.sequence(comma, schema.of(prefix), from(at + 1)) : grammar.never
    return at < minItems ? here : grammar.choice(here, grammar.nothing)
  }

  return grammar.sequence(grammar.literal('['), from(0), grammar.literal(']'))
}

interface Count {
  min: number
  max: number
  /** True where nothing stands in front, so that the first needs no comma. */
  isFirst: boolean
}

function list({ grammar, text }: JsonSchemaGrammar, item: Expression, { min, max, isFirst }: Count): Expression {
  const following = grammar.sequence(text.comma, item)
  if (!isFirst) return grammar.repeat(following, min, max)
  const some =
    max < 1 ? grammar.never : grammar.sequence(item, grammar.repeat(following, Math.max(0, min - 1), max - 1))
  return min === 0 ? grammar.optional(some) : some
}
