/** Constrained answers of the real engine: whatever the model would rather say. */
import { Ajv2020 } from 'ajv/dist/2020'
import addFormats from 'ajv-formats'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Engine } from '../../../web/src/engine/api.ts'
import { createEngine } from '../../../web/src/engine/client.ts'
import { randomSchema } from './schemas.ts'

let engine: Engine
beforeAll(async () => {
  engine = await createEngine({ bundle: '/bundles/tiny-llama/', device: 'cpu' })
})
afterAll(() => engine?.dispose())

const PROMPTS = ['Who is Alice?', 'Describe the Queen as JSON.', 'Give me numbers', '{"', 'Say "no".']

test('500 random schemas and prompts at a high temperature: every answer is valid', async () => {
  const ajv = addFormats(new Ajv2020({ strict: false }))
  const wrong: unknown[] = []
  for (let seed = 1; seed <= 500; seed++) {
    const schema = randomSchema(seed)
    const { choices } = await engine.chat.completions.create({
      messages: [{ role: 'user', content: PROMPTS[seed % PROMPTS.length] ?? '' }],
      response_format: { type: 'json_schema', json_schema: { name: 'random', schema } },
      ...{ temperature: 3, top_p: 1, top_k: 0, seed, max_tokens: 400 },
    })
    const [{ message, finish_reason }] = choices
    const valid = finish_reason === 'stop' && ajv.validate(schema, JSON.parse(message.content))
    if (!valid) wrong.push({ seed, schema: JSON.stringify(schema), content: message.content, finish_reason })
  }
  expect(wrong).toEqual([])
})

test('a regular expression', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const { choices } = await engine.completions.create({
      prompt: 'The date is',
      response_format: { type: 'regex', pattern: '\\d{4}-\\d{2}-\\d{2}|[a-z]{3,9} \\p{Lu}' },
      ...{ temperature: 3, seed, max_tokens: 60 },
    })
    expect(choices[0].text).toMatch(/^(\d{4}-\d{2}-\d{2}|[a-z]{3,9} \p{Lu})$/u)
    expect(choices[0].finish_reason).toBe('stop')
  }
})

test('JSON of any shape; greedy too; too little room ends as "length"', async () => {
  const messages = [{ role: 'user' as const, content: 'Answer in JSON.' }]
  const format = { response_format: { type: 'json_object' as const } }
  for (const temperature of [0, 2]) {
    const { choices } = await engine.chat.completions.create({
      messages,
      ...format,
      temperature,
      seed: 1,
      max_tokens: 50,
    })
    const value: unknown = JSON.parse(choices[0].message.content)
    expect(typeof value === 'object' && value !== null && !Array.isArray(value)).toBe(true)
  }
  const schema = { type: 'object', properties: { aRatherLongName: { type: 'string' } }, required: ['aRatherLongName'] }
  const tight = await engine.chat.completions.create({
    messages,
    response_format: { type: 'json_schema', json_schema: { schema } },
    max_tokens: 4,
  })
  expect(tight.choices[0].finish_reason).toBe('length')
  expect(tight.usage.completion_tokens).toBe(4)
})
