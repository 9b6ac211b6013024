/** What an engine keeps of other conversations, in the page's budget of memory: counted, and given back first. */
import { expect, test } from 'vitest'
import { createEngine } from '../../../web/src/engine/client.ts'
import { MemoryBudget, type Tenant } from '../../../web/src/engine/memory.ts'

const text = (word: string) => Array.from({ length: 60 }, (_, at) => `${word} ${at % 7}`).join(' ')

test('a parked conversation counts; where memory is short it goes, and the model stays', async () => {
  const memory = new MemoryBudget(2 ** 30)
  const engine = await createEngine({ bundle: '/bundles/tiny-llama/', device: 'cpu', threads: 1, memory })
  const cachedOf = async (prompt: string) => {
    await engine.completions.create({ prompt, max_tokens: 1, temperature: 0 })
    return engine.stats()?.cachedTokens ?? -1
  }
  const alone = memory.usedBytes
  await cachedOf(text('cat'))
  expect(memory.usedBytes).toBe(alone)
  await cachedOf(text('dog')) // in its place: the first is parked
  const both = memory.usedBytes
  expect(both).toBeGreaterThan(alone)
  expect(await cachedOf(text('cat'))).toBeGreaterThan(60) // and comes back

  const other: Tenant = { isBusy: false, loading: null, unload: () => {}, dropSpare: () => {} }
  memory.admit(other, memory.bytes - alone)
  expect(memory.usedBytes).toBe(memory.bytes)
  memory.leave(other)
  const again = await cachedOf(text('dog'))
  expect(again).toBeLessThan(60) // its beginning was given back
  await engine.dispose()
  expect(memory.usedBytes).toBe(0)
})
