/**
 * Programs of every family. On the plain reference of the machine, with inputs of matrices as they are, a program must
 * give PyTorch's own tokens and ONNX Runtime's own logits; on the kernels it must stay as near as 8 bits allow.
 */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SimdBackend } from '../../../web/src/engine/backend-simd.ts'
import { parseProgram, type Step } from '../../../web/src/engine/program/program.ts'
import { argmax } from '../../../web/src/engine/sampler.ts'
import { selfTest } from '../../../web/src/engine/selftest.ts'
import { programSelfTest } from '../../../web/src/engine/selftest-program.ts'
import { openMachine } from '../../../web/src/engine/simd/machine.ts'
import { greedy } from '../engine/greedy.ts'
import { openOn, programOf, readBundle, type TinyBundle, VARIANT, WITHOUT } from './bundles.ts'
import { referenceMachine } from './reference.ts'

const FOLDER = new URL('../../.fixtures/families/', import.meta.url)
const rows: { name: string; title: string }[] = JSON.parse(readFileSync(new URL('rows.json', FOLDER), 'utf8'))
const known = rows.filter(({ name }) => !WITHOUT.includes(name))
/** Of the largest logit (about 10 here): what 8-bit activations may move any of them. Measured: up to 0.021. */
const TOLERANCE = 0.05

const bundle = (row: string) =>
  readBundle(async path => Uint8Array.from(readFileSync(new URL(`${row}/${path}`, FOLDER))))

test('every family but those with experts has a program', async () => {
  const found = await Promise.all(rows.map(async ({ name }) => ((await bundle(name)).variant.program ? name : null)))
  expect(found.filter(name => name !== null)).toEqual(known.map(({ name }) => name))
  expect(known.length).toBeGreaterThanOrEqual(30)
})

describe.each(known)('$title', ({ name }) => {
  let opened: TinyBundle
  let exact: SimdBackend
  let kernels: SimdBackend
  beforeAll(async () => {
    opened = await bundle(name)
    exact = await openOn(opened, async needs => referenceMachine({ ...needs, rounds: false }))
    kernels = await openOn(opened, needs => openMachine({ ...needs, threads: 1 }))
  })
  afterAll(() => kernels.dispose())

  test('its program gives the tokens of PyTorch and the logits of ONNX Runtime', async () => {
    expect((await selfTest(exact, { ...opened, deep: false })).fault).toBeNull()
    const [first] = opened.golden.cases
    const expected = first?.variant_tokens[VARIANT] ?? []
    expect(expected.length).toBeGreaterThan(8)
    expect(await greedy(exact, first?.prompt_tokens ?? [], expected.length)).toEqual(expected)
  })

  test('the kernels pass the self-test, and give the tokens of PyTorch but for near ties', async () => {
    const { manifest, variant, golden } = opened
    expect((await programSelfTest(kernels, manifest, programOf(variant))).fault).toBeNull()
    for (const { prompt_tokens, variant_tokens } of golden.cases) {
      let logits = await kernels.prefill(prompt_tokens, 0)
      const within = TOLERANCE * Math.max(...logits.map(Math.abs))
      for (const token of variant_tokens[VARIANT] ?? []) {
        const best = argmax(logits)
        if (best !== token) expect((logits[best] ?? 0) - (logits[token] ?? 0)).toBeLessThan(within)
        logits = await kernels.decode(token)
      }
    }
  })

  test('the kernels’ logits are those of the exact program, within the tolerance', async () => {
    const prompt = opened.golden.cases[0]?.prompt_tokens ?? []
    const wanted = await exact.prefill(prompt, 0)
    const got = await kernels.prefill(prompt, 0)
    const largest = Math.max(...wanted.map(Math.abs))
    const off = Math.max(...wanted.map((logit, token) => Math.abs(logit - (got[token] ?? Number.NaN))))
    expect(off).toBeLessThan(TOLERANCE * largest)
  })

  test('a prompt in one go, in pieces and token by token gives the same logits to the bit; so does going back', async () => {
    const prompt = opened.golden.cases[2]?.prompt_tokens ?? []
    expect(prompt.length).toBeGreaterThan(100)
    const whole = (await kernels.prefill(prompt, 0)).slice()
    await kernels.prefill(prompt.slice(0, 7), 0)
    await kernels.prefill(prompt.slice(7, 90), 7)
    expect(await kernels.prefill(prompt.slice(90), 90)).toEqual(whole)
    kernels.truncate(0)
    for (const token of prompt.slice(0, -1)) await kernels.decode(token)
    expect(await kernels.decode(prompt.at(-1) ?? 0)).toEqual(whole)
    kernels.truncate(60)
    await greedy(kernels, prompt.slice(0, 9), 5, 0) // something else in between
    await kernels.prefill(prompt.slice(0, 80), 0)
    const guesses = await kernels.verify(prompt.slice(80))
    expect(guesses).toHaveLength(prompt.length - 80)
    expect(guesses.at(-1)).toEqual(whole)
  })
})

