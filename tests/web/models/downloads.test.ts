/** Looking at downloads: of two looks at once the later one counts, and where something runs it is looked at again. */
import { afterEach, expect, test, vi } from 'vitest'
import { type Download, downloads, lookAtDownloads } from '../../../web/src/state/downloads.ts'

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  downloads.value = []
})

const RUNNING: Download = {
  ...{ id: 'one', kind: 'add', name: 'One', source: 'owner/one', variants: [], state: 'running', problem: null },
  ...{ received_bytes: 1, total_bytes: 2 },
}

/** A server whose answers the test gives, in any order. */
function server(): {
  answer: (index: number, list: readonly Download[]) => void
  fail: (index: number) => void
  count: () => number
} {
  const asked: { resolve: (response: Response) => void; reject: (error: Error) => void }[] = []
  vi.stubGlobal('fetch', () => new Promise((resolve, reject) => asked.push({ resolve, reject })))
  return {
    answer: (index, list) => asked[index]?.resolve(Response.json({ downloads: list })),
    fail: index => asked[index]?.reject(new TypeError('gone')),
    count: () => asked.length,
  }
}

test('what was asked before something began, and is answered after it, does not take it away', async () => {
  const { answer } = server()
  const before = lookAtDownloads()
  const after = lookAtDownloads()
  answer(1, [{ ...RUNNING, state: 'paused' }])
  await after
  answer(0, [])
  await before
  expect(downloads.value.map(({ id }) => id)).toEqual(['one'])
})

test('what runs is looked at again, also when the server was gone for a moment', async () => {
  vi.useFakeTimers()
  const { answer, fail, count } = server()
  const first = lookAtDownloads()
  answer(0, [RUNNING])
  await first
  await vi.advanceTimersToNextTimerAsync()
  expect(count()).toBe(2)
  fail(1)
  await vi.advanceTimersToNextTimerAsync()
  expect(count()).toBe(3)
  answer(2, [{ ...RUNNING, state: 'paused' }])
  await vi.advanceTimersByTimeAsync(0)
  expect(vi.getTimerCount()).toBe(0)
})
