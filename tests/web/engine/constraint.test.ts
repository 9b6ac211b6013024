import { readFileSync } from 'node:fs'
import { Tokenizer } from '@huggingface/tokenizers'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { describe, expect, test } from 'vitest'
import { Constraints } from '../../../web/src/engine/constraint/constraint.ts'
import type { ConstraintSpec, JsonSchema } from '../../../web/src/engine/constraint/spec.ts'
import { spell } from '../../../web/src/engine/constraint/spelling.ts'
import { isAllowed, Vocabulary } from '../../../web/src/engine/constraint/vocabulary.ts'
import { streamDecoder } from '../../../web/src/engine/decoder.ts'
import { EngineError } from '../../../web/src/engine/errors.ts'
import { randomNumbers } from '../../../web/src/engine/random.ts'
import { randomSchema } from './schemas.ts'

const fixture = (name: string) => JSON.parse(readFileSync(new URL(`../../.fixtures/${name}`, import.meta.url), 'utf8'))
const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }))

function model(bundle: string) {
  const json = fixture(`${bundle}/tokenizer.json`)
  const tokenizer = new Tokenizer(json, fixture(`${bundle}/tokenizer_config.json`))
  const { special_tokens: special, vocab_size: size } = fixture(`${bundle}/manifest.json`)
  const endOfTurn = new Set<number>(special.eos)
  const vocabulary = new Vocabulary(spell(tokenizer, json), size)
  return { tokenizer, json, endOfTurn, size, vocabulary, constraints: new Constraints(vocabulary) }
}

const byteLevel = model('tiny-llama')
const sentencePiece = model('families/llama-2')

interface Walk {
  text: string
  finished: boolean
  tokens: number
}

/** An answer of a model that takes any allowed token with the same probability. */
function randomAnswer(spec: ConstraintSpec, { of = byteLevel, seed = 1, most = 400 } = {}): Walk {
  const random = randomNumbers(seed)
  const constraint = of.constraints.open(spec, of.endOfTurn)
  const decoder = streamDecoder(of.tokenizer, of.json)
  let text = ''
  for (let tokens = 0; tokens < most; tokens++) {
    if (constraint.done) return { text, finished: true, tokens }
    const mask = constraint.allowed(most - tokens)
    const allowed = Array.from({ length: of.size }, (_, token) => token).filter(token => isAllowed(mask, token))
    const token = allowed[Math.floor(random() * allowed.length)]
    if (token === undefined) throw new Error('nothing is allowed')
    constraint.accept(token)
    if (of.endOfTurn.has(token)) return { text, finished: true, tokens }
    text += decoder.push(token)
  }
  return { text, finished: constraint.done, tokens: most }
}

const jsonSchema = (schema: JsonSchema): ConstraintSpec => ({ kind: 'json-schema', schema, where: 'schema' })
const regex = (pattern: string): ConstraintSpec => ({ kind: 'regex', pattern, where: 'pattern' })

/** Whether a text is one that the constraint allows, token by token. */
function accepts(spec: ConstraintSpec, text: string): boolean {
  const constraint = byteLevel.constraints.open(spec, byteLevel.endOfTurn)
  for (const token of byteLevel.tokenizer.encode(text, { add_special_tokens: false }).ids) {
    if (!isAllowed(constraint.allowed(10_000), token)) return false
    constraint.accept(token)
  }
  const [end = -1] = byteLevel.endOfTurn
  return isAllowed(constraint.allowed(10_000), end)
}