/** What the self-test must not let pass: one thing wrong in the first layer, or in all of them. */
const FAULTS: { fault: string; spoil: (step: Step, index: number) => Step }[] = [
  {
    fault: 'attention over a few positions only',
    spoil: step => (step.op === 'attention' ? { ...step, window: 8 } : step),
  },
  {
    fault: 'attention scores half too large in one layer',
    spoil: step => (step.op === 'attention' && step.layer === 0 ? { ...step, scale: 1.5 * step.scale } : step),
  },
  { fault: 'no positions', spoil: step => (step.op === 'attention' ? { ...step, cos: null, sin: null } : step) },
  {
    fault: 'turned the other way',
    spoil: step => (step.op === 'attention' ? { ...step, cos: step.sin, sin: step.cos } : step),
  },
  { fault: 'another activation', spoil: step => (step.op === 'activate' ? { ...step, kind: 'gelu' } : step) },
  { fault: 'norms with a large epsilon', spoil: step => (step.op === 'norm' ? { ...step, epsilon: 0.1 } : step) },
  { fault: 'a residual that is left out', spoil: step => (step.op === 'add' ? { ...step, left: step.right } : step) },
  { fault: 'a gate that is not there', spoil: step => (step.op === 'multiply' ? { ...step, right: step.left } : step) },
]

test.each(FAULTS)('the self-test finds $fault', async ({ spoil }) => {
  const { manifest, variant, files } = await bundle('smollm2')
  const path = variant.program?.path ?? ''
  const program = parseProgram(await files.blob(path).text(), path)
  const spoilt = new Blob([JSON.stringify({ ...program, steps: program.steps.map(spoil) })])
  const blob = (name: string) => (name === path ? spoilt : files.blob(name))
  const backend = await openOn({ manifest, variant, files: { blob } }, needs => openMachine({ ...needs, threads: 1 }))
  const { fault } = await programSelfTest(backend, manifest, programOf(variant))
  expect(['numbers-off', 'token-wrong']).toContain(fault?.kind)
  await backend.dispose()
})

test('the self-test finds damaged weights', async () => {
  const { manifest, variant, files } = await bundle('smollm2')
  const path = variant.files.find(({ path }) => path.endsWith('.data'))?.path ?? ''
  const bytes = new Uint8Array(await files.blob(path).arrayBuffer())
  bytes.fill(0, 36_864, 36_864 + 4096) // half of the first layer's queries, keys and values
  const blob = (name: string) => (name === path ? new Blob([bytes]) : files.blob(name))
  const backend = await openOn({ manifest, variant, files: { blob } }, needs => openMachine({ ...needs, threads: 1 }))
  const { fault } = await programSelfTest(backend, manifest, programOf(variant))
  expect(['numbers-off', 'token-wrong']).toContain(fault?.kind)
  await backend.dispose()
})
