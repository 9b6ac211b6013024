/** A page written for the browsers' built-in language model, on the engine. */
import { afterEach, describe, expect, test } from 'vitest'
import { removeStoredBundle } from '../../../web/src/engine/disk.ts'
import { createLanguageModel, type LanguageModelApi, type LanguageModelSession } from '../../../web/src/slm.ts'
import { failureOf } from './suite.ts'

const BUNDLE = '/bundles/tiny-llama/'
const SYSTEM = { role: 'system' as const, content: 'Answer in a few words.' }
const open: LanguageModelSession[] = []

function api(bundle = BUNDLE): LanguageModelApi {
  return createLanguageModel({ bundle, device: 'cpu' })
}

async function create(model = api(), options: Parameters<LanguageModelApi['create']>[0] = {}) {
  const session = await model.create({ samplingMode: 'most-predictable', ...options })
  open.push(session)
  return session
}

afterEach(() => {
  for (const session of open.splice(0)) session.destroy()
})

const schema = {
  type: 'object',
  properties: { rating: { type: 'integer', minimum: 0, maximum: 5 } },
  required: ['rating'],
}
const short = { responseConstraint: /[a-z ]{1,20}/, omitResponseConstraintInput: true }

test('availability: before the download, while it goes on, afterwards', async () => {
  await removeStoredBundle(BUNDLE)
  const model = api()
  expect(await model.availability()).toBe('downloadable')
  const making = create(model)
  expect(await model.availability()).toBe('downloading')
  await making
  expect(await model.availability()).toBe('available')
  expect(await api().availability()).toBe('available') // on disk
  expect(await api('/bundles/nothing/').availability()).toBe('unavailable')
  expect(await model.availability({ expectedInputs: [{ type: 'image' }] })).toBe('unavailable')
  expect(await model.availability({ expectedInputs: [{ type: 'text', languages: ['en'] }] })).toBe('available')
})

test('the download is told from 0 to 1, in order', async () => {
  const loaded: number[] = []
  await create(api(), {
    monitor: monitor =>
      monitor.addEventListener('downloadprogress', event => {
        if (event instanceof ProgressEvent) loaded.push(event.loaded / event.total)
      }),
  })
  expect(loaded[0]).toBe(0)
  expect(loaded.at(-1)).toBe(1)
  expect(loaded).toEqual([...loaded].sort((a, b) => a - b))
})