describe('random schemas', () => {
  test.each([
    ['byte-level BPE', byteLevel, 200],
    ['SentencePiece with byte fallback', sentencePiece, 60],
  ] as const)('%s: every answer is JSON that satisfies its schema', { timeout: 60_000 }, (_, of, count) => {
    const wrong: unknown[] = []
    for (let seed = 1; seed <= count; seed++) {
      const schema = randomSchema(seed)
      const { text, finished, tokens } = randomAnswer(jsonSchema(schema as JsonSchema), { of, seed })
      const validate = ajv.compile(schema)
      const valid = finished && validate(JSON.parse(text))
      if (!valid) wrong.push({ seed, schema: JSON.stringify(schema), text, tokens, errors: validate.errors?.[0] })
    }
    expect(wrong).toEqual([])
  })

  test('an answer that would be too long is brought to its end in time, as far as that is possible', () => {
    const schema = {
      type: 'array',
      items: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
    }
    for (let seed = 1; seed <= 20; seed++) {
      const { text, finished } = randomAnswer(jsonSchema({ ...schema, minItems: 1 }), { seed, most: 40 })
      expect(finished).toBe(true)
      expect(ajv.validate(schema, JSON.parse(text))).toBe(true)
    }
    expect(randomAnswer(jsonSchema({ ...schema, minItems: 1 }), { most: 5 }).finished).toBe(false)
  })
})

