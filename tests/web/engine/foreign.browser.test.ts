/** Models that others exported (tests/fixtures/make_foreign.py): no manifest, position_ids, a cache that the graph joins. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../../../web/src/engine/backend.ts'
import { MergedBackend } from '../../../web/src/engine/backend-merged.ts'
import { PlainBackend } from '../../../web/src/engine/backend-plain.ts'
import { createEngine } from '../../../web/src/engine/client.ts'
import { findGpu, thisBrowser } from '../../../web/src/engine/device.ts'
import { describeBundle } from '../../../web/src/engine/foreign.ts'
import { type Flavour, loadRuntime } from '../../../web/src/engine/session.ts'
import { greedy } from './greedy.ts'
import { failureOf } from './suite.ts'

const LLAMA = '/bundles/foreign/tiny-llama/'
const BERT = '/bundles/foreign/tiny-bert/'
const T5 = '/bundles/foreign/tiny-t5/'
const json = async (path: string) => (await fetch(path)).json() // our own script's files
const golden: { prompt_tokens: number[]; logits: number[]; tokens: number[] } = await json(`${LLAMA}golden.json`)
const sentence: { text: string; vector: number[] } = await json(`${BERT}golden.json`)

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((most, value, index) => Math.max(most, Math.abs(value - (b[index] ?? Number.NaN))), 0)
}

/** Of logits up to 5: float32 in another order of sums, on a GPU of another make; float16. */
describe.each<{ graph: string; flavour: Flavour; tolerance: number }>([
  { graph: 'model.onnx', flavour: 'wasm', tolerance: 1e-3 },
  { graph: 'model_fp16.onnx', flavour: 'wasm', tolerance: 0.3 },
  { graph: 'model.onnx', flavour: 'jspi', tolerance: 3e-3 },
])('$graph over $flavour', ({ graph, flavour, tolerance }) => {
  let backend: Backend
  let device: GPUDevice | null = null
  beforeAll(async () => {
    if (flavour !== 'wasm') device = (await findGpu(thisBrowser(), { allowSoftware: true })).gpu?.device ?? null
    const runtime = await loadRuntime({ flavour, threads: 1, device })
    const file = await fetch(`${LLAMA}onnx/${graph}`)
    const files = { graph: new Uint8Array(await file.arrayBuffer()), externalData: [] }
    const session = await runtime.create(files, true)
    expect(session.captures).toBe(false) // its shapes are computed on the CPU: made all the same, and not recorded
    backend = new PlainBackend({ name: graph, session, device, vocabularySize: 1024, contextLength: 1024 })
  })
  afterAll(async () => {
    await backend?.dispose()
    device?.destroy()
  })
  const prompt = golden.prompt_tokens

  test('gives PyTorch’s logits, at once and in pieces', async () => {
    expect(largestDifference(await backend.prefill(prompt, 0), golden.logits)).toBeLessThan(tolerance)
    await backend.prefill(prompt.slice(0, 7), 0)
    await backend.prefill(prompt.slice(7, 100), 7)
    const pieces = await backend.prefill(prompt.slice(100), 100)
    expect(largestDifference(pieces, golden.logits)).toBeLessThan(tolerance)
    expect(backend.length).toBe(prompt.length)
  })

  test('going back and on again gives what never going astray gives', async () => {
    const straight = await backend.prefill(prompt, 0)
    for (const stray of [5, 6, 7]) await backend.decode(stray)
    backend.truncate(100)
    expect(largestDifference(await backend.prefill(prompt.slice(100), 100), straight)).toBeLessThan(tolerance)
    backend.truncate(140)
    backend.truncate(3)
    expect(largestDifference(await backend.prefill(prompt.slice(3), 3), straight)).toBeLessThan(tolerance)
    backend.truncate(0)
    expect(largestDifference(await backend.prefill(prompt, 0), straight)).toBeLessThan(tolerance)
  })

  test('a cache that outgrows its buffers keeps what it holds; verifying is decoding', async () => {
    const long = Array.from({ length: 270 }, (_, index) => prompt[index % prompt.length] ?? 0)
    const whole = await backend.prefill(long, 0)
    await backend.prefill(long.slice(0, 250), 0)
    for (const token of long.slice(250, 268)) await backend.decode(token)
    const rows = await backend.verify(long.slice(268))
    expect(rows.length).toBe(2)
    expect(largestDifference(rows[1] ?? [], whole)).toBeLessThan(tolerance)
    backend.truncate(268)
    expect(largestDifference(await backend.decode(long[268] ?? 0), rows[0] ?? [])).toBeLessThan(tolerance)
  })

  test.runIf(tolerance < 0.1)('gives PyTorch’s greedy tokens', async () => {
    expect(golden.tokens.length).toBeGreaterThan(3)
    expect(await greedy(backend, prompt, golden.tokens.length)).toEqual(golden.tokens)
  })

  test('refuses what is beyond its context', async () => {
    expect(() => backend.truncate(5000)).toThrow(/Cannot go to position 5000/)
    await expect(backend.prefill(new Array(1025).fill(5), 0)).rejects.toThrow(/beyond the model/)
  })
})

