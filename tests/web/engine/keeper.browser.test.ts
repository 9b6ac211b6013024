/** Bundles on the private disk without an engine: kept, checked, repaired file by file, imported; and those that a server keeps. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type ChosenFile,
  checkKeptBundle,
  createEngine,
  importBundle,
  keepBundle,
  onWorkerRequests,
  type RequestNote,
  storedBundles,
} from '../../../web/src/engine/client.ts'
import { type FileEntry, parseManifest } from '../../../web/src/engine/manifest.ts'
import { ServedFile } from '../../../web/src/engine/served.ts'
import { BUNDLE, emptyDisk } from './downloads.ts'

const text = await (await fetch(`${BUNDLE}manifest.json`)).text()
const manifest = parseManifest(text, BUNDLE)
const variant = manifest.variants.find(({ name }) => name === 'cpu-int8')
const weights = variant?.files.find(({ path }) => path.endsWith('.data')) as FileEntry // every variant has

beforeEach(emptyDisk)
afterEach(emptyDisk)

async function storedFile(sha256: string): Promise<FileSystemFileHandle> {
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('slm-models')
  return (await folder.getDirectoryHandle('files')).getFileHandle(sha256)
}

/** What workers ask for while `work` runs: paths below the bundle. */
async function asked(work: () => Promise<unknown>): Promise<string[]> {
  const seen: RequestNote[] = []
  let listening = true
  onWorkerRequests(notes => {
    if (listening) seen.push(...notes)
  })
  await work()
  listening = false
  return seen.filter(({ url }) => url.startsWith(BUNDLE)).map(({ url }) => url.slice(BUNDLE.length))
}

describe('kept', () => {
  test('a variant is there whole, with what is known of it, and one damaged file is fetched again alone', async () => {
    const progress: number[] = []
    await keepBundle({
      bundle: BUNDLE,
      variant: 'cpu-int8',
      onProgress: ({ loadedBytes }) => progress.push(loadedBytes),
    })
    const [kept] = await storedBundles()
    expect(kept).toMatchObject({ bundle: BUNDLE, complete: true, missingBytes: 0, imported: false })
    expect(kept?.variants.map(({ name }) => name)).toEqual(['cpu-int8'])
    expect(kept?.variants[0]?.compared?.top1_agreement).toBe(variant?.fidelity.top1_agreement)
    expect(progress.at(-1)).toBe(kept?.sizeBytes)
    expect(await checkKeptBundle({ bundle: BUNDLE })).toEqual([])

    const handle = await storedFile(weights.sha256)
    const bytes = new Uint8Array(await (await handle.getFile()).arrayBuffer())
    bytes[1000] = (bytes[1000] ?? 0) ^ 1
    const writable = await handle.createWritable()
    await writable.write(bytes)
    await writable.close()
    expect(await checkKeptBundle({ bundle: BUNDLE })).toEqual([weights.path])
    expect((await storedBundles())[0]?.variants).toEqual([])
    const again = await asked(() => keepBundle({ bundle: BUNDLE, variant: 'cpu-int8' }))
    expect(again).toEqual(['manifest.json', weights.path])
    expect((await storedBundles())[0]?.complete).toBe(true)
  })

  test('an abort leaves what has come, to be gone on with', async () => {
    // From a server that sends half of the weights and then, the first time, no more: it cannot end before the abort.
    const bundle = new URL(`/damaged/stalls/${crypto.randomUUID()}/tiny-llama/`, document.baseURI).href
    const stop = new AbortController()
    const onProgress = ({ loadedBytes }: { loadedBytes: number }) => {
      if (loadedBytes >= weights.size_bytes / 2) stop.abort()
    }
    const work = keepBundle({ bundle, variant: 'cpu-int8', signal: stop.signal, onProgress })
    await expect(work).rejects.toMatchObject({ name: 'AbortError' })
    expect((await storedBundles())[0]?.complete).toBe(false)
    await keepBundle({ bundle, variant: 'cpu-int8' })
    expect((await storedBundles())[0]?.complete).toBe(true)
  })

  test('an engine that is not to keep anything drops what was kept', async () => {
    await keepBundle({ bundle: BUNDLE, variant: 'cpu-int8' })
    await (await createEngine({ bundle: BUNDLE, variant: 'cpu-int8', keep: false })).dispose()
    expect(await storedBundles()).toEqual([])
    await expect(storedFile(weights.sha256)).rejects.toMatchObject({ name: 'NotFoundError' })
  })

  test('an unknown variant is refused', async () => {
    await expect(keepBundle({ bundle: BUNDLE, variant: 'gpu' })).rejects.toMatchObject({ code: 'bad-request' })
  })
})