describe('what a schema allows', () => {
  test.each<[JsonSchema, string[], string[]]>([
    [{ type: 'integer', minimum: -3, maximum: 12 }, ['-3', '0', '9', '12'], ['-4', '13', '1.0', '012', '-', '']],
    [{ type: 'integer', minimum: 98, exclusiveMaximum: 1002 }, ['98', '999', '1001'], ['97', '1002', '0100']],
    [
      { type: 'number', minimum: 0.25, maximum: 1.5 },
      ['0.25', '1', '1.5', '1.499999'],
      ['0.2', '1.51', '2', '.5', '1.'],
    ],
    [{ type: 'number', exclusiveMinimum: 0.1 }, ['0.100001', '7'], ['0.1', '0.10', '0']],
    [{ type: 'integer', multipleOf: 7, minimum: 0, maximum: 50 }, ['0', '7', '49'], ['1', '50', '56']],
    [{ type: 'number' }, ['1e5', '-0.5E-10', '0'], ['01', '+1', 'NaN', '1e999']],
    [{ enum: ['a"b', 1, null] }, ['"a\\"b"', '1', 'null'], ['"a', '2']],
    [{ type: 'string', maxLength: 2 }, ['"é😀"', '""', '"\\n\\u00e9"'], ['"abc"', '"\n"', '"\\ud83d"']],
    [{ type: 'string', pattern: 'b' }, ['"b"', '"abc"'], ['"ac"', '""']],
    [{ type: 'string', pattern: '^"?\\t$' }, ['"\\"\\t"', '"\\t"'], ['"\t"', '"t"']],
    [
      { properties: { a: { const: 1 }, b: { const: 2 } } },
      ['{}', '{"a":1}', '{"a": 1, "b":2}'],
      ['{"b":2,"a":1}', '{"c":1}'],
    ],
    [
      { type: 'object', properties: { ab: {} }, additionalProperties: { const: 0 }, required: ['ab'] },
      ['{"ab":[],"a":0,"abc":0}'],
      ['{"ab":1,"ab":0}', '{"a":0}'],
    ],
    [{ prefixItems: [{ const: 1 }], items: { const: 2 }, minItems: 1 }, ['[1]', '[1,2,2]'], ['[]', '[2]']],
    [{ type: ['integer', 'null'] }, ['3', 'null'], ['3.5', 'true']],
    [
      { allOf: [{ properties: { a: { minimum: 3 } } }, { properties: { a: { maximum: 4 } }, required: ['a'] }] },
      ['{"a":3}', '{"a":4}'],
      ['{"a":5}', '{}'],
    ],
    [
      { minProperties: 1, maxProperties: 1, properties: { a: { const: 1 }, b: { const: 1 } } },
      ['{"a":1}', '{"b":1}'],
      ['{}', '{"a":1,"b":1}'],
    ],
    [{ pattern: '^(?!\\.|x$)(?=.*\\d)[a-z.\\d]+' }, ['"a1"', '"x1."'], ['".1"', '"ab"', '"\\u002e1"', '"a\\u0031"']],
    [{ pattern: '^\\w\\@[\\w\\-]\\-\\_$' }, ['"a@--_"'], ['"a\\\\@b-_"']], // needless backslashes
    [{ type: 'string', nullable: true }, ['null', '"a"'], ['1']],
    [{ type: 'number', minimum: 0, exclusiveMinimum: true, maximum: 1, exclusiveMaximum: false }, ['0.1', '1'], ['0']],
    [
      { propertyNames: { pattern: '^[a-z]+$' }, additionalProperties: { const: 1 }, properties: { ab: {}, A: {} } },
      ['{"b":1}', '{"ab":2,"c":1}'],
      ['{"A":1}', '{"B":1}', '{"c":2}', '{"ab":1,"ab":1}'],
    ],
    [
      { propertyNames: { enum: ['a', 'b'] }, additionalProperties: { const: 1 }, required: ['b'] },
      ['{"b":1}', '{"b":1,"a":1}'],
      ['{"a":1}', '{"b":1,"b":1}', '{"b":1,"c":1}'],
    ],
    [true, ['{"a":[null,{"b":"c"}]}', '-1.5'], ['{a:1}', '[1,]']],
  ])('%j', (schema, allowed, refused) => {
    for (const text of allowed) expect(accepts(jsonSchema(schema), text), text).toBe(true)
    for (const text of refused) expect(accepts(jsonSchema(schema), text), text).toBe(false)
  })

  test.each<[string, JsonSchema]>([
    ['schema.not', { not: { type: 'string' } }],
    ['schema.properties.a.if', { properties: { a: { if: {} } } }],
    ['schema.items.uniqueItems', { items: { type: 'array', uniqueItems: true } }],
    ['schema.$defs.n.contains', { $ref: '#/$defs/n', $defs: { n: { contains: {} } } }],
    ['schema.patternProperties', { patternProperties: { a: {} } }],
    ['schema.maxLenght', { type: 'string', maxLenght: 3 }],
    ['schema.multipleOf', { type: 'number', multipleOf: 0.1 }],
    ['schema.type', { type: 'text' }],
    ['schema.minimum', { minimum: '3' }],
    ['schema.$ref', { $ref: 'https://example.org/schema.json' }],
    ['schema.$ref', { $ref: '#/$defs/missing' }],
    ['schema.oneOf', { oneOf: [{ type: 'string' }, { minLength: 3, type: 'string' }] }],
    ['schema.pattern', { pattern: '(?=a)' }],
    ['schema.pattern', { pattern: '^a(?!b)' }],
    ['schema.propertyNames.not', { propertyNames: { not: { const: 'a' } } }],
    ['schema.pattern', { pattern: '(a)\\1' }],
    ['schema.pattern', { pattern: '[' }],
    ['schema.minProperties', { minProperties: 3, additionalProperties: true }],
  ])('%s is refused by name', (where, schema) => {
    expect(() => byteLevel.constraints.open(jsonSchema(schema), byteLevel.endOfTurn)).toThrow(
      expect.objectContaining({ code: 'bad-request', message: expect.stringContaining(`${where}: `) }),
    )
  })

  test.each<[string, JsonSchema]>([
    ['contradicts itself', { type: 'integer', minimum: 3, maximum: 2 }],
    ['has no end', { $ref: '#', type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] }],
    ['has two conditions that never meet', { type: 'string', pattern: '^a{5,}$', maxLength: 3 }],
  ])('a schema that %s is refused', (_, schema) => {
    expect(() => byteLevel.constraints.open(jsonSchema(schema), byteLevel.endOfTurn)).toThrow(EngineError)
  })
})

