/**
 * Models on the browser's private disk without loading them: kept for when the server is gone, checked, taken from the user's
 * own files. The work is done by a worker of its own, which ends with it; what a broken download left is gone on with.
 */
import { AnyOriginWorker as Worker } from './any-origin.ts'
import { EngineError, type ErrorCode, type Reason } from './errors.ts'
import { KEEPER_NAME } from './names.ts'
import { type RequestNote, tellRequests } from './requests.ts'

export interface KeepProgress {
  loadedBytes: number
  totalBytes: number
}

interface Watching {
  signal?: AbortSignal
  onProgress?: (progress: KeepProgress) => void
}

/** A file of a folder that the user chose; `path` is relative to the folder. */
export interface ChosenFile {
  path: string
  file: File
}

export type KeeperCall =
  | { kind: 'keep'; bundleUrl: string; variant: string }
  | { kind: 'check'; bundleUrl: string }
  | { kind: 'import'; files: ChosenFile[]; base: string }

export type KeeperMessage =
  | { kind: 'progress'; progress: KeepProgress }
  | { kind: 'done'; result: string[] }
  | { kind: 'requests'; requests: RequestNote[] }
  | { kind: 'fail'; code: ErrorCode; reasons: Reason[] }

/** Downloads one variant to the private disk. @throws EngineError; an AbortError where `signal` aborts */
export async function keepBundle(options: { bundle: string; variant: string } & Watching): Promise<void> {
  await ask({ kind: 'keep', bundleUrl: folderUrl(options.bundle), variant: options.variant }, options)
}

/**
 * Compares every kept file's checksum and deletes those that are damaged: `keepBundle` then fetches these alone.
 * @returns the paths of the damaged files
 */
export async function checkKeptBundle(options: { bundle: string } & Watching): Promise<string[]> {
  return ask({ kind: 'check', bundleUrl: folderUrl(options.bundle) }, options)
}

/** Copies an exported bundle from the user's files. @returns the address under which `createEngine` finds it */
export async function importBundle(options: { files: ChosenFile[] } & Watching): Promise<string> {
  const base = new URL('./imported/', pageUrl()).href
  const [bundle = ''] = await ask({ kind: 'import', files: options.files, base }, options)
  return bundle
}

function pageUrl(): string {
  return globalThis.document?.baseURI ?? globalThis.location.href
}

function folderUrl(bundle: string): string {
  const url = new URL(bundle, pageUrl())
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url.href
}

function ask(call: KeeperCall, { signal, onProgress }: Watching): Promise<string[]> {
  signal?.throwIfAborted()
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: KEEPER_NAME })
  return new Promise<string[]>((resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
    worker.onerror = ({ message }) =>
      reject(new EngineError('internal', `The store failed: ${message}. Reload the page.`))
    worker.onmessage = ({ data }: MessageEvent<KeeperMessage>) => {
      if (data.kind === 'requests') tellRequests(data.requests)
      else if (data.kind === 'progress') onProgress?.(data.progress)
      else if (data.kind === 'done') resolve(data.result)
      else reject(new EngineError(data.code, data.reasons))
    }
    worker.postMessage(call)
  }).finally(() => worker.terminate())
}
