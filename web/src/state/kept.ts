/**
 * Which models this browser keeps a copy of. The server next door has them anyway, so without a wish nothing is stored twice;
 * without such a server everything that is used is kept.
 */
import { signal } from '@preact/signals'
import type { EngineOptions } from '../engine/api.ts'
import {
  type ChosenFile,
  checkKeptBundle,
  importBundle,
  type KeepProgress,
  keepBundle,
  removeStoredBundle,
} from '../engine/client.ts'
import { siteName } from '../engine/names.ts'
import { fetchModels, keptBundles, lookAtKept, type ModelSummary, modelList } from './models.ts'

const KEY = siteName('slm-playground.kept')

/** Ids of models that the user wants to have when the server is gone. */
const wantedOffline = signal<ReadonlySet<string>>(read())

export interface Keeping {
  id: string
  progress: KeepProgress | null
  stop: AbortController
}

/** The copy that is being made or checked; one at a time. */
export const keeping = signal<Keeping | null>(null)

/** How an engine of this page treats a bundle's files. */
export function keepOptions(bundle: string): Pick<EngineOptions, 'keep'> {
  const list = modelList.value
  if (!list || list.isOffline) return { keep: true }
  const model = list.models.find(
    ({ url }) => new URL(url, document.baseURI).href === new URL(bundle, document.baseURI).href,
  )
  return { keep: model === undefined || wantedOffline.value.has(model.id) }
}

/** Copies one variant to this browser's disk. @throws EngineError; an AbortError where it is stopped */
export async function keepOffline(model: ModelSummary, variant: string): Promise<void> {
  await at(model.id, (signal, onProgress) => keepBundle({ bundle: model.url, variant, signal, onProgress }))
  want(model.id, true)
}

/** Deletes the copy here; the server's stays. */
export async function dropOffline(model: Pick<ModelSummary, 'id' | 'url'>): Promise<void> {
  want(model.id, false)
  await removeStoredBundle(model.url)
  await lookAtKept()
}

/** Compares the checksums of a copy. @returns the damaged files, which are deleted and fetched anew by `keepOffline` */
export async function checkOffline(model: Pick<ModelSummary, 'id' | 'url'>): Promise<string[]> {
  return at(model.id, (signal, onProgress) => checkKeptBundle({ bundle: model.url, signal, onProgress }))
}

/** A bundle from the user's own files, where there is no server to give it to. @returns its address */
export async function importOwn(
  files: readonly ChosenFile[],
  { signal, onBytes }: { signal: AbortSignal; onBytes: (done: number, total: number) => void },
): Promise<string> {
  const onProgress = ({ loadedBytes, totalBytes }: KeepProgress) => onBytes(loadedBytes, totalBytes)
  const bundle = await importBundle({ files: [...files], signal, onProgress })
  await fetchModels()
  return keptBundles.value.find(kept => kept.bundle === bundle)?.name ?? bundle
}

type Watched<T> = (signal: AbortSignal, onProgress: (progress: KeepProgress) => void) => Promise<T>

async function at<T>(id: string, work: Watched<T>): Promise<T> {
  keeping.value?.stop.abort()
  const stop = new AbortController()
  const mine = () => keeping.value?.stop === stop
  keeping.value = { id, progress: null, stop }
  try {
    return await work(stop.signal, progress => {
      if (mine()) keeping.value = { id, progress: { ...progress }, stop }
    })
  } finally {
    if (mine()) keeping.value = null
    await lookAtKept()
  }
}

function want(id: string, wanted: boolean): void {
  const ids = new Set(wantedOffline.value)
  if (wanted) ids.add(id)
  else ids.delete(id)
  wantedOffline.value = ids
  try {
    localStorage.setItem(KEY, JSON.stringify([...ids]))
  } catch {
    // Storage is full or forbidden: the wish holds for this page only.
  }
}

function read(): ReadonlySet<string> {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]')
    return new Set(Array.isArray(stored) ? stored.filter(id => typeof id === 'string') : [])
  } catch {
    return new Set()
  }
}
