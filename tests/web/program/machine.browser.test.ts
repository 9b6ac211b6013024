/**
 * Programs in Chromium: relaxed and plain kernels, threads, long contexts; then the engine as a page has it, whose default
 * on the CPU the kernels are, and which goes on with ONNX Runtime where they cannot.
 */
import { afterEach, describe, expect, test } from 'vitest'
import type { SimdBackend } from '../../../web/src/engine/backend-simd.ts'
import { programSelfTest } from '../../../web/src/engine/selftest-program.ts'
import { type MachineOptions, openMachine } from '../../../web/src/engine/simd/machine.ts'
import { createEngine } from '../../../web/src/slm.ts'
import type { Answer, AnswerRequest } from './answer-worker.ts'
import { openOn, programOf, readBundle, type TinyBundle, withContext } from './bundles.ts'

const bundle = (url: string) =>
  readBundle(async path => new Uint8Array(await (await fetch(`${url}${path}`)).arrayBuffer()))
const TINY = '/bundles/tiny-llama/'

let opened: SimdBackend[] = []
afterEach(async () => {
  for (const backend of opened) await backend.dispose()
  opened = []
})

async function open(tiny: TinyBundle, options: Partial<MachineOptions>): Promise<SimdBackend> {
  const backend = await openOn(tiny, needs => openMachine({ threads: 1, ...needs, ...options }))
  opened.push(backend)
  return backend
}

function answer(request: AnswerRequest): Promise<Answer> {
  const worker = new Worker(new URL('./answer-worker.ts', import.meta.url), { type: 'module' })
  return new Promise<Answer>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Answer>) => resolve(data)
    worker.onerror = ({ message }) => reject(new Error(message))
    worker.postMessage(request)
  }).finally(() => worker.terminate())
}

describe('the kernels', () => {
  test.each(['smollm2', 'gemma-3', 'mpt', 'phi-2'])(
    '%s: one, two and four threads, relaxed and plain SIMD give the same logits to the bit',
    async row => {
      const url = new URL(`/bundles/families/${row}/`, location.href).href
      const tiny = await bundle(url)
      const prompt = tiny.golden.cases[2]?.prompt_tokens ?? []
      expect(prompt.length).toBeGreaterThan(100)
      const plain = await open(tiny, {})
      const first = (await plain.prefill(prompt, 0)).slice()
      const alone = await answer({ url, threads: 1, prompt })
      expect(alone.rows[0]).toEqual(first)
      for (const threads of [2, 4]) {
        const together = await answer({ url, threads, prompt })
        expect(together.threads).toBe(threads)
        expect(together.rows).toEqual(alone.rows)
      }
    },
  )

  test('the self-test passes with what this browser runs best', async () => {
    const { manifest, variant, ...tiny } = await bundle(TINY)
    const backend = await open({ manifest, variant, ...tiny }, {})
    const result = await programSelfTest(backend, manifest, programOf(variant))
    expect(result.fault).toBeNull()
    expect(result.allowedLogitError).toBeLessThan(
      0.05 * Math.max(...manifest.reference.logits.map(({ logit }) => logit)),
    )
  })

  test.each([76, 77])('what was parked comes back to the bit, whole or its beginning (%i)', async part => {
    const backend = await open(await bundle(TINY), {})
    const prompt = Array.from({ length: 150 }, (_, index) => (7 * index) % 900)
    const straight = (await backend.prefill(prompt, 0)).slice()
    backend.truncate(149)
    const parked = await backend.parking.park()
    await backend.prefill([...prompt].reverse(), 0)
    await parked?.restore(149)
    expect((await backend.prefill(prompt.slice(149), 149)).slice()).toEqual(straight)
    await backend.prefill([...prompt].reverse(), 0)
    await parked?.restore(part)
    expect(backend.length).toBe(part)
    expect((await backend.prefill(prompt.slice(part), part)).slice()).toEqual(straight)
  })

  test('8,192 tokens of context: the cache grows, and pieces of any size give the same logits', async () => {
    const tiny = withContext(await bundle('/bundles/families/mpt/'), 8192) // ALiBi: no table of positions
    const [first, second] = [await open(tiny, {}), await open(tiny, {})]
    const text = tiny.golden.cases.flatMap(({ prompt_tokens }) => prompt_tokens)
    const prompt = Array.from({ length: 8191 }, (_, index) => text[(index * 7) % text.length] ?? 0)
    const whole = (await first.prefill(prompt, 0)).slice()
    await second.prefill(prompt.slice(0, 1000), 0)
    for (const token of prompt.slice(1000, 1030)) await second.decode(token) // over the first step of the cache
    await second.prefill(prompt.slice(1030, 4095), 1030)
    expect(await second.prefill(prompt.slice(4095), 4095)).toEqual(whole)
    expect(first.room(8191)).toBe(2)
    await first.decode(3)
    await expect(first.decode(3)).rejects.toThrow("beyond the model's context")
    first.truncate(5)
    await second.prefill(prompt.slice(0, 5), 0)
    expect(await first.decode(9)).toEqual(await second.decode(9))
  })
})

