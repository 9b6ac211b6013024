/** The machine in a browser: threads and builds give the same bits, a failing thread is an error, nothing hangs. */
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
  expect(alone.bytes.length).toBe(436 * 77 * 4)
  expect(new Float32Array(alone.bytes.slice().buffer).every(Number.isFinite)).toBe(true)
  for (const threads of [2, 4]) {
    const together = await ask({ what: 'pile', options: { threads } })
    expect(together.threads).toBe(threads)
    expect(same(together.bytes, alone.bytes)).toBe(true)
  }
})

test('relaxed SIMD computes what plain SIMD128 does, to the last bit', async () => {
  expect(hasRelaxedSimd()).toBe(true) // Chromium has it
  const plain = await ask({ what: 'pile', options: { build: 'simd128' }, range: RANGE })
  for (const threads of [1, 2]) {
    const relaxed = await ask({ what: 'pile', options: { build: 'relaxed', flip: 0x80, threads }, range: RANGE })
    expect(relaxed).toMatchObject({ error: null, build: 'relaxed' })
    expect(same(relaxed.bytes, plain.bytes)).toBe(true)
  }
})

test('the build that the browser chooses by itself computes the same with weights of all 8 bits', async () => {
  const [chosen, plain] = [
    await ask({ what: 'pile', options: {} }),
    await ask({ what: 'pile', options: { build: 'simd128' } }),
  ]
  expect(chosen.error).toBeNull()
  expect(same(chosen.bytes, plain.bytes)).toBe(true)
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
