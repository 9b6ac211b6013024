/** The official client library, given a `fetch` that ends in the engine: what works against OpenAI works here. */

import { Ajv2020 } from 'ajv/dist/2020'
import OpenAI, { APIError, APIUserAbortError, BadRequestError, NotFoundError } from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Engine } from '../../../web/src/engine/api.ts'
import { createEngine } from '../../../web/src/engine/client.ts'
import { createOpenAIFetch } from '../../../web/src/engine/openai-fetch.ts'
import { collect, failureOf } from './suite.ts'

const messages = [{ role: 'user' as const, content: 'Who is Alice?' }]
const seeded = { seed: 11, temperature: 1, max_tokens: 12 }

async function clientOf(bundle: string): Promise<{ engine: Engine; client: OpenAI; model: string }> {
  const engine = await createEngine({ bundle, device: 'cpu' })
  const options = { apiKey: 'none', baseURL: 'http://engine.invalid/v1', dangerouslyAllowBrowser: true }
  return { engine, client: new OpenAI({ ...options, fetch: createOpenAIFetch(engine) }), model: engine.info.bundle.id }
}

const schema = {
  type: 'object',
  properties: {
    name: { type: 'string', maxLength: 12 },
    age: { type: 'integer', minimum: 0, maximum: 120 },
    mood: { enum: ['merry', 'sad'] },
  },
  required: ['name', 'age', 'mood'],
  additionalProperties: false,
}
const weather = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    description: 'The weather of a place.',
    parameters: {
      type: 'object',
      properties: { place: { type: 'string', maxLength: 10 }, days: { type: 'integer', minimum: 1, maximum: 7 } },
      required: ['place', 'days'],
    },
  },
}
const validWeather = new Ajv2020().compile(weather.function.parameters)

