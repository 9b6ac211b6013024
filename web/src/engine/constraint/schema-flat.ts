/**
 * A JSON Schema's keywords read, checked and brought together: one flat list of conditions for each way in which a value
 * can satisfy it. `$ref`, `allOf`, `anyOf` and `oneOf` are gone then; the schemas of members and items are not looked at.
 */
import { EngineError } from '../errors.ts'
import type { JsonSchema, JsonValue } from './spec.ts'

export const TYPES = ['object', 'array', 'string', 'number', 'boolean', 'null'] as const
export type JsonType = (typeof TYPES)[number]

/** A schema and where it stands, for messages: `response_format.json_schema.schema.properties.name`. */
export interface Placed {
  schema: JsonSchema
  where: string
}

/** All conditions hold at once. */
export interface Flat {
  where: string
  types: ReadonlySet<JsonType>
  /** Numbers are whole. */
  integer: boolean
  /** The values that remain, null for any. */
  values: readonly JsonValue[] | null
  minimum: number
  maximum: number
  exclusiveMinimum: boolean
  exclusiveMaximum: boolean
  multipleOf: number
  minLength: number
  maxLength: number
  patterns: readonly Pattern[]
  formats: readonly Pattern[]
  properties: ReadonlyMap<string, Placed>
  required: ReadonlySet<string>
  /** Of members that `properties` does not name: null where nothing is said of them, false where there must be none. */
  additional: Placed | null
  /** Of members' names, null where nothing is said of them. */
  names: Placed | null
  minProperties: number
  maxProperties: number
  prefixItems: readonly Placed[]
  /** Of items behind those, null where nothing is said of them. */
  items: Placed | null
  minItems: number
  maxItems: number
}

export interface Pattern {
  text: string
  where: string
}

export const ANYTHING: Omit<Flat, 'where'> = {
  types: new Set(TYPES),
  integer: false,
  values: null,
  ...{ minimum: Number.NEGATIVE_INFINITY, maximum: Number.POSITIVE_INFINITY },
  ...{ exclusiveMinimum: false, exclusiveMaximum: false, multipleOf: 1 },
  ...{ minLength: 0, maxLength: Number.POSITIVE_INFINITY, patterns: [], formats: [] },
  ...{ properties: new Map(), required: new Set<string>(), additional: null, names: null },
  ...{ minProperties: 0, maxProperties: Number.POSITIVE_INFINITY },
  ...{ prefixItems: [], items: null, minItems: 0, maxItems: Number.POSITIVE_INFINITY },
}

export function bad(where: string, expected: string, found: unknown): EngineError {
  const shown = found === undefined ? 'nothing' : (JSON.stringify(found)?.slice(0, 80) ?? String(found))
  return new EngineError('bad-request', { kind: 'schema-value', where, expected, found: shown })
}

export function unsupported(where: string, advice: string): EngineError {
  return new EngineError('bad-request', { kind: 'schema-unsupported', where, advice })
}

/** Null where no value satisfies both. */
export function merge(a: Flat, b: Flat): Flat | null {
  const types = new Set([...a.types].filter(type => b.types.has(type)))
  const values = a.values && b.values ? a.values.filter(value => has(b.values, value)) : (a.values ?? b.values)
  if (types.size === 0 || values?.length === 0) return null
  return {
    where: a.where,
    types,
    values,
    integer: a.integer || b.integer,
    ...lower(a, b),
    ...upper(a, b),
    multipleOf: leastCommonMultiple(a.multipleOf, b.multipleOf),
    minLength: Math.max(a.minLength, b.minLength),
    maxLength: Math.min(a.maxLength, b.maxLength),
    patterns: [...a.patterns, ...b.patterns],
    formats: [...a.formats, ...b.formats],
    ...mergeMembers(a, b),
    ...mergeItems(a, b),
  }
}

function lower(a: Flat, b: Flat): Pick<Flat, 'minimum' | 'exclusiveMinimum'> {
  const { minimum, exclusiveMinimum } = a.minimum > b.minimum ? a : b
  return { minimum, exclusiveMinimum: exclusiveMinimum || (a.minimum === b.minimum && a.exclusiveMinimum) }
}

function upper(a: Flat, b: Flat): Pick<Flat, 'maximum' | 'exclusiveMaximum'> {
  const { maximum, exclusiveMaximum } = a.maximum < b.maximum ? a : b
  return { maximum, exclusiveMaximum: exclusiveMaximum || (a.maximum === b.maximum && a.exclusiveMaximum) }
}

type Members = Pick<Flat, 'properties' | 'required' | 'additional' | 'names' | 'minProperties' | 'maxProperties'>

function mergeMembers(a: Flat, b: Flat): Members {
  const names = new Set([...a.properties.keys(), ...b.properties.keys()])
  const of = ({ properties, additional }: Flat, name: string) => properties.get(name) ?? additional
  const properties = new Map<string, Placed>()
  for (const name of names) {
    const both = allOf(of(a, name), of(b, name))
    if (both) properties.set(name, both)
  }
  return {
    properties,
    required: new Set([...a.required, ...b.required]),
    additional: allOf(a.additional, b.additional),
    names: allOf(a.names, b.names),
    minProperties: Math.max(a.minProperties, b.minProperties),
    maxProperties: Math.min(a.maxProperties, b.maxProperties),
  }
}

function mergeItems(a: Flat, b: Flat): Pick<Flat, 'prefixItems' | 'items' | 'minItems' | 'maxItems'> {
  const longer = a.prefixItems.length > b.prefixItems.length ? a.prefixItems : b.prefixItems
  const prefixItems = longer.map(
    (item, at) => allOf(a.prefixItems[at] ?? a.items, b.prefixItems[at] ?? b.items) ?? item,
  )
  return {
    prefixItems,
    items: allOf(a.items, b.items),
    minItems: Math.max(a.minItems, b.minItems),
    maxItems: Math.min(a.maxItems, b.maxItems),
  }
}

/** The same two schemas give the same third one, so that a recursive schema stays finite. */
const pairs = new WeakMap<object, WeakMap<object, Placed>>()

function allOf(a: Placed | null, b: Placed | null): Placed | null {
  if (!a || !b || a.schema === b.schema) return a ?? b
  if (a.schema === false || b.schema === true) return a
  if (a.schema === true || b.schema === false) return b
  const row = pairs.get(a.schema) ?? new WeakMap<object, Placed>()
  pairs.set(a.schema, row)
  let both = row.get(b.schema)
  if (!both) {
    both = { schema: { allOf: [a.schema, b.schema] }, where: a.where }
    row.set(b.schema, both)
  }
  return both
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b]
  while (y !== 0) [x, y] = [y, x % y]
  return (a / x) * b
}

export function has(values: readonly JsonValue[] | null, value: JsonValue): boolean {
  const text = canonical(value)
  return values?.some(other => canonical(other) === text) ?? true
}

/** The same text for the same value, whatever the order of its members. */
function canonical(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const names = Object.keys(value).sort()
  return `{${names.map(name => `${JSON.stringify(name)}:${canonical(value[name] ?? null)}`).join()}}`
}

export function typeOf(value: JsonValue): JsonType {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  const type = typeof value
  return type === 'object' || type === 'string' || type === 'number' ? type : 'boolean'
}
