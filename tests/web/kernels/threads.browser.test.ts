/** The machine in a browser: threads give the same bits, both builds what they should, a failing thread is an error, nothing hangs. */
import { expect, test } from 'vitest'
import { hasRelaxedSimd } from '../../../web/src/engine/simd/builds.ts'
import type { Answer, Question } from './threads-worker.ts'

function ask(question: Question): Promise<Answer> {
  const worker = new Worker(new URL('./threads-worker.ts', import.meta.url), { type: 'module' })
  return new Promise<Answer>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Answer>) => resolve(data)
    worker.onerror = event => reject(new Error(event.message))
    worker.postMessage(question)
  }).finally(() => worker.terminate())
}

/** Weights below -64 lie in 7 bits when they are flipped: relaxed products are exact on any machine then. */
const RANGE: [number, number] = [-127, -65]

test('one, two and four threads, with and without shared memory: the same to the last bit', async () => {
  const alone = await ask({ what: 'pile', options: { threads: 1 } })
  expect(alone.error).toBeNull()
  expect(alone.bytes.length).toBe((436 * 77 + 406 * 2048) * 4)
  expect(new Float32Array(alone.bytes.slice().buffer).every(Number.isFinite)).toBe(true)
  for (const threads of [2, 4]) {
    const together = await ask({ what: 'pile', options: { threads } })
    expect(together.threads).toBe(threads)
    expect(same(together.bytes, alone.bytes)).toBe(true)
  }
})

test('a number of threads that changes from run to run gives the same bits, and nobody sleeps for ever', async () => {
  const [alone, turns] = await Promise.all(
    [1, 4].map(threads => ask({ what: threads > 1 ? 'turns' : 'pile', options: { threads } })),
  )
  expect(turns).toMatchObject({ error: null, threads: 4 })
  expect(alone && turns && same(turns.bytes, alone.bytes)).toBe(true)
})

test('relaxed SIMD: one and two threads give the same bits', async () => {
  expect(hasRelaxedSimd()).toBe(true) // Chromium has it
  const [one, two] = await Promise.all(
    [1, 2].map(threads => ask({ what: 'pile', options: { build: 'relaxed', flip: 0x80, threads }, range: RANGE })),
  )
  expect(one).toMatchObject({ error: null, build: 'relaxed' })
  expect(one && two && same(one.bytes, two.bytes)).toBe(true)
})

test.each([
  ['plain SIMD128', 'simd128', { build: 'simd128' }, undefined],
  ['relaxed SIMD', 'relaxed', { build: 'relaxed', flip: 0x80 }, RANGE],
] as const)('%s multiplies exactly what it has rounded', async (_, build, options, range) => {
  const { worst, ...answer } = await ask({ what: 'products', options, ...(range ? { range: [...range] } : {}) })
  expect(answer).toMatchObject({ error: null, build })
  expect(worst).toBeGreaterThan(0)
  expect(worst).toBeLessThan(2e-6)
})

test('the build that the browser chooses by itself is exact with weights of all 8 bits', async () => {
  const { worst, error } = await ask({ what: 'products', options: {} })
  expect(error).toBeNull()
  expect(worst).toBeLessThan(2e-6)
})

test.each([1, 2, 4])('an op that fails ends the run with an error (%i threads)', async threads => {
  const { error } = await ask({ what: 'bad op', options: { threads } })
  expect(error).toMatch(/EngineError: The CPU backend failed while it computed/)
})

test('after its end a machine runs nothing', async () => {
  const { error } = await ask({ what: 'dispose', options: { threads: 2 } })
  expect(error).toMatch(/EngineError: The CPU backend failed before/)
})

function same(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}