describe('schemas as libraries write them', () => {
  const EMAIL =
    "^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_'+\\-\\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$"
  const cat = { type: 'object', properties: { kind: { const: 'cat' }, lives: { type: 'integer' } }, required: ['kind'] }
  const dog = { type: 'object', properties: { kind: { const: 'dog' }, name: { type: 'string' } }, required: ['kind'] }
  const discriminator = { propertyName: 'kind', mapping: { cat: '#/$defs/Cat', dog: '#/$defs/Dog' } }

  test.each<[string, Exclude<JsonSchema, boolean>]>([
    [
      "Pydantic's union",
      { $defs: { cat, dog }, discriminator, oneOf: [{ $ref: '#/$defs/cat' }, { $ref: '#/$defs/dog' }] },
    ],
    ["Pydantic's decimal", { type: 'string', pattern: '^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$' }],
    ["Zod's record", { type: 'object', propertyNames: { type: 'string' }, additionalProperties: { type: 'number' } }],
    ["Zod's e-mail", { type: 'string', format: 'email', pattern: EMAIL }],
    ['a password', { type: 'string', pattern: '^(?=.*[A-Z])(?=.*\\d).{8,}$', maxLength: 40 }],
    ["FastAPI's OpenAPI", { type: 'object', properties: { a: { type: 'string', nullable: true, example: 'b' } } }],
  ])('%s', (_, schema) => {
    const validate = ajv.compile(schema)
    for (let seed = 1; seed <= 12; seed++) {
      const { text, finished } = randomAnswer(jsonSchema(schema), { seed })
      expect(finished && validate(JSON.parse(text)), text).toBe(true)
    }
  })
})

describe('regular expressions', () => {
  test.each<[string, string[], string[]]>([
    ['(yes|no)( maybe)?', ['yes', 'no maybe'], ['maybe', 'yesno']],
    ['^\\d{4}-\\d\\d$', ['2026-11'], ['226-11', '2026-1']],
    ['[^a-y\\s]+?', ['zz', '😀', 'Z'], ['a', 'z z', '']],
    ['\\p{Lu}\\u{1F600}\\x41\\/[\\-\\]]', ['Ä😀A/]', 'X😀A/-'], ['ä😀A/]']],
    ['(?:a|b(?<named>c)){2}', ['abc', 'aa', 'bcbc'], ['a', 'aaa']],
    ['(?=.*b)(?!c)[a-c]{2}', ['ab', 'ba', 'bc'], ['aa', 'cb', 'b']],
    ['.*x', ['x', 'ab x'], ['x\ny', 'xy']],
  ])('%s', (pattern, allowed, refused) => {
    for (const text of allowed) expect(accepts(regex(pattern), text), text).toBe(true)
    for (const text of refused) expect(accepts(regex(pattern), text), text).toBe(false)
  })

  test.each(['a(?=b)b', '(?:(?!a).)*', '(?<!a)b', '\\bword', '(a)\\1', 'a^b', '(?i:a)', 'a{20000}'])(
    '%s is refused',
    pattern => {
      expect(() => byteLevel.constraints.open(regex(pattern), byteLevel.endOfTurn)).toThrow(
        expect.objectContaining({ code: 'bad-request', message: expect.stringContaining('pattern: ') }),
      )
    },
  )

  test('random answers match, whatever the tokenizer puts in front of a first word', () => {
    for (const of of [byteLevel, sentencePiece]) {
      for (let seed = 1; seed <= 30; seed++) {
        const pattern = '( [A-Z][a-zé]{1,8}){1,3}[.!?]'
        const { text, finished } = randomAnswer(regex(pattern), { of, seed })
        expect(finished).toBe(true)
        expect(text).toMatch(new RegExp(`^${pattern}$`, 'u'))
      }
    }
  })
})

test('a token that is not allowed is an error', () => {
  const constraint = byteLevel.constraints.open(regex('a'), byteLevel.endOfTurn)
  const [token = -1] = byteLevel.tokenizer.encode('b', { add_special_tokens: false }).ids
  expect(() => constraint.accept(token)).toThrow(EngineError)
})

test('a vocabulary that cannot spell the format says so', () => {
  const vocabulary = new Vocabulary({ bytes: ['a', 'b'], dropsFirstSpace: false }, 2)
  const constraint = new Constraints(vocabulary).open(jsonSchema({ type: 'object' }), new Set([1]))
  expect(() => constraint.allowed(10)).toThrow(expect.objectContaining({ code: 'unsupported' }))
})
