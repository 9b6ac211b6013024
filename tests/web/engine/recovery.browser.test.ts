/** What ends under an answer does not end the answer: workers, runs of the model, GPUs. And models that share memory. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CompletionRequest, Engine } from '../../../web/src/engine/api.ts'
import { createEngine } from '../../../web/src/engine/client.ts'
import { MemoryBudget } from '../../../web/src/engine/memory.ts'
import type { Fault } from './faulty-backend.ts'
import type { GpuFault } from './hardware-gpu.ts'
import { BUNDLE, faultyWorkers, OPTIONS, textOf, waitsAfter, workers } from './loop.ts'
import { failureOf } from './suite.ts'

describe('when a worker ends', () => {
  const request: CompletionRequest = { prompt: 'The White Rabbit put on', temperature: 0.9, seed: 3, max_tokens: 400 }

  test('in the middle of an answer, another goes on with it: the same text, once, and the next job runs', async () => {
    const { made, make, tell } = faultyWorkers()
    const engine = await createEngine(OPTIONS, make)
    const undisturbed = await textOf(engine, request)
    const pieces: string[] = []
    tell(waitsAfter(40))
    for await (const { choices } of engine.completions.create({ ...request, stream: true })) {
      pieces.push(choices[0].text)
      if (pieces.length === 10) made.at(-1)?.terminate() // raises no event: only its lock tells
    }
    expect(pieces.join('')).toBe(undisturbed)
    expect(made.length).toBe(2)
    expect(engine.stats()).toMatchObject({ recoveries: 1, outputTokens: 400 })
    expect(await textOf(engine, request)).toBe(undisturbed)
    expect(made.length).toBe(2)
    await engine.dispose()
  })

  test('and the next one too, the answer fails with a reason, every open call settles, and a retry works', async () => {
    const { made, make: another } = faultyWorkers()
    const make = () => {
      const worker = another()
      if (made.length <= 2) worker.postMessage(waitsAfter(60)) // behind the self-test's steps
      return worker
    }
    const engine = await createEngine(OPTIONS, make)
    const reading = (async () => {
      for await (const _ of engine.completions.create({ ...request, stream: true })) made.at(-1)?.terminate()
    })()
    const waiting = textOf(engine, request)
    const error = await failureOf(reading)
    expect(error).toMatchObject({ name: 'EngineError', code: 'internal' })
    expect(String(error)).toMatch(/stopped unexpectedly/)
    const settled = await Promise.allSettled([waiting])
    expect(settled.length).toBe(1)
    expect((await textOf(engine, request)).length).toBeGreaterThan(0)
    await engine.dispose()
  })

  test('an encoder-decoder’s answer goes on too: its prompt is read again, what it had written is written again', async () => {
    const { made, make, tell } = faultyWorkers()
    const engine = await createEngine({ bundle: '/bundles/transformers/tiny-t5/', device: 'cpu', threads: 1 }, make)
    const question: CompletionRequest = { prompt: 'translate English to German: The house is small.', max_tokens: 120 }
    const drawn = { ...question, temperature: 2, seed: 4 }
    const undisturbed = await textOf(engine, drawn)
    expect(engine.stats()?.outputTokens).toBeGreaterThan(60)
    let pieces = 0
    let text = ''
    tell(waitsAfter(30))
    for await (const { choices } of engine.completions.create({ ...drawn, stream: true })) {
      text += choices[0].text
      if (++pieces === 5) made.at(-1)?.terminate()
    }
    expect(text).toBe(undisturbed)
    expect(engine.stats()?.recoveries).toBe(1)
    await engine.dispose()
  })

  test('while nobody asks anything, the next question starts another', async () => {
    const { made, make } = workers()
    const engine = await createEngine(OPTIONS, make)
    const undisturbed = await textOf(engine, request)
    made.at(-1)?.terminate()
    expect(await textOf(engine, request)).toBe(undisturbed)
    expect(made.length).toBe(2)
    await engine.dispose()
  })
})

describe('when a run of the model fails', () => {
  let engine: Engine
  const { made, make, tell } = faultyWorkers()
  const request: CompletionRequest = { prompt: 'Down, down, down. Would the fall', temperature: 0, max_tokens: 30 }
  let undisturbed = ''
  beforeAll(async () => {
    engine = await createEngine(OPTIONS, make)
    undisturbed = await textOf(engine, request)
  })
  afterAll(() => engine?.dispose())

  /** Makes the model fail in the middle of an answer. */
  const disturbed = (kind: Fault['kind']) => {
    tell({ fault: { kind, step: 'decode', after: 12 } })
    return textOf(engine, request)
  }

  test('the job ends with the reason, and the next one builds on nothing wrong', async () => {
    await failureOf(engine.completions.create({ prompt: '', max_tokens: 3 })) // refused: costs the cache nothing
    await textOf(engine, request)
    expect(engine.stats()?.cachedTokens).toBe((engine.stats()?.promptTokens ?? 0) - 1)
    const error = await failureOf(disturbed('error'))
    expect(error).toMatchObject({ name: 'EngineError', code: 'internal' })
    expect(String(error)).toMatch(/a run failed/)
    expect(await textOf(engine, request)).toBe(undisturbed)
    expect(made.length).toBe(1) // the worker is sound
  })

  test('a runtime that is gone is replaced, and the answer goes on', async () => {
    expect(await disturbed('trap')).toBe(undisturbed)
    expect(engine.stats()?.recoveries).toBe(1)
    expect(made.length).toBe(2)
  })

  test('a runtime whose memory is full is replaced by one that has its own back, and the answer goes on', async () => {
    expect(await disturbed('no-memory')).toBe(undisturbed)
    expect(engine.stats()?.recoveries).toBe(1)
    expect(made.length).toBe(3)
  })

  test('a text that memory does not suffice for is refused, and the worker stays', async () => {
    expect(await failureOf(disturbed('refusal'))).toMatchObject({ code: 'out-of-memory' })
    expect(await textOf(engine, request)).toBe(undisturbed)
    expect(made.length).toBe(3)
  })

  test('a machine that slept: the answer goes on where it stopped, what waited is answered, figures stay sound', async () => {
    const [text, other] = await Promise.all([disturbed('sleep'), textOf(engine, { ...request, max_tokens: 2 })])
    expect(text).toBe(undisturbed)
    expect(undisturbed.startsWith(other)).toBe(true)
    expect(await textOf(engine, request)).toBe(undisturbed)
    const stats = engine.stats()
    expect(stats).toMatchObject({ recoveries: 0, outputTokens: 30 })
    for (const figure of [stats?.prefillMs, stats?.decodeMs, stats?.timeToFirstTokenMs, stats?.tokensPerSecond])
      expect(figure).toBeGreaterThanOrEqual(0)
    expect(stats?.decodeMs).toBeLessThan(3_600_000)
    expect(made.length).toBe(3)
  })
})

