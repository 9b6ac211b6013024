/** Files in parts: put together, gone on with, compared and repaired part by part, on disk and in memory. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FileEntry } from '../../../web/src/engine/manifest.ts'
import { fetchFile } from '../../../web/src/engine/store.ts'
import { damaged, download as downloadOf, emptyDisk, sum, truth, weights } from '../engine/downloads.ts'
import type { Order } from '../engine/store-worker.ts'

const size = Math.ceil(truth.length / 4)
const hex = async (bytes: Uint8Array<ArrayBuffer>) =>
  [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].map(b => b.toString(16).padStart(2, '0')).join('')
const parts = await Promise.all(
  [1, 2, 3, 4].map(async number => {
    const bytes = truth.slice(size * (number - 1), size * number)
    return { path: `${weights.path}.00${number}`, size_bytes: bytes.length, sha256: await hex(bytes) }
  }),
)
const entry: FileEntry = { ...weights, parts }
/** The bundle from a server of this kind, in parts. */
const download = (url: string, over: Partial<Order> = {}) => downloadOf(url, { entry, ...over })

beforeEach(emptyDisk)
afterEach(emptyDisk)

describe.each(['parts', 'parts-ranged'])('a server of kind %s', kind => {
  test('parts come as one file, which is found whole the next time', async () => {
    const { bytes, onDisk, direct, progress } = await download(damaged(kind))
    expect(onDisk).toBe(true)
    expect(bytes).toEqual(truth)
    expect(direct?.bytes).toEqual(truth)
    expect(sum(progress)).toBe(truth.length)
    const second = await download(damaged('missing-file')) // not a part is asked for
    expect(second.bytes).toEqual(truth)
    expect(second.progress).toEqual([truth.length])
  })

  test('a cancelled download goes on in the part where it was', async () => {
    const url = damaged(kind)
    const left = truth.slice(0, size * 2 + 1000)
    const { bytes, progress } = await download(url, { left })
    expect(bytes).toEqual(truth)
    expect(sum(progress)).toBe(truth.length)
    // Two parts and a piece were there; a server without ranges sends the third one from its beginning.
    expect(progress.slice(0, 3)).toEqual([size, size, 1000])
    expect(progress.includes(-1000)).toBe(kind === 'parts')
  })

  test('far away, in ranges side by side', async () => {
    const { bytes, progress } = await download(damaged(kind), { windowBytes: 20_000 })
    expect(bytes).toEqual(truth)
    expect(sum(progress)).toBe(truth.length)
  })
})

test('one damaged part among sound ones is written over in its place, and no other is fetched', async () => {
  const left = truth.slice()
  left[size + 5] = (left[size + 5] ?? 0) ^ 1
  const { bytes, progress } = await download(damaged('parts-ranged'), { left })
  expect(bytes).toEqual(truth)
  expect(progress.slice(0, 3)).toEqual([size, size, -size])
  expect(sum(progress)).toBe(truth.length)
  const fetched = progress.slice(3, -2) // the last two: parts that were there
  expect(progress.slice(-2)).toEqual([size, truth.length - size * 3])
  expect(sum(fetched)).toBe(size)
})

test('a part that comes damaged once is asked for again', async () => {
  const { bytes, progress } = await download(damaged('parts-bad-once'))
  expect(bytes).toEqual(truth)
  expect(progress).toContain(-size)
  expect(sum(progress)).toBe(truth.length)
})

test('a part that stays damaged: its name is told, and the parts before it stay', async () => {
  const { error } = await download(damaged('parts-bad'))
  expect(error).toMatchObject({ code: 'integrity', message: expect.stringContaining(`${weights.path}.002`) })
  const later = await download(damaged('parts'))
  expect(later.progress[0]).toBe(size)
  expect(later.bytes).toEqual(truth)
})

test('sound parts that are another file than the manifest says are not kept', async () => {
  const wrong = { ...entry, sha256: '0'.repeat(64) }
  const { error, progress } = await download(damaged('parts'), { entry: wrong })
  expect(error).toMatchObject({ code: 'integrity', message: expect.stringContaining('although its parts have theirs') })
  expect(sum(progress)).toBe(0)
})

test('without a private disk, also where a part comes damaged once', async () => {
  for (const kind of ['parts', 'parts-bad-once']) {
    const progress: number[] = []
    const options = { disk: null, signal: new AbortController().signal, onBytes: (n: number) => progress.push(n) }
    const file = await fetchFile(damaged(kind), entry, options)
    expect(new Uint8Array(await file.arrayBuffer())).toEqual(truth)
    expect(sum(progress)).toBe(truth.length)
  }
})
