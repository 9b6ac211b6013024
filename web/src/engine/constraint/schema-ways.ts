/** The ways in which a value can satisfy a schema: references followed, combinations multiplied out. */
import { EngineError } from '../errors.ts'
import { ANYTHING, bad, type Flat, merge, type Placed, unsupported } from './schema-flat.ts'
import { readKeywords, schemaAt, schemasAt } from './schema-read.ts'
import type { JsonSchema, JsonValue } from './spec.ts'

/** Combinations of anyOf and allOf, above which a schema is refused. */
const MOST_WAYS = 256

export class SchemaWays {
  readonly #root: Placed
  readonly #known = new Map<JsonSchema, Flat[]>()
  readonly #open = new Set<JsonSchema>()

  constructor(root: Placed) {
    this.#root = root
  }

  /** Empty where no value satisfies the schema. */
  of({ schema, where }: Placed): Flat[] {
    if (typeof schema === 'boolean') return schema ? [{ ...ANYTHING, where }] : []
    const known = this.#known.get(schema)
    if (known) return known
    if (this.#open.has(schema)) throw unsupported(where, 'It refers to itself without an object or a list in between.')
    this.#open.add(schema)
    let ways: Flat[] = [readKeywords(schema, where)]
    if (schema.$ref !== undefined) ways = this.#cross(ways, this.of(this.#resolve(schema.$ref, `${where}.$ref`)), where)
    if (schema.allOf !== undefined) {
      for (const part of schemasAt(schema.allOf, `${where}.allOf`)) ways = this.#cross(ways, this.of(part), where)
    }
    if (schema.anyOf !== undefined) {
      const options = schemasAt(schema.anyOf, `${where}.anyOf`)
      ways = this.#cross(
        ways,
        options.flatMap(option => this.of(option)),
        where,
      )
    }
    if (schema.oneOf !== undefined) ways = this.#cross(ways, this.#oneOf(schema.oneOf, `${where}.oneOf`), where)
    this.#open.delete(schema)
    this.#known.set(schema, ways)
    return ways
  }

  #cross(a: readonly Flat[], b: readonly Flat[], where: string): Flat[] {
    if (a.length * b.length > MOST_WAYS) throw unsupported(where, 'Its combinations are too many: use fewer options.')
    return a.flatMap(first => b.map(second => merge(first, second)).filter(both => both !== null))
  }

  /** Options that no value can satisfy two of. */
  #oneOf(value: JsonValue, where: string): Flat[] {
    const options = schemasAt(value, where).map(option => this.of(option))
    for (const [at, ways] of options.entries()) {
      for (const [other, others] of options.entries()) {
        if (at === other || ways.every(way => others.every(wrong => this.#neverWrites(way, wrong)))) continue
        const message = `Options ${Math.min(at, other)} and ${Math.max(at, other)} could both hold. Use anyOf.`
        throw unsupported(where, message)
      }
    }
    return options.flat()
  }

  /** True where no value that is written for `way` satisfies `other`. */
  #neverWrites(way: Flat, other: Flat): boolean {
    const both = merge(way, other)
    if (!both) return true
    if (both.types.size !== 1 || !both.types.has('object')) return false
    // Members that no keyword names are not written, so a member that only `other` requires is missing.
    const lacks = [...other.required].some(name => !way.properties.has(name) && way.additional === null)
    if (lacks) return true
    const forbidden = other.additional?.schema === false
    if (forbidden && [...way.required].some(name => !other.properties.has(name))) return true
    return [...way.required].some(name => this.#apart(way.properties.get(name), other.properties.get(name)))
  }

  /** True where no value at all satisfies both, as their types and lists of values tell. */
  #apart(a: Placed | undefined, b: Placed | undefined): boolean {
    if (!a || !b) return false
    return this.of(a).every(first => this.of(b).every(second => merge(first, second) === null))
  }

  #resolve(ref: JsonValue, where: string): Placed {
    if (typeof ref !== 'string') throw bad(where, 'a text', ref)
    if (!ref.startsWith('#')) throw unsupported(where, 'Only references within the schema (#/$defs/…) are followed.')
    if (ref !== '#' && !ref.startsWith('#/')) throw unsupported(where, 'Refer to a place, as in #/$defs/name.')
    let value: JsonValue = this.#root.schema
    for (const part of ref.split('/').slice(1)) {
      const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
      const inside: JsonValue | undefined =
        typeof value === 'object' && value !== null
          ? Object.entries(value).find(([key]) => key === name)?.[1]
          : undefined
      if (inside === undefined) throw new EngineError('bad-request', { kind: 'schema-nothing-there', where, ref })
      value = inside
    }
    return ref === '#' ? this.#root : schemaAt(value, `${this.#root.where}${ref.slice(1).replaceAll('/', '.')}`)
  }
}