describe('on a GPU', () => {
  let engine: Engine
  let worker: Worker | null = null
  beforeAll(async () => {
    const make = () => {
      worker = new Worker(new URL('./hardware-worker.ts', import.meta.url), { type: 'module' })
      return worker
    }
    engine = await createEngine({ bundle: BUNDLE, device: 'webgpu', variant: 'webgpu-q4f32' }, make)
  })
  afterAll(() => engine?.dispose())

  test.each<Partial<CompletionRequest>>([
    { temperature: 0 },
    { temperature: 0.7, top_p: 0.9, seed: 2 },
    { temperature: 1, min_p: 0.05, repetition_penalty: 1.2, seed: 3 },
    { temperature: 1.2, top_k: 20, presence_penalty: 0.5, speculate: 'copy', seed: 4 },
  ])('the likeliest tokens alone give the text of all logits: %j', async settings => {
    const request: CompletionRequest = { prompt: 'The Queen said', ...settings, max_tokens: 6 }
    const text = await textOf(engine, request)
    // A bias upwards, too small to change a number, makes the sampler ask for every logit.
    expect(await textOf(engine, { ...request, logit_bias: { 5: 1e-12 } })).toBe(text)
  })

  test('that goes away in the middle of an answer: a new worker goes on with it', async () => {
    const request: CompletionRequest = { prompt: 'Alice was', temperature: 0, max_tokens: 8 }
    const gpu: GpuFault = { kind: 'lost', after: 4 }
    worker?.postMessage({ gpu })
    let text = ''
    for await (const { choices } of engine.completions.create({ ...request, stream: true })) text += choices[0].text
    expect(engine.stats()).toMatchObject({ recoveries: 1, outputTokens: 8 })
    expect(await textOf(engine, request)).toBe(text)
  })
})

