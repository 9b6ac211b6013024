/** A self-test that was passed: what a later load computes instead, and what makes it test all again. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { SimdBackend } from '../../../web/src/engine/backend-simd.ts'
import type { StoredFile } from '../../../web/src/engine/disk-file.ts'
import { rememberedSelfTest } from '../../../web/src/engine/selftest-memory.ts'
import { openMachine } from '../../../web/src/engine/simd/machine.ts'
import { openOn, readBundle, type TinyBundle } from './bundles.ts'

const FOLDER = new URL('../../.fixtures/families/smollm2/', import.meta.url)
const bundle = () => readBundle(async path => Uint8Array.from(readFileSync(new URL(path, FOLDER))))
const open = (tiny: TinyBundle) => openOn(tiny, needs => openMachine({ ...needs, threads: 1 }))

/** A note that lies in memory. */
class Notes implements StoredFile {
  text: string | null = null
  read = async () => false
  note = async () => this.text
  async keepNote(text: string): Promise<void> {
    this.text = text
  }
}

/** The self-test, and how many tokens the backend computed for it. */
async function check(backend: SimdBackend, tiny: TinyBundle, stored: StoredFile | null, browser = 'Chromium') {
  const { manifest, variant } = tiny
  let tokens = 0
  const counting = new Proxy(backend, {
    get(target, name) {
      const value = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        if (name === 'prefill' || name === 'verify') tokens += Object(args[0]).length
        if (name === 'decode') tokens++
        return value.apply(target, args)
      }
    },
  })
  return { ...(await rememberedSelfTest(counting, { manifest, variant, stored, browser })), tokens }
}

test('the second load computes six tokens and says what the first one found', async () => {
  const tiny = await bundle()
  const notes = new Notes()
  const first = await open(tiny)
  const whole = await check(first, tiny, notes)
  expect(whole).toMatchObject({ passed: true, fault: null })
  const all = tiny.manifest.reference.prompt_tokens.length + tiny.manifest.reference.tokens.length
  expect(whole.tokens).toBe(6 + all)
  expect(first.length).toBe(0)
  const second = await open(tiny)
  const again = await check(second, tiny, notes)
  expect({ ...again, ms: 0 }).toEqual({ ...whole, ms: 0, tokens: 6 })
  expect(second.length).toBe(0)
  const forgetful = await check(second, tiny, null) // no disk
  expect(forgetful.tokens).toBe(all)
})

test.each([
  ['of another browser', (text: string) => text.replace('Chromium', 'Firefox')],
  ['of other numbers', (text: string) => text.replace(/("digest":")./, (_, begin) => `${begin}g`)],
  ['cut short', (text: string) => text.slice(0, 50)],
  ['of something else', () => '[1]'],
])('a note %s counts for nothing, and is written anew', async (_, spoil) => {
  const tiny = await bundle()
  const backend = await open(tiny)
  const notes = new Notes()
  await check(backend, tiny, notes)
  const good = notes.text ?? ''
  notes.text = spoil(good)
  expect(notes.text).not.toBe(good)
  expect((await check(backend, tiny, notes)).tokens).toBeGreaterThan(6)
  expect(notes.text).toBe(good)
})

test('weights that are damaged after a good load are found', async () => {
  const tiny = await bundle()
  const notes = new Notes()
  await check(await open(tiny), tiny, notes)
  const path = tiny.variant.files.find(file => file.path.endsWith('.data'))?.path ?? ''
  const bytes = new Uint8Array(await tiny.files.blob(path).arrayBuffer())
  bytes.fill(0, 36_864, 36_864 + 4096) // half of the first layer's queries, keys and values
  const blob = (name: string) => (name === path ? new Blob([bytes]) : tiny.files.blob(name))
  const before = notes.text
  const { fault } = await check(await open({ ...tiny, files: { blob } }), tiny, notes)
  expect(['numbers-off', 'token-wrong']).toContain(fault?.kind)
  expect(notes.text).toBe(before)
})
