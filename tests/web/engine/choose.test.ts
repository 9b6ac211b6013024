import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { chooseVariant, type Wishes, wantsGpu } from '../../../web/src/engine/choose.ts'
import { capabilities, findGpu, type GpuSearch, type Surroundings } from '../../../web/src/engine/device.ts'
import { inEnglish } from '../../../web/src/engine/errors.ts'
import { parseManifest } from '../../../web/src/engine/manifest.ts'
import type { PassedOver } from '../../../web/src/engine/protocol.ts'

const fixture = (name: string) =>
  parseManifest(readFileSync(new URL(`../../fixtures/manifests/valid/${name}.json`, import.meta.url), 'utf8'), name)
const manifest = fixture('full')

const browser = (over: Partial<Surroundings> = {}): Surroundings => ({
  gpu: undefined,
  isolated: true,
  cores: 8,
  jspi: true,
  validateWasm: () => true,
  ...over,
})
// Only `features` and `name` are looked at when choosing.
const gpu = (...features: string[]): GpuSearch => ({
  gpu: { device: {} as GPUDevice, name: 'Card', features: new Set(features) },
  missing: null,
})
const NO_GPU: GpuSearch = { gpu: null, missing: { kind: 'no-webgpu' } }
const AUTO: Wishes = { device: 'auto', variant: null, backend: null }

function choose(search: GpuSearch, wishes = AUTO, failed: PassedOver[] = []) {
  return chooseVariant(manifest, wishes, { capabilities: capabilities(browser(), null), search }, failed)
}

describe('choosing a variant', () => {
  test('takes the first that the GPU can run', () => {
    expect(choose(gpu('shader-f16')).variant.name).toBe('webgpu-q4f16')
    expect(choose(gpu('shader-f16')).passedOver).toEqual([])
  })
  test('says what a lesser GPU lacks', () => {
    const { variant, passedOver } = choose(gpu())
    expect(variant.name).toBe('webgpu-q4f32')
    const reasons = [{ kind: 'adapter-lacks', adapter: 'Card', features: 'shader-f16' }]
    expect(passedOver).toEqual([{ from: 'webgpu-q4f16', reasons }])
  })
  test('falls to the CPU without a GPU, with the reason for each', () => {
    const { variant, passedOver } = choose(NO_GPU)
    expect(variant.name).toBe('cpu-int8')
    expect(passedOver.map(({ from }) => from)).toEqual(['webgpu-q4f16', 'webgpu-q4f32'])
    expect(passedOver.every(({ reasons }) => inEnglish(reasons) === 'This browser offers no WebGPU.')).toBe(true)
  })
  test('does not try again what failed before', () => {
    const failed: PassedOver[] = [{ from: 'webgpu-q4f16', reasons: [{ kind: 'token-wrong', place: 2 }] }]
    const { variant, passedOver } = choose(gpu('shader-f16'), AUTO, failed)
    expect(variant.name).toBe('webgpu-q4f32')
    expect(passedOver).toEqual(failed)
  })
  test('a wish for WebGPU never ends on the CPU', () => {
    expect(() => choose(NO_GPU, { ...AUTO, device: 'webgpu' })).toThrow(
      'Tiny Llama cannot run in this browser. This browser offers no WebGPU.',
    )
  })
  test('a wish for the CPU does not ask for a GPU', () => {
    const wishes: Wishes = { ...AUTO, device: 'cpu' }
    expect(wantsGpu(manifest, wishes, [])).toBe(false)
    expect(wantsGpu(manifest, AUTO, [])).toBe(true)
    expect(choose(NO_GPU, wishes).passedOver).toEqual([])
  })
  test('a variant by name, and one that is not there', () => {
    expect(choose(gpu('shader-f16'), { ...AUTO, variant: 'webgpu-q4f32' }).variant.name).toBe('webgpu-q4f32')
    expect(() => choose(NO_GPU, { ...AUTO, variant: 'q2' })).toThrow(
      'Tiny Llama has no variant "q2". It has: webgpu-q4f16, webgpu-q4f32, cpu-int8.',
    )
  })
  test('a bundle without anything for the device', () => {
    const found = { capabilities: capabilities(browser(), null), search: NO_GPU }
    expect(() => chooseVariant(fixture('base-model'), { ...AUTO, device: 'webgpu' }, found, [])).toThrow(
      /has nothing for the device "webgpu". Ask for "cpu" or "auto"/,
    )
  })
  test.each(['encoder-decoder', 'encoder'])('an %s model runs on the CPU only', name => {
    const found = { capabilities: capabilities(browser(), null), search: NO_GPU }
    expect(chooseVariant(fixture(name), AUTO, found, []).variant.name).toBe('cpu-int8')
    const wishes = { ...AUTO, device: 'webgpu' as const }
    expect(() => chooseVariant(fixture(name), wishes, found, [])).toThrow(/has nothing for the device "webgpu"/)
  })
  test('the engine’s own kernels come before ONNX Runtime, which is what is left where they failed', () => {
    expect(choose(NO_GPU)).toMatchObject({ backend: 'simd', name: 'cpu-int8/simd' })
    const failed: PassedOver[] = [{ from: 'cpu-int8/simd', reasons: [{ kind: 'plain', said: 'It was wrong.' }] }]
    const { backend, name, passedOver } = choose(NO_GPU, { ...AUTO, device: 'cpu' }, failed)
    expect({ backend, name, passedOver }).toEqual({ backend: 'ort', name: 'cpu-int8', passedOver: failed })
  })
  test('a bundle without a program runs on ONNX Runtime, and a wish for the kernels says why not', () => {
    const found = { capabilities: capabilities(browser(), null), search: NO_GPU }
    const base = fixture('base-model')
    expect(chooseVariant(base, AUTO, found, [])).toMatchObject({ backend: 'ort', passedOver: [] })
    expect(() => chooseVariant(base, { ...AUTO, backend: 'simd' }, found, [])).toThrow(
      /has no program for the backend "simd": its family is not one that the kernels know/,
    )
  })
  test('a wish for a backend is for that one only', () => {
    expect(choose(NO_GPU, { ...AUTO, backend: 'ort' })).toMatchObject({ backend: 'ort', name: 'cpu-int8' })
    expect(choose(gpu('shader-f16'), { ...AUTO, backend: 'ort' }).name).toBe('webgpu-q4f16')
    expect(choose(gpu('shader-f16'), { ...AUTO, backend: 'simd' }).name).toBe('cpu-int8/simd')
    expect(wantsGpu(manifest, { ...AUTO, backend: 'simd' }, [])).toBe(false)
    expect(() => choose(NO_GPU, { ...AUTO, device: 'webgpu', backend: 'simd' })).toThrow(/computes on the CPU/)
    const failed: PassedOver[] = [{ from: 'cpu-int8/simd', reasons: [{ kind: 'plain', said: 'It was wrong.' }] }]
    expect(() => choose(NO_GPU, { ...AUTO, backend: 'simd' }, failed)).toThrow('It was wrong.')
  })
  test('a browser without WASM SIMD', () => {
    const old = capabilities(browser({ validateWasm: () => false }), null)
    expect(() => chooseVariant(manifest, AUTO, { capabilities: old, search: NO_GPU }, [])).toThrow(
      'This browser has no WebAssembly SIMD. Use a newer one',
    )
  })
})

