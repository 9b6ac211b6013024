/** Reads a JSON Schema's own keywords (2020-12; draft 4 and 7 where they say the same otherwise), refusing all others. */
import {
  ANYTHING,
  bad,
  type Flat,
  type JsonType,
  type Pattern,
  type Placed,
  TYPES,
  unsupported,
} from './schema-flat.ts'
import type { JsonSchema, JsonValue } from './spec.ts'

type Keywords = Exclude<JsonSchema, boolean>
type Reader = (flat: Flat, value: JsonValue, where: string) => Partial<Flat>

/** Say nothing about a value, or are read elsewhere. */
const SILENT = new Set(
  [
    'title description default examples deprecated readOnly writeOnly contentEncoding contentMediaType contentSchema',
    '$schema $id $comment $anchor $defs definitions id $ref allOf anyOf oneOf',
    'nullable discriminator example externalDocs xml', // OpenAPI's, which libraries write into schemas
  ].flatMap(line => line.split(' ')),
)

/** What to write instead of keywords that are not supported. */
const ADVICE: [keywords: string[], advice: string][] = [
  [['not'], 'Say what the value may be instead.'],
  [['if', 'then', 'else'], 'Use anyOf with one schema for each case.'],
  [['dependentRequired', 'dependentSchemas', 'dependencies'], 'Use anyOf with one schema for each case.'],
  [['contains', 'minContains', 'maxContains'], 'Use prefixItems or items.'],
  [['patternProperties'], 'Use properties, or additionalProperties with a schema.'],
  [['$dynamicRef', '$recursiveRef'], 'Use $ref.'],
]

/** @throws EngineError 'bad-request', naming the keyword and where it stands */
export function readKeywords(schema: Keywords, where: string): Flat {
  let flat: Flat = { ...ANYTHING, where, types: typesOf(schema, where), integer: isInteger(schema) }
  for (const [keyword, value] of Object.entries(withBounds(schema))) {
    if (SILENT.has(keyword) || keyword === 'type' || keyword.startsWith('x-')) continue
    const read = READERS[keyword]
    if (!read) throw unsupported(`${where}.${keyword}`, adviceOn(keyword))
    flat = { ...flat, ...read(flat, value, `${where}.${keyword}`) }
  }
  return flat
}

/** Draft 4 and OpenAPI 3.0 say of a bound beside it that it is exclusive. */
function withBounds({ ...schema }: Keywords): Keywords {
  for (const [exclusive, plain] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    const { [exclusive]: is, [plain]: bound } = schema
    if (is === true && bound !== undefined) {
      schema[exclusive] = bound
      delete schema[plain]
    } else if (is === false) delete schema[exclusive]
  }
  return schema
}

function adviceOn(keyword: string): string {
  return ADVICE.find(([keywords]) => keywords.includes(keyword))?.[1] ?? 'Leave it out.'
}

/** Without a type, the keywords tell what is meant: {properties} means an object, although others would pass too. */
function typesOf(schema: Keywords, where: string): ReadonlySet<JsonType> {
  const { type } = schema
  if (type === undefined) {
    const meant = MEANT.filter(([, keywords]) => keywords.some(keyword => keyword in schema)).map(([name]) => name)
    return new Set(meant.length > 0 ? meant : TYPES)
  }
  const names = Array.isArray(type) ? type : [type]
  const types = names.map(name => {
    const known = TYPES.find(entry => entry === name || (name === 'integer' && entry === 'number'))
    if (!known) throw bad(`${where}.type`, `one of ${TYPES.join(', ')}, integer`, name)
    return known
  })
  return new Set(schema.nullable === true ? [...types, 'null'] : types)
}

function isInteger({ type }: Keywords): boolean {
  return type === 'integer' || (Array.isArray(type) && type.includes('integer') && !type.includes('number'))
}

