/** What keeper.ts asks for, done where the browser's private disk can be written. One call, then the worker ends. */
import { createSHA256 } from 'hash-wasm'
import { type Disk, dropFiles, recall, requireDisk, withFileLock } from './disk.ts'
import { describe, neededFiles } from './download.ts'
import { EngineError } from './errors.ts'
import { explain } from './explain.ts'
import type { ChosenFile, KeeperCall, KeeperMessage, KeepProgress } from './keeper.ts'
import { type FileEntry, type Manifest, parseManifest, type Variant } from './manifest.ts'
import { watchRequests } from './requests.ts'
import { fetchFile } from './store.ts'

const never = new AbortController().signal // who does not wait any more ends this worker
const PIECE_BYTES = 4 << 20

/** Makes this worker the one that keeps files. */
export function keepFiles(): void {
  watchRequests('worker', requests => send({ kind: 'requests', requests }))
  self.onmessage = async ({ data }: MessageEvent<KeeperCall>) => {
    try {
      send({ kind: 'done', result: await work(data) })
    } catch (error) {
      const { code, reasons } = explain(error, said => ({ kind: 'keeping-failed', said }))
      send({ kind: 'fail', code, reasons: [...reasons] })
    }
  }
}

async function work(call: KeeperCall): Promise<string[]> {
  switch (call.kind) {
    case 'keep':
      return keep(call.bundleUrl, call.variant)
    case 'check':
      return check(call.bundleUrl)
    case 'import':
      return take(call.files, call.base)
  }
}

async function keep(bundleUrl: string, name: string): Promise<string[]> {
  const disk = await requireDisk()
  const manifest = await describe(bundleUrl, never)
  const variant = manifest.variants.find(entry => entry.name === name)
  if (!variant) throw new EngineError('bad-request', `${manifest.name} has no variant "${name}".`)
  const entries = neededFiles(manifest, variant)
  if (entries.some(({ sha256 }) => sha256 === '')) {
    throw new EngineError('unsupported', { kind: 'no-checksums', model: manifest.name })
  }
  await remember(disk, { bundleUrl, manifest, variant, imported: false })
  const counter = counting(entries)
  for (const entry of entries) await fetchFile(bundleUrl, entry, { disk, signal: never, onBytes: counter })
  return []
}

async function check(bundleUrl: string): Promise<string[]> {
  const disk = await requireDisk()
  const entries = (await recall(bundleUrl))?.files ?? []
  const counter = counting(entries)
  const damaged: FileEntry[] = []
  for (const entry of entries) {
    const file = await disk.find(entry)
    if (file && (await digest(file, counter)) !== entry.sha256) damaged.push(entry)
  }
  await dropFiles(damaged)
  return damaged.map(({ path }) => path)
}

async function take(files: ChosenFile[], base: string): Promise<string[]> {
  const disk = await requireDisk()
  const byPath = new Map<string, Blob>(files.map(({ path, file }) => [path, file]))
  const description = byPath.get('manifest.json')
  if (!description) {
    throw new EngineError('no-model', { kind: 'no-manifest-chosen' })
  }
  const manifest = parseManifest(await description.text(), 'manifest.json')
  for (const { path, parts } of [manifest, ...manifest.variants].flatMap(part => part.files)) {
    const blobs = parts?.flatMap(part => byPath.get(part.path) ?? [])
    if (parts && blobs?.length === parts.length) byPath.set(path, new Blob(blobs))
  }
  const variants = manifest.variants.filter(variant => variant.files.every(({ path }) => byPath.has(path)))
  const missing = [...manifest.files, ...(variants.length > 0 ? [] : manifest.variants.flatMap(v => v.files))]
  const lost = missing.find(({ path }) => !byPath.has(path))
  if (lost) throw new EngineError('no-model', { kind: 'missing-file', path: lost.path })
  const whole = { ...manifest, variants }
  const bundleUrl = new URL(`${encodeURIComponent(manifest.id)}/`, base).href
  const entries = [...new Map([...manifest.files, ...variants.flatMap(v => v.files)].map(e => [e.path, e])).values()]
  const counter = counting(entries)
  for (const variant of variants) await remember(disk, { bundleUrl, manifest: whole, variant, imported: true })
  for (const entry of entries) await copy(disk, entry, { file: byPath.get(entry.path) ?? new Blob(), counter })
  return [bundleUrl]
}

async function copy(disk: Disk, entry: FileEntry, { file, counter }: { file: Blob; counter: (bytes: number) => void }) {
  if (await disk.find(entry)) return counter(entry.size_bytes)
  if (file.size !== entry.size_bytes || (await digest(file, () => {})) !== entry.sha256) {
    throw new EngineError('integrity', { kind: 'other-file', path: entry.path })
  }
  await withFileLock(entry.sha256, never, async () => {
    const sink = await disk.open(entry)
    try {
      sink.restart()
      for await (const piece of pieces(file)) {
        sink.write(piece)
        counter(piece.length)
      }
      await sink.finish()
    } finally {
      sink.close()
    }
  })
}

interface Remembered {
  bundleUrl: string
  manifest: Manifest
  variant: Variant
  imported: boolean
}

async function remember(disk: Disk, { bundleUrl, manifest, variant, imported }: Remembered): Promise<void> {
  const { id, name } = manifest
  const files = [...new Map([...manifest.files, ...neededFiles(manifest, variant)].map(e => [e.path, e])).values()]
  const record = { url: bundleUrl, id, name, files: imported ? files : neededFiles(manifest, variant), manifest }
  await disk.remember({ ...record, used_at: Date.now(), kept: true, imported }, sha256 =>
    [manifest, ...manifest.variants].some(entry => entry.files.some(file => file.sha256 === sha256)),
  )
}

async function digest(file: Blob, counter: (bytes: number) => void): Promise<string> {
  const hash = await createSHA256()
  hash.init()
  for await (const piece of pieces(file)) {
    hash.update(piece)
    counter(piece.length)
  }
  return hash.digest()
}

async function* pieces(file: Blob): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.size; at += PIECE_BYTES) {
    yield new Uint8Array(await file.slice(at, at + PIECE_BYTES).arrayBuffer())
  }
}

function counting(entries: readonly { size_bytes: number }[]): (bytes: number) => void {
  const progress: KeepProgress = {
    loadedBytes: 0,
    totalBytes: entries.reduce((sum, entry) => sum + entry.size_bytes, 0),
  }
  return bytes => {
    progress.loadedBytes += bytes
    send({ kind: 'progress', progress })
  }
}

function send(message: KeeperMessage): void {
  self.postMessage(message)
}