describe('a session', () => {
  test('answers, whole and streamed alike, and remembers', async () => {
    const model = api()
    const one = await create(model, { initialPrompts: [SYSTEM] })
    const start = one.contextUsage
    expect(start).toBeGreaterThan(0)
    const other = await one.clone()
    open.push(other)
    const whole = await one.prompt('Who is Alice?', short)
    let streamed = ''
    for await (const piece of other.promptStreaming('Who is Alice?', short)) streamed += piece
    expect(streamed).toBe(whole)
    expect(whole).toMatch(/^[a-z ]{1,20}$/)
    expect(one.contextUsage).toBeGreaterThan(start)
    expect(other.contextUsage).toBe(one.contextUsage)
    const measured = await one.measureContextUsage('And the Queen?', short)
    expect(measured).toBeGreaterThan(0)
    const before = one.contextUsage
    await one.prompt('And the Queen?', short)
    expect(one.contextUsage).toBeGreaterThan(before + measured)
  })

  test('clones go their own way', async () => {
    const one = await create()
    await one.prompt('Who is Alice?', short)
    const other = await one.clone()
    open.push(other)
    const usage = other.contextUsage
    await one.prompt('More.', short)
    expect(other.contextUsage).toBe(usage)
    one.destroy()
    expect(await other.prompt('Still there?', short)).toMatch(/^[a-z ]{1,20}$/)
  })

  test('holds answers to a schema, and tells the model of it unless it must not', async () => {
    const session = await create()
    const { rating } = JSON.parse(await session.prompt('Rate this.', { responseConstraint: schema }))
    expect([0, 1, 2, 3, 4, 5]).toContain(rating)
    const told = await session.measureContextUsage('Rate this.', { responseConstraint: schema })
    const untold = await session.measureContextUsage('Rate this.', {
      responseConstraint: schema,
      omitResponseConstraintInput: true,
    })
    expect(told).toBeGreaterThan(untold)
  })

  test('goes on behind a prefix', async () => {
    const session = await create()
    const question = { role: 'user' as const, content: 'Count.' }
    const answer = await session.prompt([question, { role: 'assistant', content: 'one, two,', prefix: true }], short)
    expect(answer).toMatch(/^[a-z ]{1,20}$/)
    const wrong = session.prompt([{ ...question, prefix: true }])
    expect(await failureOf(wrong)).toMatchObject({ name: 'SyntaxError' })
  })

  test('takes messages ahead of the question, system message included', async () => {
    const session = await create()
    await session.append([SYSTEM, { role: 'user', content: [{ type: 'text', value: 'My name is Alice.' }] }])
    expect(session.contextUsage).toBeGreaterThan(0)
    expect(await session.prompt('What is my name?', short)).toMatch(/^[a-z ]{1,20}$/)
    expect(await failureOf(session.append([SYSTEM]))).toBeInstanceOf(TypeError)
  })

  test('an aborted prompt leaves no trace, and the next one is answered', async () => {
    const session = await create()
    const stop = new AbortController()
    const reader = session.promptStreaming('Tell me a long story.', { signal: stop.signal }).getReader()
    await reader.read()
    stop.abort()
    const rest = (async () => {
      while (!(await reader.read()).done); // what had been read ahead still comes
    })()
    expect(await failureOf(rest)).toMatchObject({ name: 'AbortError' })
    expect(session.contextUsage).toBe(0)
    expect(await failureOf(session.prompt('Hi', { signal: AbortSignal.abort() }))).toMatchObject({ name: 'AbortError' })
    expect(await session.prompt('Hi', short)).toMatch(/^[a-z ]{1,20}$/)
  })

  test('destroyed: what is going on and what comes later is aborted', async () => {
    const stop = new AbortController()
    const session = await create(api(), { signal: stop.signal })
    const answer = failureOf(session.prompt('Tell me a long story.'))
    stop.abort()
    expect(await answer).toMatchObject({ name: 'AbortError' })
    expect(await failureOf(session.prompt('Hi'))).toMatchObject({ name: 'AbortError' })
    expect(await failureOf(session.clone())).toMatchObject({ name: 'AbortError' })
  })

  test('leaves out its oldest turns where the window is full, and says so; refuses what never fits', async () => {
    const session = await create(api(`/damaged/short-context/${crypto.randomUUID()}/tiny-llama/`), {
      initialPrompts: [SYSTEM],
    })
    expect(session.contextWindow).toBe(128)
    let overflows = 0
    session.addEventListener('contextoverflow', () => overflows++)
    for (let turn = 0; turn < 6; turn++) await session.prompt('Say it.', short)
    expect(overflows).toBeGreaterThan(0)
    expect(session.contextUsage).toBeLessThanOrEqual(128)
    const usage = session.contextUsage
    const error = await failureOf(session.prompt('long '.repeat(200)))
    expect(error).toMatchObject({ name: 'QuotaExceededError', quota: 128 - usage })
    expect(session.contextUsage).toBe(usage)
  })

  test.each<[string, Parameters<LanguageModelSession['prompt']>, string]>([
    ['pictures', [[{ role: 'user', content: [{ type: 'image', value: null }] }]], 'NotSupportedError'],
    ['parts of JSON Schema', ['Hi', { responseConstraint: { not: {} } }], 'NotSupportedError'],
    ['flags', ['Hi', { responseConstraint: /a/i }], 'NotSupportedError'],
    ['an omission of nothing', ['Hi', { omitResponseConstraintInput: true }], 'TypeError'],
    ['no messages', [[]], 'TypeError'],
  ])('refuses %s', async (_, [input, options], name) => {
    const session = await create()
    expect(await failureOf(session.prompt(input, options))).toMatchObject({ name })
  })
})

test('a session cannot be made of what is not there, or with tools', async () => {
  expect(await failureOf(api('/bundles/nothing/').create())).toMatchObject({ name: 'NetworkError' })
  expect(await failureOf(api().create({ tools: [{}] }))).toMatchObject({ name: 'NotSupportedError' })
  expect(await failureOf(api().create({ temperature: -1 }))).toBeInstanceOf(RangeError)
  expect(await failureOf(api().create({ signal: AbortSignal.abort() }))).toMatchObject({ name: 'AbortError' })
})
