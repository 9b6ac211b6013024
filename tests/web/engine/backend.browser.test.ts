/** The ONNX Runtime backend below tokens-as-text: the same greedy tokens as PyTorch, on WebGPU and on the CPU. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Candidates } from '../../../web/src/engine/backend.ts'
import { OrtBackend } from '../../../web/src/engine/backend-ort.ts'
import { findGpu, thisBrowser } from '../../../web/src/engine/device.ts'
import { type Manifest, parseManifest, type Variant } from '../../../web/src/engine/manifest.ts'
import { allowedError, expectedLogits, selfTest } from '../../../web/src/engine/selftest.ts'
import { type Flavour, loadRuntime } from '../../../web/src/engine/session.ts'
import { greedy } from './greedy.ts'

const BUNDLE = '/bundles/tiny-llama/'

/** Made beside the tiny bundle by tests/fixtures/make_tiny.py. */
interface Golden {
  cases: { prompt_tokens: number[]; tokens: number[]; variant_tokens: Record<string, number[]> }[]
}
const golden: Golden = await (await fetch(`${BUNDLE}golden.json`)).json() // our own script's file

const bytes = async (path: string) => new Uint8Array(await (await fetch(BUNDLE + path)).arrayBuffer())

interface Opened {
  backend: OrtBackend
  manifest: Manifest
  variant: Variant
}

async function open(name: string, flavour: Flavour): Promise<Opened> {
  const manifest = parseManifest(new TextDecoder().decode(await bytes('manifest.json')), 'manifest.json')
  const variant = manifest.variants.find(entry => entry.name === name)
  if (!variant) throw new Error(`no variant ${name}`)
  const gpu = flavour === 'wasm' ? null : (await findGpu(thisBrowser(), { allowSoftware: true })).gpu
  if (flavour !== 'wasm' && !gpu) throw new Error('SwiftShader gave no WebGPU device')
  const device = gpu?.device ?? null
  const runtime = await loadRuntime({ flavour, threads: 1, device })
  const [data] = variant.files.filter(({ path }) => path !== variant.graph)
  if (!data) throw new Error(`${name} has no weights`)
  const files = {
    graph: await bytes(variant.graph),
    externalData: [{ path: data.path.slice(data.path.lastIndexOf('/') + 1), data: await bytes(data.path) }],
  }
  const session = await runtime.create(files, true)
  if (!manifest.kv) throw new Error('a decoder without kv')
  const { layers, heads, head_dim: headDim } = manifest.kv
  const kv = { layers, heads, headDim, type: variant.kv_dtype }
  const { vocab_size: vocabularySize, context_length: contextLength } = manifest
  const backend = new OrtBackend({ name, session, device, kv, vocabularySize, contextLength })
  await backend.selectOnGpu(manifest.reference.prompt_tokens[0] ?? 0)
  await backend.captureDecoding(manifest.reference.prompt_tokens)
  return { manifest, variant, backend }
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((largest, value, index) => Math.max(largest, Math.abs(value - (b[index] ?? Number.NaN))), 0)
}

/** Asyncify runs the same kernels as JSPI: two cases show that it waits for the GPU rightly. */
const ASYNCIFY_CASES = golden.cases.slice(0, 2)