test('dispose ends the worker, and with it all that it held', async () => {
  const lockNames = async () => (await navigator.locks.query()).held?.flatMap(({ name }) => name ?? []) ?? []
  const before = await lockNames()
  const engine = await createEngine(OPTIONS)
  const [lock, ...others] = (await lockNames()).filter(name => !before.includes(name))
  expect(lock).toMatch(/^slm-engine-/)
  expect(others).toEqual([])
  await engine.dispose()
  await navigator.locks.request(lock ?? '', () => {}) // granted when the worker that held it is gone
})

describe('two models within a budget of memory', () => {
  test('the one used longest ago is unloaded, and loaded again when it is used', async () => {
    const memory = new MemoryBudget(60 * 2 ** 20)
    const { made, make } = workers()
    const one = await createEngine({ ...OPTIONS, memory }, make)
    const taken = memory.usedBytes
    expect(taken).toBeGreaterThan(0)
    const tight = new MemoryBudget(1.5 * taken)
    await one.dispose()
    expect(memory.usedBytes).toBe(0)
    const [first, second] = [
      await createEngine({ ...OPTIONS, memory: tight }, make),
      await createEngine({ ...OPTIONS, memory: tight }, make),
    ]
    expect(made.length).toBe(3)
    expect(tight.usedBytes).toBe(taken)
    const request: CompletionRequest = { prompt: 'Alice', temperature: 0, max_tokens: 24 }
    const text = await textOf(second, request)
    expect(made.length).toBe(3)
    expect(await textOf(first, request)).toBe(text) // loaded again, and the other unloaded
    expect(made.length).toBe(4)
    expect(await textOf(second, request)).toBe(text)
    expect(made.length).toBe(5)
    await Promise.all([first.dispose(), second.dispose()])
  })

  // Both were loaded beyond the budget: one that loads has no worker yet that could be unloaded, and was taken for unloaded.
  test('of two that load at once the second waits for the first, where both do not fit', async () => {
    const { made, make } = workers()
    const wide = new MemoryBudget(60 * 2 ** 20)
    const alone = await createEngine({ ...OPTIONS, memory: wide }, make)
    const taken = wide.usedBytes
    const tight = new MemoryBudget(1.5 * taken)
    await alone.dispose()
    const options = { ...OPTIONS, memory: tight }
    const [first, second] = await Promise.all([createEngine(options, make), createEngine(options, make)])
    expect(tight.usedBytes, 'one is loaded, whichever knew first how much it needs').toBe(taken)
    const request: CompletionRequest = { prompt: 'Alice', temperature: 0, max_tokens: 24 }
    const text = await textOf(second, request)
    const before = made.length
    expect(await textOf(first, request)).toBe(text)
    expect(made.length, 'the first had to make room').toBe(before + 1)
    expect(tight.usedBytes).toBe(taken)
    await Promise.all([first.dispose(), second.dispose()])
    expect(tight.usedBytes).toBe(0)
  })

  test('a model that does not fit is refused before it is downloaded', async () => {
    const error = await failureOf(createEngine({ ...OPTIONS, memory: new MemoryBudget(1000) }))
    expect(error).toMatchObject({ code: 'out-of-memory' })
    expect(String(error)).toMatch(/of the budget are free.*smaller model/)
  })
})
