/** Downloads: on the browser's private disk from a worker, in memory elsewhere; broken, cancelled, damaged, too large. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createEngine } from '../../../web/src/engine/client.ts'
import { removeStoredBundle, storedBundles } from '../../../web/src/engine/disk.ts'
import { fetchFile } from '../../../web/src/engine/store.ts'
import { BUNDLE, damaged, download, emptyDisk, manifest, sum, truth, weights } from './downloads.ts'

/** What to ask for to break the connections of a bundle that stalls. */
const breaking = (url: string) => url.replace('/stalls/', '/break/')

beforeEach(emptyDisk)
afterEach(emptyDisk)

describe('on disk', () => {
  test('a file is fetched once and then found there', async () => {
    const url = damaged('gone-later')
    const first = await download(url)
    expect(first).toMatchObject({ onDisk: true, error: null })
    expect(first.bytes).toEqual(truth)
    expect(sum(first.progress)).toBe(truth.length)
    const second = await download(url)
    expect(second.bytes).toEqual(truth)
    expect(second.progress).toEqual([truth.length])
  })

  test('a file is read straight into shared memory, by two workers at once, and keeps its note until it is removed', async () => {
    const deliveries = await Promise.all([download(BUNDLE), download(BUNDLE)])
    for (const { direct } of deliveries) {
      expect(direct?.read).toBe(true)
      expect(direct?.bytes).toEqual(truth)
    }
    expect((await download(BUNDLE, { note: 'a longer one' })).note).toBeNull()
    expect((await download(BUNDLE, { note: 'short' })).note).toBe('a longer one')
    expect((await download(BUNDLE)).note).toBe('short')
    await emptyDisk()
    expect((await download(BUNDLE)).note).toBeNull()
  })

  test('a connection that breaks: only what is missing is asked for', async () => {
    const url = damaged('stalls')
    const { bytes, progress } = await download(url, { onFirstBytes: breaking(url) })
    expect(bytes).toEqual(truth)
    expect(sum(progress)).toBe(truth.length)
    expect(progress.every(count => count >= 0)).toBe(true) // nothing came twice
  })

  test('a cancelled download goes on where it was', async () => {
    const url = damaged('stalls')
    const cancelAt = Math.floor(truth.length / 2)
    const cancelled = await download(url, { cancelAt })
    expect(cancelled.error?.name).toBe('AbortError')
    const after = await download(url)
    expect(after.bytes).toEqual(truth)
    expect(after.progress[0]).toBe(cancelAt)
    expect(sum(after.progress)).toBe(truth.length)
  })

  test.each([
    ['a server that sends ranges', 'ranged'],
    ['a server that sends whole files', 'sound'],
  ])('a beginning that turns out damaged is dropped, with %s', async (_, kind) => {
    const left = new Uint8Array(1000).fill(7)
    const { bytes, progress } = await download(damaged(kind), { left })
    expect(bytes).toEqual(truth)
    expect(progress[0]).toBe(1000)
    expect(sum(progress)).toBe(truth.length)
  })

  test.each([
    ['in ranges side by side, and in order', 'windows'],
    ['in ranges that no Content-Range names', 'windows-unsaid'],
    ['from a server that sends whole files all the same', 'sound'],
  ])('a far server: a file comes %s', async (_, kind) => {
    const { bytes, progress } = await download(damaged(kind), { windowBytes: 50_000 })
    expect(bytes).toEqual(truth)
    expect(sum(progress)).toBe(truth.length)
    expect(progress.every(count => count >= 0)).toBe(true)
  })

  test.each(['windows', 'windows-unsaid'])(
    'a far server: what a broken download left is gone on with (%s)',
    async kind => {
      const { bytes, progress } = await download(damaged(kind), {
        left: truth.slice(0, 70_001),
        windowBytes: 50_000,
      })
      expect(bytes).toEqual(truth)
      expect(progress[0]).toBe(70_001)
      expect(sum(progress)).toBe(truth.length)
    },
  )

  test('a far server whose file changes between ranges: nothing of it is kept', async () => {
    const { error } = await download(damaged('windows-change'), { windowBytes: 50_000 })
    expect(error).toMatchObject({ code: 'integrity' })
  })

  test.each([
    ['corrupted', /does not have the checksum/],
    ['truncated', /ended after/],
    ['longer', /is longer than/],
  ])('of a file that stays %s nothing is kept', async (kind, message) => {
    const { error, progress } = await download(damaged(kind))
    expect(error).toMatchObject({ code: 'integrity', message: expect.stringMatching(message) })
    expect(sum(progress)).toBe(0)
    const later = await download(damaged('sound'))
    expect(later.progress[0]).toBe(0)
    expect(later.bytes).toEqual(truth)
  })

  test('two workers that want the same file at once share one download', async () => {
    const url = damaged('gone-later')
    const both = await Promise.all([download(url), download(url)])
    for (const { bytes } of both) expect(bytes).toEqual(truth)
  })

  test('no room is a "quota" error that says what to do, before anything is fetched', async () => {
    const entry = { ...weights, size_bytes: 2 ** 50 } // more than any browser gives a page
    const { error, progress } = await download(damaged('missing-file'), { entry })
    expect(error).toMatchObject({ code: 'quota', message: expect.stringMatching(/no room for .*Remove models/) })
    expect(progress).toEqual([])
  })
})

test('in memory, where there is no private disk: the same bytes, and a broken connection goes on', async () => {
  const progress: number[] = []
  const url = damaged('stalls')
  const onBytes = (bytes: number) => {
    if (bytes > 0 && sum(progress) === 0) void fetch(breaking(url))
    progress.push(bytes)
  }
  const options = { disk: null, signal: new AbortController().signal, onBytes }
  const blob = await fetchFile(url, weights, options)
  expect(new Uint8Array(await blob.arrayBuffer())).toEqual(truth)
  expect(sum(progress)).toBe(truth.length)
})

test('a loaded bundle is listed with its size, removed for good, and loaded again afterwards', async () => {
  const load = () => createEngine({ bundle: '/bundles/tiny-llama/', variant: 'cpu-int8' })
  const { info, ...engine } = await load()
  const listed = await storedBundles()
  expect(listed).toMatchObject([{ bundle: BUNDLE, id: manifest.id, complete: true, sizeBytes: info.downloadBytes }])
  expect(Date.now() - (listed[0]?.usedAt.getTime() ?? 0)).toBeLessThan(120_000)
  await engine.dispose()
  await removeStoredBundle('/bundles/tiny-llama')
  expect(await storedBundles()).toEqual([])
  const files = await (
    await (await navigator.storage.getDirectory()).getDirectoryHandle('slm-models')
  ).getDirectoryHandle('files')
  for await (const name of files.keys()) throw new Error(`${name} was left behind`)
  await (await load()).dispose()
  expect(await storedBundles()).toHaveLength(1)
})

test('files that two bundles share stay until the second is removed', async () => {
  const one = damaged('sound')
  const two = damaged('sound')
  for (const bundle of [one, two]) await (await createEngine({ bundle, variant: 'cpu-int8' })).dispose()
  expect(await storedBundles()).toHaveLength(2)
  await removeStoredBundle(one)
  const [left, ...others] = await storedBundles()
  expect(others).toEqual([])
  expect(left).toMatchObject({ bundle: two, complete: true })
})