describe('chat and completions', () => {
  let engine: Engine
  let client: OpenAI
  let model: string
  beforeAll(async () => {
    ;({ engine, client, model } = await clientOf('/bundles/tiny-llama/'))
  })
  afterAll(() => engine?.dispose())

  test('chat, whole', async () => {
    const answer = await client.chat.completions.create({ model, messages, ...seeded, n: 1 })
    const own = await engine.chat.completions.create({ messages, ...seeded })
    expect(answer.choices[0]?.message).toEqual({
      role: 'assistant',
      content: own.choices[0].message.content,
      refusal: null,
    })
    expect(answer.choices[0]?.finish_reason).toBe('length')
    expect(answer.usage).toMatchObject({ completion_tokens: 12, prompt_tokens: own.usage.prompt_tokens })
    expect(answer).toMatchObject({ object: 'chat.completion', model })
  })

  test('chat, streamed: the same text, the usage in a last chunk of its own', async () => {
    const whole = await client.chat.completions.create({ model, messages, ...seeded })
    const options = { stream: true, stream_options: { include_usage: true } } as const
    const chunks = await collect(await client.chat.completions.create({ model, messages, ...seeded, ...options }))
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(
      whole.choices[0]?.message.content,
    )
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 12 } })
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true)
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('length')
    const plain = await collect(await client.chat.completions.create({ model, messages, ...seeded, stream: true }))
    expect(plain.every(({ usage }) => usage === undefined)).toBe(true)
  })

  test("the library's own reader of streams puts the same answer together", async () => {
    const stream = client.chat.completions.stream({ model, messages, ...seeded })
    const final = await stream.finalChatCompletion()
    const whole = await client.chat.completions.create({ model, messages, ...seeded })
    expect(final.choices[0]?.message.content).toBe(whole.choices[0]?.message.content)
  })

  test('log probabilities', async () => {
    const answer = await client.chat.completions.create({ model, messages, ...seeded, logprobs: true, top_logprobs: 3 })
    const content = answer.choices[0]?.logprobs?.content ?? []
    expect(content).toHaveLength(12)
    for (const token of content) {
      expect(token.logprob).toBeLessThanOrEqual(0)
      expect(token.top_logprobs).toHaveLength(3)
      expect(token.top_logprobs[0]?.logprob).toBeGreaterThanOrEqual(token.logprob)
    }
    const bytes = content.flatMap(({ bytes }) => bytes ?? [])
    expect(new TextDecoder().decode(Uint8Array.from(bytes)).replaceAll('\uFFFD', '')).toBe(
      answer.choices[0]?.message.content,
    )
  })

  test('stop strings', async () => {
    const full =
      (await client.chat.completions.create({ model, messages, ...seeded })).choices[0]?.message.content ?? ''
    const stop = full.slice(4, 7)
    const cut = await client.chat.completions.create({ model, messages, ...seeded, stop: [stop] })
    expect(cut.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { content: full.slice(0, full.indexOf(stop)) },
    })
  })

  test('raw completions, whole and streamed, with log probabilities', async () => {
    const prompt = 'Once upon a time'
    const whole = await client.completions.create({ model, prompt, ...seeded, logprobs: 2 })
    expect(whole.choices[0]?.logprobs?.tokens).toHaveLength(12)
    expect(whole.choices[0]?.logprobs?.text_offset?.[0]).toBe(0)
    const chunks = await collect(await client.completions.create({ model, prompt, ...seeded, stream: true }))
    expect(chunks.map(({ choices }) => choices[0]?.text ?? '').join('')).toBe(whole.choices[0]?.text)
  })

  test('JSON that satisfies a schema, also through the library’s parser', async () => {
    const format = { type: 'json_schema', json_schema: { name: 'person', schema, strict: true } } as const
    const request = { model, messages, temperature: 2, max_tokens: 200, response_format: format }
    const validate = new Ajv2020().compile(schema)
    for (const seed of [1, 2, 3]) {
      const answer = await client.chat.completions.parse({ ...request, seed })
      expect(validate(answer.choices[0]?.message.parsed), answer.choices[0]?.message.content ?? '').toBe(true)
      expect(answer.choices[0]?.finish_reason).toBe('stop')
    }
  })

  test('the models that there are: one', async () => {
    expect((await collect(client.models.list())).map(({ id }) => id)).toEqual([model])
    expect((await client.models.retrieve(model)).id).toBe(model)
    expect(await failureOf(client.models.retrieve('gpt-4o'))).toBeInstanceOf(NotFoundError)
  })

  test.each<[string, string, object]>([
    ['a wrong value', 'temperature', { temperature: -1 }],
    ['several answers', 'n', { n: 2 }],
    ['what nobody knows', 'frequency', { frequency: 1 }],
    ['what only others support', 'reasoning_effort', { reasoning_effort: 'low' }],
    ['another model', 'model', { model: 'gpt-4o' }],
    ['pictures', 'messages[0].content[0].type', { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }],
    ['tools without a place for them', 'tools', { tools: [weather] }],
    ['an unknown format', 'response_format.type', { response_format: { type: 'grammar' } }],
    [
      'a part of JSON Schema',
      'response_format.json_schema.schema.properties.a.not',
      { response_format: { type: 'json_schema', json_schema: { schema: { properties: { a: { not: {} } } } } } },
    ],
  ])('refuses %s, naming %s', async (_, param, over) => {
    for (const stream of [false, true]) {
      const error = await failureOf(client.chat.completions.create({ model, messages, ...seeded, ...over, stream }))
      expect(error).toBeInstanceOf(BadRequestError)
      expect(error).toMatchObject({ status: 400, type: 'invalid_request_error', param })
    }
  })

  test('an endpoint that there is not', async () => {
    expect(await failureOf(client.moderations.create({ input: 'Hi' }))).toMatchObject({ status: 404 })
    expect(await failureOf(client.embeddings.create({ model, input: 'Hi' }))).toMatchObject({
      status: 400,
      code: 'unsupported',
    })
  })

  test('an abort, before the first text and in the middle of a stream', async () => {
    const stop = new AbortController()
    const early = client.chat.completions.create({ model, messages, max_tokens: 900 }, { signal: stop.signal })
    stop.abort()
    expect(await failureOf(early)).toBeInstanceOf(APIUserAbortError)
    const stream = await client.chat.completions.create({ model, messages, max_tokens: 900, seed: 1, stream: true })
    let seen = 0
    for await (const _ of stream) if (++seen === 3) break
    expect((await client.chat.completions.create({ model, messages, ...seeded })).usage?.completion_tokens).toBe(12)
    expect(engine.stats()?.outputTokens).toBe(12)
  })

  test('what goes wrong in the engine has a status of its own', async () => {
    const { engine: gone, client: lost, model } = await clientOf('/bundles/tiny-llama/')
    await gone.dispose()
    expect(await failureOf(lost.chat.completions.create({ model, messages }))).toBeInstanceOf(APIError)
  })
})

