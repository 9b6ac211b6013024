/** Several sequences on one engine: a chat, a completion and corrections take turns, and none computes its beginning again. */
import { describe, expect, test } from 'vitest'
import type { Backend, Parked } from '../../../web/src/engine/backend.ts'
import { Context } from '../../../web/src/engine/context.ts'
import { EngineError } from '../../../web/src/engine/errors.ts'
import { randomNumbers } from '../../../web/src/engine/random.ts'
import { type HashBackend, hashBackend, logitsAfter } from './hash-backend.ts'

const SIZE = 64
const BYTES = 100

/** With copies of what it holds; `memory` is what they may take in all. */
function parkingBackend(memory = Number.POSITIVE_INFINITY) {
  const backend = hashBackend(SIZE)
  let parkedBytes = 0
  const park = async (): Promise<Parked | null> => {
    const held = [...backend.held]
    const bytes = held.length * BYTES
    if (parkedBytes + bytes > memory) return null
    parkedBytes += bytes
    return {
      bytes,
      async restore(positions) {
        backend.put(held.slice(0, positions))
      },
      release() {
        parkedBytes -= bytes
      },
    }
  }
  const parking = { bytesPerPosition: BYTES, park }
  const whole: HashBackend & Backend = Object.defineProperty(backend, 'parking', { value: parking })
  return { backend: whole, parkedBytes: () => parkedBytes }
}

async function read(context: Context, tokens: readonly number[]): Promise<number> {
  const cached = await context.reuse(tokens)
  const [row] = await context.prefill(tokens.slice(cached), false)
  expect(row).toEqual(logitsAfter(tokens, SIZE)) // nothing of another sequence is in it
  return cached
}

const sequence = (seed: number, length: number) => {
  const random = randomNumbers(seed)
  return Array.from({ length }, () => Math.floor(random() * SIZE))
}

describe('sequences that take turns', () => {
  test('keep their beginnings: only what each adds is computed', async () => {
    const { backend } = parkingBackend()
    const context = new Context(backend)
    const all = [sequence(1, 400), sequence(2, 300), sequence(3, 200)]
    for (const tokens of all) expect(await read(context, tokens)).toBe(0)
    for (let round = 0; round < 5; round++) {
      for (const tokens of all) {
        const before = backend.computed
        const held = tokens.length
        tokens.push(...sequence(100 + round, 10))
        expect(await read(context, tokens)).toBe(held)
        expect(backend.computed - before).toBe(10)
      }
    }
  })

  test('that share their instructions share the work for them, and neither costs the other its own', async () => {
    const { backend } = parkingBackend()
    const context = new Context(backend)
    const system = sequence(1, 100)
    const chat = [...system, ...sequence(2, 400)]
    const task = [...system, ...sequence(3, 80)]
    await read(context, chat)
    expect(await read(context, task)).toBe(100)
    expect(await read(context, [...chat, 5])).toBe(chat.length)
    expect(await read(context, [...task, 6])).toBe(task.length)
  })

  test('a few tokens, or an answer made again, are not worth a copy', async () => {
    const { backend, parkedBytes } = parkingBackend()
    const context = new Context(backend)
    const chat = sequence(1, 400)
    await read(context, chat)
    await read(context, [...chat.slice(0, 300), ...sequence(9, 50)]) // most of it stays
    await read(context, sequence(2, 50))
    await read(context, sequence(3, 50)) // fifty are read again sooner
    expect(parkedBytes()).toBe(350 * BYTES)
  })

  test('no more than a few of them, the one used longest ago goes', async () => {
    const { backend, parkedBytes } = parkingBackend()
    const context = new Context(backend)
    const all = [1, 2, 3, 4, 5].map(seed => sequence(seed, 100))
    for (const tokens of all) await read(context, tokens)
    expect(parkedBytes()).toBe(300 * BYTES)
    expect(await read(context, all[0] ?? [])).toBe(0)
    expect(await read(context, all[4] ?? [])).toBe(99)
  })

  test('within an amount of memory; none where there is none', async () => {
    const { backend, parkedBytes } = parkingBackend()
    const context = new Context(backend, 250 * BYTES)
    for (const seed of [1, 2, 3, 4]) await read(context, sequence(seed, 100))
    expect(parkedBytes()).toBe(200 * BYTES)
    await read(context, sequence(5, 300))
    await read(context, sequence(6, 100)) // 300 do not fit: those that do stay
    expect(parkedBytes()).toBe(200 * BYTES)
    const without = parkingBackend()
    const small = new Context(without.backend, 0)
    for (const seed of [1, 2, 1]) expect(await read(small, sequence(seed, 100))).toBe(0)
    expect(without.parkedBytes()).toBe(0)
    const refusing = parkingBackend(150 * BYTES)
    const full = new Context(refusing.backend)
    for (const seed of [1, 2, 3]) await read(full, sequence(seed, 100))
    expect(refusing.parkedBytes()).toBe(100 * BYTES)
  })

  test('random turns of random sequences never mix (500 turns)', async () => {
    const { backend } = parkingBackend()
    const context = new Context(backend, 700 * BYTES)
    const random = randomNumbers(11)
    const all = [1, 2, 3, 4, 5, 6].map(seed => [...sequence(0, 30), ...sequence(seed, 150)])
    for (let turn = 0; turn < 500; turn++) {
      const tokens = all[Math.floor(random() * all.length)] ?? []
      if (random() < 0.3) tokens.splice(30 + Math.floor(random() * 100))
      tokens.push(...sequence(turn + 50, 1 + Math.floor(random() * 60)))
      await read(context, tokens)
    }
  })

  test('full memory costs what is parked before it costs the job', async () => {
    const { backend, parkedBytes } = parkingBackend()
    const prefill = backend.prefill.bind(backend)
    backend.prefill = async (tokens, from) => {
      if (parkedBytes() > 0 && from + tokens.length > 150) throw new EngineError('out-of-memory', 'Full.')
      if (from + tokens.length > 500) throw new EngineError('out-of-memory', 'Full.')
      return prefill(tokens, from)
    }
    const context = new Context(backend)
    await read(context, sequence(1, 100))
    await read(context, sequence(2, 100))
    expect(parkedBytes()).toBe(100 * BYTES)
    await read(context, sequence(3, 300))
    expect(parkedBytes()).toBe(0)
    await expect(read(context, sequence(4, 600))).rejects.toMatchObject({ code: 'out-of-memory' })
  })
})
