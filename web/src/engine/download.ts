/** The files of a variant: from the browser's private disk, from the server next door as they are needed, or downloaded. */
import { type BundleRecord, type Disk, openDisk, recall } from './disk.ts'
import type { StoredFile } from './disk-file.ts'
import { EngineError } from './errors.ts'
import { describeBundle, FOREIGN, templateInside } from './foreign.ts'
import type { FileEntry, Manifest, Variant } from './manifest.ts'
import { ServedFile } from './served.ts'
import type { SessionFiles } from './session.ts'
import { fetchFile, fileUrl } from './store.ts'

/** The files of a bundle that a variant needs, by path. */
export interface Files {
  /** Verified; on disk or on the server where it is large, so read it piece by piece. */
  blob(path: string): Blob
  /** The same on disk; null where the browser has none for us. */
  stored(path: string): StoredFile | null
  /** The graph of this path with all weight files of the variant. */
  session(graph: string): Promise<SessionFiles>
}

export interface Reporter {
  downloading(entry: FileEntry): void
  /** Bytes that came; negative where they were thrown away. */
  received(bytes: number): void
}

/** The bundle's manifest; where its server is gone, the one of a bundle that is kept here. */
export async function describe(bundleUrl: string, signal: AbortSignal): Promise<Manifest> {
  const { manifest, imported } = (await recall(bundleUrl)) ?? {}
  if (imported && manifest) return manifest
  try {
    return await describeBundle(bundleUrl, signal)
  } catch (error) {
    if (manifest && error instanceof EngineError && error.code === 'download') return manifest
    throw error
  }
}

/** Files above this size are not worth a second copy of what the server next door has. */
const LARGE_BYTES = 4 << 20

/** @param keep whether the files are to stay on the browser's private disk */
export async function download(
  { bundleUrl, keep }: { bundleUrl: string; keep: boolean },
  { manifest, variant }: { manifest: Manifest; variant: Variant },
  { progress, signal }: { progress: Reporter; signal: AbortSignal },
): Promise<Files> {
  const data = new Map<string, Blob>()
  const entries = neededFiles(manifest, variant)
  const disk = await openDisk()
  if (entries.every(({ sha256 }) => sha256 !== '')) {
    const noted = remember(disk, { bundleUrl, keep, manifest, entries })
    await (keep ? noted : noted.catch(() => {})) // notes about what a server keeps are worth no failure
  }
  // One after the other in effect (the weights dwarf the rest), but the small ones do not wait for the large one.
  await allOrNothing(signal, inner =>
    entries.map(async entry => {
      progress.downloading(entry)
      const onBytes = (bytes: number) => progress.received(bytes)
      const served = keep ? null : await serve(bundleUrl, entry, { disk, onBytes, signal })
      const options = { disk: keep ? disk : null, signal: inner, onBytes }
      data.set(entry.path, served ?? (await fetchFile(bundleUrl, entry, options)))
    }),
  )
  const blob = (path: string) => data.get(path) ?? new Blob() // every path below is in `entries`
  const stored = new Map(entries.map(entry => [entry.path, disk?.stored(entry) ?? null]))
  return {
    blob,
    stored: path => stored.get(path) ?? null,
    session: async graph => ({
      graph: new Uint8Array(await (await real(blob(graph))).arrayBuffer()),
      externalData: await Promise.all(
        weightPaths(variant).map(async ({ path, name }) => ({ path: name, data: await real(blob(path)) })),
      ),
    }),
  }
}

function weightPaths({ graph, encoder_graph, embedding_graph, program, files }: Variant) {
  const folder = graph.slice(0, graph.lastIndexOf('/') + 1)
  const others: (string | undefined | null)[] = [graph, encoder_graph, embedding_graph, program?.path]
  return files
    .filter(({ path }) => !others.includes(path))
    .map(({ path }) => ({ path, name: path.slice(folder.length) }))
}

/** ONNX Runtime reads Blobs through the browser's own code. */
async function real(file: Blob): Promise<Blob> {
  return file instanceof ServedFile ? file.whole() : file
}

async function remember(
  disk: Disk | null,
  {
    bundleUrl,
    keep,
    manifest,
    entries,
  }: { bundleUrl: string; keep: boolean; manifest: Manifest; entries: FileEntry[] },
): Promise<void> {
  const { id, name } = manifest
  const record: BundleRecord = { url: bundleUrl, id, name, files: entries, used_at: Date.now(), kept: keep, manifest }
  await disk?.remember(record, sha256 =>
    [manifest, ...manifest.variants].some(({ files }) => files.some(file => file.sha256 === sha256)),
  )
}

/**
 * A large file of a server that keeps it: to be read when it is needed, where its checksum was compared before and the ETag
 * says that it did not change; else downloaded and compared now. Null for what is small, or cannot be told apart so.
 */
async function serve(
  bundleUrl: string,
  entry: FileEntry,
  { disk, signal, onBytes }: { disk: Disk | null; signal: AbortSignal; onBytes: (bytes: number) => void },
): Promise<Blob | null> {
  if (!disk || entry.size_bytes < LARGE_BYTES || entry.sha256 === '' || entry.parts) return null
  const url = fileUrl(bundleUrl, entry)
  const response = await fetch(url, { signal, cache: 'no-store' }).catch(() => null)
  signal.throwIfAborted()
  const etag = response?.headers.get('ETag') ?? null
  if (!response?.ok || !response.body || !etag?.startsWith('"')) return null
  const stored = disk.stored(entry)
  if ((await stored.note()) !== etag) {
    await response.body.cancel()
    const file = await fetchFile(bundleUrl, entry, { disk: null, cache: 'no-store', signal, onBytes })
    await stored.keepNote(etag).catch(() => {}) // no room, or another tab writes: the next load compares again
    return file
  }
  return new ServedFile({ url, entry, etag, signal, onBytes }, response.body)
}

export async function tokenizerFiles({ blob }: Files, { source, prompts: { chat_template: template } }: Manifest) {
  const tokenizerConfig = await blob(TOKENIZER_FILES[1]).text()
  const inside = source.kind === FOREIGN ? templateInside(tokenizerConfig) : null
  return {
    tokenizerJson: await blob(TOKENIZER_FILES[0]).text(),
    tokenizerConfig,
    chatTemplate: template === null ? inside : await blob(template).text(),
  }
}

const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json'] as const

/** What a variant is loaded from. @throws EngineError 'bad-manifest' */
export function neededFiles(manifest: Manifest, variant: Variant): FileEntry[] {
  const paths = [...TOKENIZER_FILES, ...(manifest.prompts.chat_template ? [manifest.prompts.chat_template] : [])]
  const shared = paths.map(path => {
    const entry = manifest.files.find(file => file.path === path)
    if (!entry) throw new EngineError('bad-manifest', { kind: 'unlisted-file', path })
    return entry
  })
  return [...shared, ...variant.files]
}

/** Like Promise.all, but the first failure stops the others instead of leaving them to run. */
async function allOrNothing(signal: AbortSignal, begin: (inner: AbortSignal) => Promise<void>[]): Promise<void> {
  const stop = new AbortController()
  const inner = AbortSignal.any([signal, stop.signal])
  const work = begin(inner)
  try {
    await Promise.all(work)
  } catch (error) {
    stop.abort()
    await Promise.allSettled(work)
    throw error
  }
}
