/** Random JSON schemas, the same ones for the same seed: every supported keyword, nested, recursive, combined. */
import { randomNumbers } from '../../../web/src/engine/random.ts'

export type Schema = Record<string, unknown>

const WORDS = 'name age kind größe "quoted" a/b note 日本 tags id x-y price'.split(' ')
const FORMATS = ['date', 'time', 'date-time', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid', 'uri']
/* eslint */
const PATTERNS = [
  '^[A-Z]{2}-[0-9]{3,5}$',
  '^(red|green|blue)( dark)?$',
  'b+c',
  '^\\d{1,3}(\\.\\d{2})?$',
  '^[^"\\\\]{2,8}$',
  '[äöü€😀]',
  '^\\p{Lu}\\w*$',
  '^"\\\\\\n$',
]

export function randomSchema(seed: number): Schema {
  return new SchemaMaker(seed).root()
}

class SchemaMaker {
  readonly #random: () => number

  constructor(seed: number) {
    this.#random = randomNumbers(seed)
  }

  root(): Schema {
    const schema = this.#schema(3)
    return this.#chance(0.15) ? { ...this.#recursive(), title: 'Tree' } : schema
  }

  #recursive(): Schema {
    const child = { anyOf: [{ type: 'null' }, { $ref: '#/$defs/node' }] }
    const children = { type: 'array', items: { $ref: '#/$defs/node' }, maxItems: 2 }
    const properties = { value: this.#leaf(), ...(this.#chance(0.5) ? { child } : { children }) }
    const node = { type: 'object', properties, required: Object.keys(properties), additionalProperties: false }
    return { $ref: '#/$defs/node', $defs: { node } }
  }

  #schema(depth: number): Schema {
    if (depth === 0) return this.#leaf()
    const pick = this.#random()
    if (pick < 0.4) return this.#object(depth)
    if (pick < 0.6) return this.#array(depth)
    if (pick < 0.7) return { anyOf: [this.#schema(depth - 1), this.#schema(depth - 1)] }
    if (pick < 0.75) return { oneOf: [this.#string(), this.#number(), { type: 'null' }], description: 'one of three' }
    if (pick < 0.8)
      return { allOf: [{ type: 'integer', minimum: this.#whole(-50, 0) }, { maximum: this.#whole(1, 500) }] }
    return this.#leaf()
  }

  #leaf(): Schema {
    const makers = [
      () => this.#string(),
      () => this.#string(),
      () => this.#number(),
      () => this.#number(),
      () => ({ type: 'boolean' }),
      () => ({ type: ['null', 'boolean'] }),
      () => ({ enum: ['a', 'b c', 'é"\n', 7, -0.5, null, true, { k: [1, 'x'] }].slice(this.#whole(0, 5)) }),
      () => ({ const: this.#chance(0.5) ? 'fixed "text"' : [1, { two: null }] }),
      () => ({ type: ['string', 'integer'], enum: ['long enough', 'x', 12, 1.5], minLength: 3 }),
    ]
    return makers[this.#whole(0, makers.length - 1)]?.() ?? {}
  }

  #string(): Schema {
    const pick = this.#random()
    if (pick < 0.25) return { type: 'string', pattern: this.#one(PATTERNS) }
    if (pick < 0.45) return { type: 'string', format: this.#one(FORMATS) }
    if (pick < 0.55) return { type: 'string', pattern: '^[a-z ]+$', minLength: 2, maxLength: this.#whole(2, 12) }
    if (pick < 0.65) return { type: 'string' }
    const minLength = this.#whole(0, 6)
    return { type: 'string', minLength, maxLength: minLength + this.#whole(0, 12) }
  }

  #number(): Schema {
    const low = Number((this.#random() * 200 - 100).toFixed(this.#whole(0, 4)))
    const high = low + Number((this.#random() * 50 + 1).toFixed(2))
    const pick = this.#random()
    if (pick < 0.15) return { type: 'number' }
    if (pick < 0.3) return { type: 'integer' }
    if (pick < 0.4)
      return {
        type: 'integer',
        multipleOf: this.#whole(2, 30),
        minimum: Math.floor(low),
        maximum: Math.floor(low) + 90,
      }
    if (pick < 0.5) return { type: 'number', exclusiveMinimum: low, exclusiveMaximum: high }
    if (pick < 0.6) return { type: 'number', minimum: low }
    if (pick < 0.7) return { type: 'integer', exclusiveMaximum: Math.floor(high) }
    if (pick < 0.85) return { type: 'integer', minimum: Math.floor(low), maximum: Math.ceil(high) }
    return { type: 'number', minimum: low, maximum: high }
  }

  #array(depth: number): Schema {
    const minItems = this.#whole(0, 2)
    const items = this.#schema(depth - 1)
    if (this.#chance(0.25)) {
      const prefixItems = [this.#leaf(), this.#leaf()]
      return { type: 'array', prefixItems, items: this.#chance(0.5) ? false : items, maxItems: 4 }
    }
    return { type: 'array', items, minItems, maxItems: minItems + this.#whole(0, 3) }
  }

  #object(depth: number): Schema {
    const names = [...new Set(Array.from({ length: this.#whole(0, 4) }, () => this.#one(WORDS)))]
    const properties = Object.fromEntries(names.map(name => [name, this.#schema(depth - 1)]))
    const required = names.filter(() => this.#chance(0.6))
    const pick = this.#random()
    const others =
      pick < 0.5 ? { additionalProperties: false } : pick < 0.7 ? { additionalProperties: this.#leaf() } : {}
    const counts = this.#chance(0.2)
      ? { minProperties: Math.min(1, names.length), maxProperties: Math.max(required.length, 2) }
      : {}
    return { type: 'object', properties, required, ...others, ...counts }
  }

  #one<T>(list: readonly T[]): T {
    const item = list[this.#whole(0, list.length - 1)]
    if (item === undefined) throw new Error('an empty list')
    return item
  }

  #whole(from: number, to: number): number {
    return from + Math.floor(this.#random() * (to - from + 1))
  }

  #chance(share: number): boolean {
    return this.#random() < share
  }
}