describe.each<{ name: 'cpu-int8' | 'webgpu-q4f32'; flavour: Flavour; cases: Golden['cases'] }>([
  { name: 'cpu-int8', flavour: 'wasm', cases: golden.cases },
  { name: 'webgpu-q4f32', flavour: 'jspi', cases: golden.cases },
  { name: 'webgpu-q4f32', flavour: 'asyncify', cases: ASYNCIFY_CASES },
])('$name over $flavour', ({ name, flavour, cases }) => {
  let opened: Opened
  let backend: OrtBackend
  beforeAll(async () => {
    opened = await open(name, flavour)
    backend = opened.backend
  })
  afterAll(() => opened?.backend.dispose())

  test('gives the tokens of the manifest’s reference, within its margin', async () => {
    const { manifest, variant } = opened
    const result = await selfTest(backend, { manifest, variant, deep: true })
    expect(result.fault).toBeNull()
    expect(result.maxLogitError).toBeLessThanOrEqual(allowedError(manifest.reference, variant))
    expect(await greedy(backend, manifest.reference.prompt_tokens, manifest.reference.tokens.length)).toEqual(
      manifest.reference.tokens,
    )
  })

  test('the margin is that of rounding, and a little more than it is a fault', async () => {
    const { manifest, variant } = opened
    const allowed = allowedError(manifest.reference, variant)
    const largest = Math.max(...manifest.reference.logits.map(({ logit }) => Math.abs(logit)))
    expect(manifest.reference.prompt_tokens.length).toBeGreaterThanOrEqual(64)
    expect(allowed).toBeLessThanOrEqual(1e-3 * largest)
    const shifted = expectedLogits(manifest.reference, variant).map(logit => logit + 2 * allowed)
    const result = await selfTest(backend, {
      manifest,
      variant: { ...variant, reference_logits: shifted },
      deep: false,
    })
    expect(result.fault?.kind).toBe('numbers-off')
  })

  test.each(cases)(
    'gives the greedy tokens of Python after $prompt_tokens',
    async ({ prompt_tokens, variant_tokens }) => {
      // What the same variant gave in Python: quantised weights may part from PyTorch's float32 after some tokens.
      const tokens = variant_tokens[name] ?? []
      expect(tokens.length).toBeGreaterThan(0)
      expect(await greedy(backend, prompt_tokens, tokens.length)).toEqual(tokens)
    },
  )

  test('a good part of these are PyTorch’s own tokens, up to where a near tie turns out otherwise', () => {
    const shares = golden.cases.map(({ tokens, variant_tokens }) => {
      const end = tokens.findIndex((token, index) => token !== variant_tokens[name]?.[index])
      return end < 0 ? 1 : end / tokens.length
    })
    expect(shares.reduce((sum, share) => sum + share) / shares.length).toBeGreaterThanOrEqual(1 / 3)
  })

  const prompt = golden.cases.flatMap(({ prompt_tokens, tokens }) => [...prompt_tokens, ...tokens]).slice(0, 150)

  test('a prompt in pieces gives the logits of the whole', async () => {
    const whole = (await backend.prefill(prompt, 0)).slice()
    await backend.prefill(prompt.slice(0, 7), 0)
    await backend.prefill(prompt.slice(7, 128), 7)
    const pieces = await backend.prefill(prompt.slice(128), 128)
    expect(backend.length).toBe(prompt.length)
    expect(largestDifference(whole, pieces)).toBeLessThan(1e-3)
  })

  test('truncating and going on gives what never going astray gives', async () => {
    const straight = (await backend.prefill(prompt, 0)).slice()
    await backend.prefill(prompt.slice(0, 100), 0)
    for (const stray of [5, 6, 7]) await backend.decode(stray)
    backend.truncate(100)
    const back = await backend.prefill(prompt.slice(100), 100)
    expect(largestDifference(straight, back)).toBeLessThan(1e-3)
  })

  test('what was parked comes back as it was, whole or its beginning, after others had the cache', async () => {
    const straight = (await backend.prefill(prompt, 0)).slice()
    backend.truncate(prompt.length - 1)
    const parked = await backend.parking.park()
    expect(parked?.bytes).toBe((prompt.length - 1) * backend.parking.bytesPerPosition)
    await backend.prefill([...prompt].reverse(), 0)
    await parked?.restore(prompt.length - 1)
    expect(backend.length).toBe(prompt.length - 1)
    expect(largestDifference(straight, await backend.prefill(prompt.slice(-1), prompt.length - 1))).toBeLessThan(1e-3)
    await backend.prefill([...prompt].reverse(), 0)
    await parked?.restore(77)
    expect(largestDifference(straight, await backend.prefill(prompt.slice(77), 77))).toBeLessThan(1e-3)
    parked?.release()
    backend.truncate(0)
  })

  test('verifying several tokens gives the logits of decoding them one by one', async () => {
    const guesses = prompt.slice(20, 25)
    await backend.prefill(prompt.slice(0, 20), 0)
    const single: Float32Array[] = []
    for (const token of guesses) single.push((await backend.decode(token)).slice())
    backend.truncate(20)
    const together = await backend.verify(guesses)
    expect(together.length).toBe(guesses.length)
    together.forEach((row, index) => {
      expect(largestDifference(row, single[index] ?? new Float32Array())).toBeLessThan(1e-3)
    })
  })

  test.runIf(flavour !== 'wasm')('candidates are the logits of the same steps, read on demand', async () => {
    const steps = backend.candidates
    if (!steps) throw new Error('nothing selects candidates on this GPU')
    const guesses = prompt.slice(20, 23)
    const spread = ({ ids, logits }: Candidates) => {
      const row = new Float32Array(backend.vocabularySize)
      for (const [index, id] of ids.entries()) row[id] = logits[index] ?? Number.NaN
      return row // of so small a vocabulary every token is listed
    }
    const whole = await backend.prefill(prompt.slice(0, 20), 0)
    expect(spread(await steps.prefill(prompt.slice(0, 20), 0))).toEqual(whole)
    expect(await steps.logits()).toEqual(whole)
    const rows = (await steps.verify(guesses)).map(spread)
    expect(backend.length).toBe(23)
    for (const [index, row] of rows.entries()) expect(row).toEqual(await steps.logits(index))
    await expect(steps.logits(guesses.length)).rejects.toThrow(/no logits for token 3/)
    backend.truncate(20)
    const decoded = spread(await steps.decode(guesses[0] ?? 0))
    expect(largestDifference(decoded, rows[0] ?? new Float32Array())).toBeLessThan(1e-3)
    expect(await steps.logits()).toEqual(decoded)
  })

  test('decodes from a recording on a GPU', () => {
    expect(backend.captures).toBe(flavour !== 'wasm')
  })

  test('has candidates on a GPU only: on the CPU all logits are at hand', () => {
    expect(backend.candidates === null).toBe(flavour === 'wasm')
  })

  test('a cache that grows keeps what it holds', async () => {
    const long = Array.from({ length: 1100 }, (_, index) => prompt[index % prompt.length] ?? 0)
    let grown = new Float32Array()
    await backend.prefill(long.slice(0, 3), 0)
    for (let from = 0; from < long.length; from += 128) {
      grown = (await backend.prefill(long.slice(from, from + 128), from)).slice()
    }
    backend.truncate(0)
    // The cache is large from the start now: nothing is moved.
    let roomy = new Float32Array()
    for (let from = 0; from < long.length; from += 128) {
      roomy = (await backend.prefill(long.slice(from, from + 128), from)).slice()
    }
    expect(largestDifference(grown, roomy)).toBe(0)
    // Longer buffers take a new recording: single steps are still those of several at once.
    const steps: Float32Array[] = []
    for (const token of prompt.slice(0, 3)) steps.push((await backend.decode(token)).slice())
    backend.truncate(long.length)
    for (const [step, row] of (await backend.verify(prompt.slice(0, 3))).entries()) {
      expect(largestDifference(row, steps[step] ?? new Float32Array())).toBeLessThan(1e-3)
    }
  })

  test('refuses a position beyond its context or its cache', async () => {
    backend.truncate(0)
    expect(() => backend.truncate(1)).toThrow(/Cannot go to position 1 of 0/)
    await expect(backend.prefill(new Array(backend.contextLength + 1).fill(5), 0)).rejects.toThrow(/beyond the model/)
    expect(backend.length).toBe(0)
  })
})
