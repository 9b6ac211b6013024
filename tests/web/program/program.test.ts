/**
 * Programs of every family, compiled and run on the plain reference of the machine: with inputs of matrices as they are, a
 * program must give PyTorch's own tokens and ONNX Runtime's own logits; rounded to 8 bits it must pass the self-test.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { openSimd } from '../../../web/src/engine/backend-simd.ts'
import { type Manifest, parseManifest } from '../../../web/src/engine/manifest.ts'
import { fuse } from '../../../web/src/engine/program/fuse.ts'
import { type Program, parseProgram } from '../../../web/src/engine/program/program.ts'
import { selfTest } from '../../../web/src/engine/selftest.ts'
import { greedy } from '../engine/greedy.ts'
import { referenceMachine } from './reference.ts'

const FOLDER = new URL('../../.fixtures/families/', import.meta.url)
const VARIANT = 'cpu-int8'
const WITHOUT = ['mixtral'] // a router and experts: ONNX Runtime's

const bytes = (path: string) => readFileSync(new URL(path, FOLDER))
const json = (path: string) => JSON.parse(bytes(path).toString())
const rows: { name: string; title: string }[] = json('rows.json') // our own script's file

function bundle(row: string) {
  const manifest = parseManifest(bytes(`${row}/manifest.json`).toString(), row)
  const variant = manifest.variants.find(({ name }) => name === VARIANT)
  if (!variant) throw new Error(`no variant ${VARIANT}`)
  const golden: { cases: { prompt_tokens: number[]; variant_tokens: Record<string, number[]> }[] } = json(
    `${row}/golden.json`,
  )
  return { manifest, variant, golden, files: { blob: (path: string) => new Blob([bytes(`${row}/${path}`)]) } }
}

function open({ manifest, variant, files }: ReturnType<typeof bundle>, { rounds }: { rounds: boolean }) {
  const openMachine = async ({ memoryBytes, maxTokens }: { memoryBytes: number; maxTokens: number }) =>
    referenceMachine({ memoryBytes, maxTokens, rounds })
  return openSimd({ manifest, variant, files, openMachine, signal: new AbortController().signal })
}

function programOf(row: string): Program {
  return parseProgram(bytes(`${row}/${VARIANT}/program.json`).toString(), row)
}

describe.each(rows.filter(({ name }) => !WITHOUT.includes(name)))('$title', ({ name }) => {
  test('gives the tokens of PyTorch and the logits of ONNX Runtime', async () => {
    const { golden, ...opened } = bundle(name)
    const backend = await open({ golden, ...opened }, { rounds: false })
    expect((await selfTest(backend, { ...opened, deep: false })).fault).toBeNull()
    const [first] = golden.cases
    const expected = first?.variant_tokens[VARIANT] ?? []
    expect(expected.length).toBeGreaterThan(8)
    expect(await greedy(backend, first?.prompt_tokens ?? [], expected.length)).toEqual(expected)
  })
})

test.each(WITHOUT)('%s has no program', name => {
  expect(bundle(name).variant.program).toBeNull()
})
