/** What the microscope and the compare page rest on: exact branches of the real engine, and engines that are shared. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Engine, EngineOptions, JsonSchema } from '../../../web/src/engine/api.ts'
import { createEngine, MemoryBudget } from '../../../web/src/engine/client.ts'
import { EnginePool, type EngineWish } from '../../../web/src/state/engines.ts'
import { chatRequest, MODEL_DEFAULTS } from '../../../web/src/tasks/chat.ts'
import { branchText } from '../../../web/src/tasks/tokens.ts'
import { type TracedStep, Tracer } from '../../../web/src/tasks/trace.ts'
import { fakeEngine } from '../engine/fake.ts'
import { failureOf } from '../engine/suite.ts'

const BUNDLE = '/bundles/tiny-llama/'

describe('a branch', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await createEngine({ bundle: BUNDLE, device: 'cpu' })
  })
  afterAll(() => engine?.dispose())

  async function answer(temperature: number, begun: readonly TracedStep[] = []) {
    const settings = { ...MODEL_DEFAULTS, temperature, seed: 5, max_tokens: 16 }
    const tracer = new Tracer(begun)
    let text = ''
    const extras = { logprobs: true, top_logprobs: 5, prefix_tokens: begun.map(({ id }) => id) }
    const said = [{ role: 'user' as const, content: 'Who is Alice?' }]
    const { signal } = new AbortController()
    for await (const chunk of engine.chat.completions.create(chatRequest(said, settings, signal, extras))) {
      tracer.take(chunk.choices[0].logprobs)
      text += chunk.choices[0].delta.content ?? ''
    }
    return { text, steps: tracer.steps }
  }
  const ids = (steps: readonly TracedStep[]) => steps.map(({ id }) => id)

  test.each([0, 1])('behind its own tokens an answer goes on as it did, temperature %d', async temperature => {
    const whole = await answer(temperature)
    expect(whole.steps.length).toBeGreaterThan(8)
    for (const at of [1, 5, whole.steps.length - 1]) {
      const again = await answer(temperature, whole.steps.slice(0, at))
      expect(ids(again.steps)).toEqual(ids(whole.steps))
      const { cachedTokens = 0, promptTokens = 0 } = engine.stats() ?? {}
      expect([cachedTokens > 0, cachedTokens <= promptTokens]).toEqual([true, true])
      expect(branchText(whole.steps, at - 1, whole.steps[at - 1] as TracedStep, whole.text) + again.text).toBe(
        whole.text,
      )
    }
  })

  test('goes on from another token, and its text is what the tokens spell', async () => {
    const whole = await answer(0)
    const at = 3
    const { top = [] } = whole.steps[at] ?? {}
    const other = top[1]
    if (!other) throw new Error('There is no second token.')
    const branch = await answer(0, [...whole.steps.slice(0, at), { ...other, top }])
    expect(ids(branch.steps).slice(0, at + 1)).toEqual([...ids(whole.steps).slice(0, at), other.id])
    const begun = branchText(whole.steps, at, other, whole.text)
    const spelled = new TextDecoder().decode(Uint8Array.from(branch.steps.flatMap(({ bytes }) => bytes)))
    expect((begun + branch.text).trim()).toBe(spelled.replaceAll('\uFFFD', '').trim())
  })

  test('from a token that the model does not have is refused', async () => {
    const said = [{ role: 'user' as const, content: 'Hi' }]
    for (const prefix_tokens of [[1e6], [-1], [1.5]])
      expect(await failureOf(engine.chat.completions.create({ messages: said, prefix_tokens }))).toMatchObject({
        code: 'bad-request',
        message: expect.stringContaining('prefix_tokens'),
      })
  })

  // It was called a fault of the engine, and what was in the cache was lost.
  test('from tokens that the wanted form does not have is refused', async () => {
    const [first, second] = (await answer(0)).steps
    if (!first || !second) throw new Error('There are no two tokens.')
    const said = [{ role: 'user' as const, content: 'Hi' }]
    const request = { messages: said, prefix_tokens: [first.id, second.id] }
    const response_format = { type: 'regex' as const, pattern: '\\d+' }
    expect(await failureOf(engine.chat.completions.create({ ...request, response_format }))).toMatchObject({
      code: 'bad-request',
      message: expect.stringContaining('prefix_tokens[0]'),
    })
  })

  test('a shape that cannot be held to is refused before anything is sent', async () => {
    const json = (schema: JsonSchema) => ({
      response_format: { type: 'json_schema' as const, json_schema: { schema } },
    })
    expect((await engine.countTokens('x', json({ type: 'object', properties: {} }))).tokens).toBeGreaterThan(0)
    const refused = await failureOf(engine.countTokens('x', json({ type: 'object', dependentSchemas: {} })))
    expect(refused).toMatchObject({ message: expect.stringContaining('dependentSchemas') })
  })
})

describe('engines that are shared', () => {
  function poolOf(lent?: { engine: Engine; bundle: string }) {
    const made: { options: EngineOptions; open: () => void; fail: (error: Error) => void; disposed: () => boolean }[] =
      []
    const make = (options: EngineOptions) =>
      new Promise<Engine>((resolve, reject) => {
        let gone = false
        const dispose = async () => {
          gone = true
        }
        const engine = { ...fakeEngine(), dispose }
        options.signal?.addEventListener('abort', () => reject(new DOMException('Stopped.', 'AbortError')))
        made.push({ options, open: () => resolve(engine), fail: reject, disposed: () => gone })
      })
    const pool = new EnginePool(make, { memory: new MemoryBudget(1e9), lent: () => lent ?? null })
    return { pool, made }
  }
  const wish = (variant?: string): EngineWish => ({ bundle: '/models/fake/', ...(variant ? { variant } : {}) })

  test('one for each way to run a bundle, kept until nobody uses it and it is trimmed', async () => {
    const { pool, made } = poolOf()
    const both = Promise.all([pool.acquire(wish()), pool.acquire({ ...wish(), device: 'auto' })])
    const other = pool.acquire(wish('other'))
    expect(made).toHaveLength(2)
    for (const { open } of made) open()
    const [first, second] = await both
    expect(second).toBe(first)
    expect(await other).not.toBe(first)
    pool.release(first)
    await pool.trim()
    expect(made.map(({ disposed }) => disposed())).toEqual([false, false])
    pool.release(second)
    await Promise.resolve()
    await pool.trim()
    expect(made.map(({ disposed }) => disposed())).toEqual([true, false])
  })

  test('who stops waiting does not stop it for others; the last one does', async () => {
    const { pool, made } = poolOf()
    const [one, two] = [new AbortController(), new AbortController()]
    const first = failureOf(pool.acquire(wish(), { signal: one.signal }))
    const second = failureOf(pool.acquire(wish(), { signal: two.signal }))
    one.abort()
    expect(made[0]?.options.signal?.aborted).toBe(false)
    two.abort()
    expect(made[0]?.options.signal?.aborted).toBe(true)
    for (const failure of [await first, await second]) expect(failure).toMatchObject({ name: 'AbortError' })
  })

  // It was given the load that had just been ended, and the end of that one took the new one out of the pool.
  test('who asks in the moment in which the last one leaves gets a load of its own', async () => {
    const { pool, made } = poolOf()
    const left = new AbortController()
    const first = failureOf(pool.acquire(wish(), { signal: left.signal }))
    left.abort()
    const second = pool.acquire(wish())
    expect(made).toHaveLength(2)
    expect(await first).toMatchObject({ name: 'AbortError' })
    made[1]?.open()
    const engine = await second
    expect(await pool.acquire(wish())).toBe(engine)
    expect(made).toHaveLength(2)
  })

  test('a load that failed is tried again by the next who asks', async () => {
    const { pool, made } = poolOf()
    const failed = failureOf(pool.acquire(wish()))
    made[0]?.fail(new Error('no room'))
    expect(await failed).toMatchObject({ message: 'no room' })
    const again = pool.acquire(wish())
    made[1]?.open()
    expect((await again).info.bundle.id).toBe('fake')
  })

  test('the page’s own engine does where it would be the same', async () => {
    const engine = fakeEngine()
    const { pool, made } = poolOf({ engine, bundle: './models/fake/' })
    const bundle = new URL('./models/fake/', document.baseURI).href
    expect(await pool.acquire({ bundle, device: 'cpu', variant: 'fake' })).toBe(engine)
    void failureOf(pool.acquire({ bundle, device: 'webgpu' }))
    void failureOf(pool.acquire({ bundle, backend: 'ort' }))
    expect(made).toHaveLength(2)
  })
})