const MEANT: [JsonType, string[]][] = [
  ['object', ['properties', 'required', 'additionalProperties', 'propertyNames', 'minProperties', 'maxProperties']],
  ['array', ['items', 'prefixItems', 'minItems', 'maxItems', 'additionalItems']],
  ['string', ['pattern', 'minLength', 'maxLength', 'format']],
  ['number', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']],
]

const READERS: Record<string, Reader> = {
  enum: (flat, value, where) => {
    if (!Array.isArray(value) || value.length === 0) throw bad(where, 'a list with at least one value', value)
    return narrowed(flat, value)
  },
  const: (flat, value) => narrowed(flat, [value]),
  minimum: ({ minimum, exclusiveMinimum }, value, where) => {
    const bound = numberAt(value, where)
    return bound > minimum ? { minimum: bound, exclusiveMinimum: false } : { minimum, exclusiveMinimum }
  },
  maximum: ({ maximum, exclusiveMaximum }, value, where) => {
    const bound = numberAt(value, where)
    return bound < maximum ? { maximum: bound, exclusiveMaximum: false } : { maximum, exclusiveMaximum }
  },
  exclusiveMinimum: (flat, value, where) => {
    if (typeof value === 'boolean')
      throw unsupported(where, 'Give the bound itself, as JSON Schema has it since draft 6.')
    const bound = numberAt(value, where)
    return bound >= flat.minimum ? { minimum: bound, exclusiveMinimum: true } : {}
  },
  exclusiveMaximum: (flat, value, where) => {
    if (typeof value === 'boolean')
      throw unsupported(where, 'Give the bound itself, as JSON Schema has it since draft 6.')
    const bound = numberAt(value, where)
    return bound <= flat.maximum ? { maximum: bound, exclusiveMaximum: true } : {}
  },
  multipleOf: (_, value, where) => {
    const step = numberAt(value, where)
    if (!Number.isInteger(step) || step < 1 || step > MOST_MULTIPLE)
      throw unsupported(where, `Use a whole number from 1 to ${MOST_MULTIPLE}.`)
    return { multipleOf: step }
  },
  minLength: (_, value, where) => ({ minLength: countAt(value, where) }),
  maxLength: (_, value, where) => ({ maxLength: countAt(value, where) }),
  pattern: ({ patterns }, value, where) => ({ patterns: [...patterns, textAt(value, where)] }),
  format: ({ formats }, value, where) => ({ formats: [...formats, textAt(value, where)] }),
  properties: (_, value, where) => {
    const entries = Object.entries(objectAt(value, where))
    return { properties: new Map(entries.map(([name, schema]) => [name, schemaAt(schema, `${where}.${name}`)])) }
  },
  required: (_, value, where) => ({
    required: new Set(listAt(value, where).map((name, at) => textAt(name, `${where}[${at}]`).text)),
  }),
  additionalProperties: (_, value, where) => ({ additional: schemaAt(value, where) }),
  propertyNames: (_, value, where) => ({ names: schemaAt(value, where) }),
  unevaluatedProperties: (_, value, where) => onlyFalse(value, where),
  minProperties: (_, value, where) => ({ minProperties: countAt(value, where) }),
  maxProperties: (_, value, where) => ({ maxProperties: countAt(value, where) }),
  prefixItems: (_, value, where) => ({ prefixItems: schemasAt(value, where) }),
  items: (_, value, where) =>
    Array.isArray(value) ? { prefixItems: schemasAt(value, where) } : { items: schemaAt(value, where) },
  additionalItems: (flat, value, where) => (flat.prefixItems.length > 0 ? { items: schemaAt(value, where) } : {}),
  unevaluatedItems: (_, value, where) => onlyFalse(value, where),
  minItems: (_, value, where) => ({ minItems: countAt(value, where) }),
  maxItems: (_, value, where) => ({ maxItems: countAt(value, where) }),
  uniqueItems: (_, value, where) => {
    if (value === false) return {}
    throw unsupported(where, 'Leave it out, and remove repeated items afterwards.')
  },
}

const MOST_MULTIPLE = 1000

function narrowed({ values }: Flat, to: readonly JsonValue[]): Partial<Flat> {
  const texts = new Set(to.map(value => JSON.stringify(value)))
  return { values: values ? values.filter(value => texts.has(JSON.stringify(value))) : to }
}

/** Members and items that no keyword names are never written: false is always satisfied. */
function onlyFalse(value: JsonValue, where: string): Partial<Flat> {
  if (value === false) return {}
  throw unsupported(where, 'Use additionalProperties or items.')
}

export function schemasAt(value: JsonValue | undefined, where: string): Placed[] {
  return listAt(value, where).map((schema, at) => schemaAt(schema, `${where}[${at}]`))
}

export function schemaAt(value: JsonValue | undefined, where: string): Placed {
  if (typeof value === 'boolean') return { schema: value, where }
  return { schema: objectAt(value, where), where }
}

function objectAt(value: JsonValue | undefined, where: string): Keywords {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(where, 'an object', value)
  return value
}

function listAt(value: JsonValue | undefined, where: string): JsonValue[] {
  if (!Array.isArray(value)) throw bad(where, 'a list', value)
  return value
}

function textAt(value: JsonValue, where: string): Pattern {
  if (typeof value !== 'string') throw bad(where, 'a text', value)
  return { text: value, where }
}

function numberAt(value: JsonValue, where: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw bad(where, 'a number', value)
  return value
}

function countAt(value: JsonValue, where: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) throw bad(where, 'a whole number', value)
  return value
}