describe('what the browser can do', () => {
  test('the SIMD probe is valid WASM, and depends on SIMD', () => {
    let asked: Uint8Array<ArrayBuffer> = new Uint8Array()
    const validateWasm = (bytes: Uint8Array<ArrayBuffer>) => {
      asked = bytes
      return true
    }
    capabilities(browser({ validateWasm }), null)
    expect(WebAssembly.validate(asked)).toBe(true)
    expect(asked).toContain(0xfd) // the prefix of every SIMD instruction
  })
  test.each([
    { isolated: true, cores: 8, wanted: null, threads: 4 },
    { isolated: true, cores: 2, wanted: null, threads: 2 },
    { isolated: true, cores: 8, wanted: 6, threads: 6 },
    { isolated: false, cores: 8, wanted: null, threads: 1 },
    { isolated: false, cores: 8, wanted: 4, threads: 1 },
  ])('isolated: $isolated, $cores cores, wanted $wanted → $threads threads', ({ threads, wanted, ...over }) => {
    expect(capabilities(browser(over), wanted).threads).toBe(threads)
  })
  /** Why there is no GPU, in English. */
  const missing = async (gpu?: GPU) => {
    const found = await findGpu(browser(gpu ? { gpu } : {}), { allowSoftware: false })
    return found.missing && inEnglish([found.missing])
  }
  test('no WebGPU, no adapter, an adapter that throws', async () => {
    expect(await missing()).toBe('This browser offers no WebGPU.')
    const none = { requestAdapter: async () => null } as unknown as GPU
    expect(await missing(none)).toMatch(/found no graphics adapter/)
    const broken = { requestAdapter: () => Promise.reject(new Error('driver gone')) } as unknown as GPU
    expect(await missing(broken)).toBe('The graphics adapter could not be started (driver gone).')
  })
  test('an adapter emulated in software is passed over', async () => {
    const info = { isFallbackAdapter: true, description: 'SwiftShader', vendor: 'google', device: '', architecture: '' }
    const software = { requestAdapter: async () => ({ info }) } as unknown as GPU
    expect(await missing(software)).toBe(
      'The only graphics adapter (SwiftShader) is emulated in software, slower than the CPU.',
    )
  })
})