describe('the engine on the CPU', () => {
  test('runs the kernels, and ONNX Runtime where it is asked to; both pass their self-test', async () => {
    for (const backend of [undefined, 'simd', 'ort'] as const) {
      const engine = await createEngine({ bundle: TINY, device: 'cpu', threads: 2, ...(backend ? { backend } : {}) })
      expect(engine.info.backend).toMatch(backend === 'ort' ? /^ort-wasm$/ : /^simd-/)
      expect(engine.info).toMatchObject({ variant: 'cpu-int8', device: 'cpu', threads: 2, fallbacks: [] })
      expect(engine.info.selfTest.passed).toBe(true)
      const { choices } = await engine.completions.create({ prompt: 'Alice was', max_tokens: 8, temperature: 0 })
      expect(choices[0].text.length).toBeGreaterThan(0)
      await engine.dispose()
    }
  })

  test('a family without a program runs on ONNX Runtime; asked for the kernels it says why not', async () => {
    const options = { bundle: '/bundles/families/mixtral/', device: 'cpu' } as const
    const engine = await createEngine(options)
    expect(engine.info).toMatchObject({ backend: 'ort-wasm', fallbacks: [] })
    await engine.dispose()
    await expect(createEngine({ ...options, backend: 'simd' })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/has no program for the backend "simd"/),
    })
    await expect(createEngine({ ...options, device: 'webgpu', backend: 'simd' })).rejects.toMatchObject({
      message: expect.stringMatching(/computes on the CPU/),
    })
    const unknown = createEngine({ ...options, backend: 'gpu' as 'ort' })
    await expect(unknown).rejects.toMatchObject({ code: 'bad-request' })
  })

  test.each([
    { damage: 'wrong', reason: /failed its self-test on this device|cannot compute with/ },
    { damage: 'new', reason: /program\.json: steps\.0\.op: expected/ },
  ])('a $damage program: ONNX Runtime goes on, and the page is told why', async ({ damage, reason }) => {
    const bundle = `/damaged/${damage}-program/once/tiny-llama/`
    const engine = await createEngine({ bundle, device: 'cpu' })
    expect(engine.info).toMatchObject({ backend: 'ort-wasm', variant: 'cpu-int8' })
    expect(engine.info.fallbacks).toHaveLength(1)
    expect(engine.info.fallbacks[0]).toMatchObject({ from: 'cpu-int8/simd', to: 'cpu-int8' })
    expect(engine.info.fallbacks[0]?.reason).toMatch(reason)
    await engine.dispose()
    await expect(createEngine({ bundle, device: 'cpu', backend: 'simd' })).rejects.toThrow(reason)
  })
})