describe('imported', () => {
  async function chosen(): Promise<ChosenFile[]> {
    const paths = [
      'manifest.json',
      ...manifest.files.map(({ path }) => path),
      ...(variant?.files ?? []).map(({ path }) => path),
    ]
    return Promise.all(
      paths.map(async path => ({ path, file: new File([await (await fetch(BUNDLE + path)).blob()], path) })),
    )
  }

  test('a folder of the user runs without any server', async () => {
    const bundle = await importBundle({ files: await chosen() })
    const [kept] = await storedBundles()
    expect(kept).toMatchObject({ bundle, imported: true, complete: true })
    expect(kept?.variants.map(({ name }) => name)).toEqual(['cpu-int8'])
    const engine = await createEngine({ bundle, device: 'cpu' })
    const completion = await engine.completions.create({ prompt: 'a', max_tokens: 4, temperature: 0 })
    expect(completion.usage?.completion_tokens).toBeGreaterThan(0)
    await engine.dispose()
  })

  test('a file that is not the listed one is refused, and so is a folder without a manifest', async () => {
    const files = await chosen()
    const spoilt = files.map(({ path, file }) => ({ path, file: path === weights.path ? new File(['x'], path) : file }))
    await expect(importBundle({ files: spoilt })).rejects.toMatchObject({ code: 'integrity' })
    const none = files.filter(({ path }) => path !== 'manifest.json')
    await expect(importBundle({ files: none })).rejects.toMatchObject({ code: 'no-model' })
  })
})

describe('served', () => {
  const url = new URL(`/damaged/windows/${crypto.randomUUID()}/tiny-llama/${weights.path}`, document.baseURI)

  async function open(etag: string | null = '"1"') {
    const response = await fetch(url)
    if (!response.body) throw new Error('no body')
    const received: number[] = []
    const serving = { url, entry: weights, etag: etag ?? '', signal: new AbortController().signal }
    return { file: new ServedFile({ ...serving, onBytes: count => received.push(count) }, response.body), received }
  }

  test('slices are the file’s, one behind the other, out of order, and behind its end', async () => {
    const truth = new Uint8Array(await (await fetch(BUNDLE + weights.path)).arrayBuffer())
    const { file, received } = await open()
    expect(file.size).toBe(truth.length)
    const bytes = async (from: number, to?: number) => new Uint8Array(await file.slice(from, to).arrayBuffer())
    expect(await bytes(0, 50_000)).toEqual(truth.slice(0, 50_000))
    expect(await bytes(50_000, 100_001)).toEqual(truth.slice(50_000, 100_001))
    expect(received.reduce((sum, count) => sum + count, 0)).toBe(100_001)
    expect(await bytes(20, 40)).toEqual(truth.slice(20, 40))
    expect(await bytes(truth.length - 10)).toEqual(truth.slice(-10))
    expect(await bytes(truth.length + 5, truth.length + 9)).toHaveLength(0)
    expect(new Uint8Array(await (await file.whole()).arrayBuffer())).toEqual(truth)
  })

  test('a file that changed is an error, not a mixture', async () => {
    const { file } = await open('"another"')
    await expect(file.slice(100, 200).arrayBuffer()).rejects.toMatchObject({ code: 'download' })
  })
})