test('the folder describes itself: defaults, ends of turn, template, graphs by device', async () => {
  const url = new URL(LLAMA, document.baseURI).href
  const manifest = await describeBundle(url, new AbortController().signal)
  expect(manifest).toMatchObject({
    id: 'tiny-llama',
    architecture: 'decoder',
    context_length: 1024,
    special_tokens: { bos: 0, eos: [2, 0], add_bos: false },
    generation: { temperature: 0.6, top_p: 0.92 },
    prompts: { chat_template: 'chat_template.jinja' },
  })
  expect(manifest.variants.map(({ name, requires }) => [name, ...requires])).toEqual([
    ['webgpu-fp16', 'shader-f16'],
    ['webgpu-fp32'],
    ['cpu-fp32'],
  ])
})

test.each(['cpu', 'webgpu'] as const)('an engine runs it as any other model on %s', async device => {
  const engine = await createEngine({ bundle: LLAMA, device })
  expect(engine.info).toMatchObject({ device, variant: `${device}-fp32`, selfTest: { passed: true } })
  const request = { prompt: 'Alice was beginning to', max_tokens: 6, temperature: 0 }
  const { choices, usage } = await engine.completions.create(request)
  expect(usage.completion_tokens).toBe(6)
  const again = await engine.completions.create(request)
  expect(again.choices[0].text).toBe(choices[0].text)
  expect(engine.stats()?.cachedTokens).toBe(usage.prompt_tokens - 1)
  const messages = [{ role: 'user' as const, content: 'Hi' }]
  const chat = await engine.chat.completions.create({ messages, max_tokens: 3, temperature: 0 })
  expect(chat.usage.prompt_tokens).toBeGreaterThan(3)
  await engine.dispose()
})

test('a sentence encoder gives PyTorch’s vector', async () => {
  const engine = await createEngine({ bundle: BERT, device: 'cpu' })
  const { vectors } = await engine.embed([sentence.text])
  expect(largestDifference(vectors[0] ?? [], sentence.vector)).toBeLessThan(1e-5)
  await engine.dispose()
})

test('a folder of models that need two graphs and has none, and one without any graph, are refused with the reason', async () => {
  const seq2seq = await failureOf(createEngine({ bundle: '/bundles/transformers/tiny-t5-hf/' }))
  expect(seq2seq).toMatchObject({
    code: 'no-model',
    message: expect.stringMatching(/no decoder_model_merged.*slm-export model/),
  })
  const none = await failureOf(createEngine({ bundle: '/bundles/transformers/tiny-bert-hf/' }))
  expect(none).toMatchObject({ code: 'no-model', message: expect.stringMatching(/no ONNX graph/) })
})

describe('an encoder-decoder in two branches', () => {
  test('gives PyTorch’s logits, token by token, several at once, and again for another prompt', async () => {
    const golden: { prompt_tokens: number[]; answer: number[]; logits: number[][] } = await json(`${T5}golden.json`)
    const runtime = await loadRuntime({ flavour: 'wasm', threads: 1, device: null })
    const open = async (name: string) => {
      const graph = new Uint8Array(await (await fetch(`${T5}onnx/${name}.onnx`)).arrayBuffer())
      return runtime.create({ graph, externalData: [] }, false)
    }
    const [encoder, decoder] = [await open('encoder_model'), await open('decoder_model_merged')]
    const sizes = { vocabularySize: 1024, contextLength: 512, maxAnswerTokens: 64 }
    const backend = new MergedBackend({ name: 'merged', encoder, decoder, start: [0], ...sizes })
    const close = (row: Float32Array, index: number) =>
      expect(largestDifference(row, golden.logits[index] ?? [])).toBeLessThan(2e-3)
    for (let round = 0; round < 2; round++) {
      close(await backend.prefill(golden.prompt_tokens, 0), 0)
      for (const [index, token] of golden.answer.slice(0, 4).entries()) close(await backend.decode(token), index + 1)
      const rest = await backend.verify(golden.answer.slice(4))
      for (const [index, row] of rest.entries()) close(row, index + 5)
      expect(backend.length).toBe(golden.prompt_tokens.length + golden.answer.length)
      await backend.prefill(golden.prompt_tokens.slice(0, 9), 0)
    }
    await backend.dispose()
  })

  test('loads by its address like a bundle, answers, and corrects', async () => {
    const engine = await createEngine({ bundle: T5, device: 'cpu', threads: 1 })
    expect(engine.info).toMatchObject({ architecture: 'encoder-decoder', variant: 'cpu-fp32', device: 'cpu' })
    const request = { prompt: 'The cat sees a dog.', temperature: 0, max_tokens: 8 } as const
    const first = await engine.completions.create({ ...request, stream: false })
    expect(first.usage.completion_tokens).toBeGreaterThan(0)
    expect((await engine.completions.create({ ...request, stream: false })).choices[0].text).toBe(first.choices[0].text)
    expect((await engine.proofread('The cat see a dog.')).correctedInput).not.toBe('')
    await engine.dispose()
  })
})
