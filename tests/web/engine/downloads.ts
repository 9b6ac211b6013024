/** What tests of downloads share: the tiny bundle's weights, servers that damage them, a download in a worker. */
import { type FileEntry, parseManifest } from '../../../web/src/engine/manifest.ts'
import type { Delivery, Order } from './store-worker.ts'

export const BUNDLE = new URL('/bundles/tiny-llama/', document.baseURI).href
export const manifest = parseManifest(await (await fetch(`${BUNDLE}manifest.json`)).text(), BUNDLE)
export const weights = manifest.variants[0]?.files.find(({ path }) => path.endsWith('.data')) as FileEntry // every variant has
export const truth = new Uint8Array(await (await fetch(BUNDLE + weights.path)).arrayBuffer())

/** The bundle from a server of this kind (tests/web/engine/damage.ts). */
export const damaged = (kind: string) =>
  new URL(`/damaged/${kind}/${crypto.randomUUID()}/tiny-llama/`, document.baseURI).href

export const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

/** Downloads the weights, or `over.entry`, in a worker of its own. */
export function download(url: string, over: Partial<Order> = {}): Promise<Delivery> {
  const worker = new Worker(new URL('./store-worker.ts', import.meta.url), { type: 'module' })
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Delivery>) => {
      worker.terminate()
      resolve(data)
    }
    worker.onerror = ({ message }) => reject(new Error(message))
    const order: Order = {
      ...{ url, entry: weights, cancelAt: Number.POSITIVE_INFINITY, onFirstBytes: null },
      ...{ left: null, windowBytes: null, note: null, ...over },
    }
    worker.postMessage(order)
  })
}

/** Leaves nothing on the browser's private disk. */
export async function emptyDisk(): Promise<void> {
  const root = await navigator.storage.getDirectory()
  for await (const name of root.keys()) await root.removeEntry(name, { recursive: true })
}