describe.each(['hermes', 'llama3'])('tools as %s writes them', format => {
  let engine: Engine
  let client: OpenAI
  let model: string
  beforeAll(async () => {
    const anew = crypto.randomUUID()
    ;({ engine, client, model } = await clientOf(`/damaged/template-${format}/${anew}/tiny-llama/`))
  })
  afterAll(() => engine?.dispose())
  const request = () => ({ model, messages, temperature: 2, max_tokens: 200, tools: [weather] })

  test('a call that is asked for comes, with arguments that satisfy the schema', async () => {
    expect(engine.info.toolFormat).toBe(format)
    const answer = await client.chat.completions.create({ ...request(), seed: 5, tool_choice: 'required' })
    const [choice] = answer.choices
    expect(choice?.finish_reason).toBe('tool_calls')
    expect(choice?.message.content).toBe(null)
    const calls = choice?.message.tool_calls ?? []
    expect(calls.length).toBeGreaterThan(0)
    for (const call of calls) {
      if (call.type !== 'function') throw new Error('no function')
      expect(call.id).toMatch(/^call-/)
      expect(call.function.name).toBe('get_weather')
      expect(validWeather(JSON.parse(call.function.arguments))).toBe(true)
    }
  })

  test('streamed, the pieces make the same call; a second round takes its result', async () => {
    const choice = { type: 'function', function: { name: 'get_weather' } } as const
    const over = { seed: 6, tool_choice: choice, parallel_tool_calls: false }
    const whole = await client.chat.completions.create({ ...request(), ...over })
    const [call] = whole.choices[0]?.message.tool_calls ?? []
    if (call?.type !== 'function') throw new Error('no function')
    const stream = client.chat.completions.stream({ ...request(), ...over })
    const [streamed] = (await stream.finalChatCompletion()).choices[0]?.message.tool_calls ?? []
    expect(streamed).toMatchObject({ type: 'function', function: call.function })
    const result = { role: 'tool', tool_call_id: call.id, content: '{"sky": "blue"}' } as const
    const said = whole.choices[0]?.message
    if (!said) throw new Error('no answer')
    const next = await client.chat.completions.create({
      ...request(),
      messages: [...messages, said, result],
      max_tokens: 8,
      tool_choice: 'none',
    })
    expect(next.choices[0]?.message.tool_calls).toBeUndefined()
    expect(next.usage?.completion_tokens).toBeGreaterThan(0)
  })

  test('what tools take of the prompt is told before it is sent', async () => {
    const bare = await engine.countTokens(messages)
    const { tokens } = await engine.countTokens(messages, { tools: [weather] })
    expect(tokens).toBeGreaterThan(bare.tokens)
    const answer = await client.chat.completions.create({ ...request(), max_tokens: 1 })
    expect(answer.usage?.prompt_tokens).toBe(tokens)
    expect((await engine.countTokens(messages, { tools: [weather], tool_choice: 'none' })).tokens).toBe(bare.tokens)
  })

  test.each<[string, object]>([
    ['tools[0].type', { tools: [{ type: 'retrieval' }] }],
    ['tools[0].function.name', { tools: [{ type: 'function', function: { name: 'two words' } }] }],
    [
      'tools[0].function.parameters.type',
      { tools: [{ type: 'function', function: { name: 'a', parameters: { type: 'string' } } }] },
    ],
    ['tool_choice', { tool_choice: { type: 'function', function: { name: 'nobody' } } }],
    ['messages[1].tool_call_id', { messages: [...messages, { role: 'tool', content: '7' }] }],
  ])('a wrong %s is refused', async (param, over) => {
    const error = await failureOf(client.chat.completions.create({ ...request(), ...over }))
    expect(error).toMatchObject({ status: 400, param })
  })

  test('tools beside a wanted format: a call, or an answer of that form', async () => {
    const numbers = { type: 'array', items: { type: 'integer' }, maxItems: 3 }
    const format = { response_format: { type: 'json_schema' as const, json_schema: { name: 'n', schema: numbers } } }
    const validate = new Ajv2020().compile(numbers)
    const kinds = new Set<string>()
    for (let seed = 1; seed <= 16; seed++) {
      const { choices } = await client.chat.completions.create({ ...request(), ...format, temperature: 3, seed })
      const [choice] = choices
      kinds.add(choice?.finish_reason ?? '')
      if (choice?.finish_reason === 'stop') expect(validate(JSON.parse(choice.message.content ?? ''))).toBe(true)
      else
        for (const call of choice?.message.tool_calls ?? [])
          if (call.type === 'function') expect(validWeather(JSON.parse(call.function.arguments))).toBe(true)
    }
    expect([...kinds].sort()).toEqual(['stop', 'tool_calls'])
  })

  test('where the model decides, strict tools leave it text or a whole call', async () => {
    const strict = { ...weather, function: { ...weather.function, strict: true } }
    const answer = await client.chat.completions.create({ ...request(), tools: [strict], seed: 7, max_tokens: 40 })
    expect(answer.choices[0]?.message.content ?? '').not.toContain('<tool_call>')
    for (const call of answer.choices[0]?.message.tool_calls ?? []) {
      if (call.type === 'function') expect(validWeather(JSON.parse(call.function.arguments))).toBe(true)
    }
  })
})
