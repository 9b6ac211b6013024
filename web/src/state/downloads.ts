/** Models on their way to the server's folder: looked up, started, paused, gone on with; files of the user's own. */
import { signal } from '@preact/signals'
import type { Device } from '../engine/api.ts'
import type { ServerSentence } from '../text/en/server.ts'
import { fetchModels } from './models.ts'
import { write } from './server.ts'

export interface Part {
  name: string
  device: Device
  requires: string[]
  paths: string[]
  memory_bytes: number | null
  perplexity_ratio: number | null
  top1_agreement: number | null
  has_program: boolean
  download_bytes: number | null
}

/** What is at an address. */
export interface Offer {
  source: string
  url: string
  revision: string | null
  kind: 'bundle' | 'onnx-repository'
  id: string
  name: string
  licence: string
  family: string
  shared: string[]
  parts: Part[]
  files: { path: string; size_bytes: number | null }[]
}

export interface Download {
  id: string
  kind: 'add' | 'repair'
  name: string
  source: string
  variants: string[]
  state: 'running' | 'paused' | 'failed'
  problem: ServerSentence | null
  received_bytes: number
  total_bytes: number | null
}

export const downloads = signal<readonly Download[]>([])
/** Bytes per second of each running download. */
export const speeds = signal<ReadonlyMap<string, number>>(new Map())

const POLL_MS = 500
/** Speed is that of the last seconds: what matters is what is left. */
const SPEED_SAMPLES = 10
const samples = new Map<string, { at: number; bytes: number }[]>()
let polling = false
/** Counts looks: the answer to the latest counts. */
let looks = 0

/** What is under way, and from then on as long as something runs. @throws where the server does not answer */
export async function lookAtDownloads(): Promise<void> {
  const look = ++looks
  try {
    const response = await fetch('./api/downloads', { cache: 'no-store' })
    const { downloads: list } = await response.json() // our own server's answer, typed and tested in playground/
    if (look === looks) take(list)
  } finally {
    if (downloads.value.some(({ state }) => state === 'running')) poll()
  }
}

function take(list: readonly Download[]): void {
  const ended = downloads.value.filter(({ id }) => !list.some(other => other.id === id))
  measure(list)
  downloads.value = list
  if (ended.length > 0) void fetchModels().catch(() => {}) // the page says elsewhere that the server is gone
}

function poll(): void {
  if (polling) return
  polling = true
  setTimeout(() => {
    polling = false
    lookAtDownloads().catch(() => {}) // a server that is being started again comes back
  }, POLL_MS)
}

function measure(list: readonly Download[]): void {
  const now = performance.now()
  const found = new Map<string, number>()
  for (const { id, state, received_bytes: bytes } of list) {
    const known = state === 'running' ? [...(samples.get(id) ?? []), { at: now, bytes }].slice(-SPEED_SAMPLES) : []
    samples.set(id, known)
    const [first, last] = [known[0], known.at(-1)]
    if (first && last && last.at > first.at) found.set(id, ((last.bytes - first.bytes) / (last.at - first.at)) * 1000)
  }
  speeds.value = found
}

/** @throws ServerError with a sentence for people */
export async function lookUp(source: string, signal: AbortSignal): Promise<Offer> {
  return (await write('POST', 'lookups', { source }, signal)) as Offer // our own server's answer, tested in playground/
}

/** Bytes of some variants together with what all of them need; null where a size is not known. */
export function offerBytes({ shared, parts, files }: Offer, names: readonly string[]): number | null {
  const wanted = new Set([...shared, ...parts.filter(({ name }) => names.includes(name)).flatMap(({ paths }) => paths)])
  const sizes = files.filter(({ path }) => wanted.has(path)).map(({ size_bytes }) => size_bytes)
  return sizes.includes(null) ? null : sizes.reduce((total: number, size) => total + (size ?? 0), 0)
}

export async function startDownload(source: string, variants: readonly string[]): Promise<void> {
  await follow(await write('POST', 'downloads', { source, variants }))
}

/** A download as it began: by the first look it may be over, which is noticed only where it was known. */
async function follow(answer: unknown): Promise<void> {
  const begun = answer as Download // our own server's, as its list has it
  downloads.value = [...downloads.value.filter(({ id }) => id !== begun.id), begun]
  await lookAtDownloads()
}

export async function pauseDownload(id: string): Promise<void> {
  await write('POST', `downloads/${encodeURIComponent(id)}/pause`)
  await lookAtDownloads()
}

export async function resumeDownload(id: string): Promise<void> {
  await write('POST', `downloads/${encodeURIComponent(id)}/resume`)
  await lookAtDownloads()
}

export async function cancelDownload(id: string): Promise<void> {
  await write('DELETE', `downloads/${encodeURIComponent(id)}`)
  await lookAtDownloads()
}

/** Deleted models are gone for good after some minutes. @returns bytes that the server's disk has again then */
export async function deleteModel(id: string): Promise<number> {
  const { freed_bytes: freed } = Object(await write('DELETE', `models/${encodeURIComponent(id)}`))
  await fetchModels()
  return Number(freed)
}

/** Takes a deletion back. @throws ServerError where the files are gone already */
export async function restoreModel(id: string): Promise<void> {
  await write('POST', `models/${encodeURIComponent(id)}/restore`)
  await fetchModels()
}

/** Has the server compare each file's checksum, one after the other. @returns the damaged files */
export async function checkModel(
  { id, paths }: { id: string; paths: readonly string[] },
  { signal, onFile }: { signal: AbortSignal; onFile: (done: number) => void },
): Promise<string[]> {
  const damaged: string[] = []
  for (const [index, path] of paths.entries()) {
    const { problem } = Object(await write('POST', `models/${encodeURIComponent(id)}/check`, { path }, signal))
    if (problem !== null) damaged.push(path)
    onFile(index + 1)
  }
  return damaged
}

/** Every file that a model's manifest lists. */
export async function listedFiles(url: string): Promise<string[]> {
  const response = await fetch(new URL('manifest.json', new URL(url, document.baseURI)), { cache: 'no-cache' })
  const { files, variants } = Object(await response.json())
  const lists = [files, ...(Array.isArray(variants) ? variants.map(variant => Object(variant).files) : [])]
  return [...new Set(lists.flat().map(entry => String(Object(entry).path)))]
}

export async function repairModel(id: string, paths: readonly string[]): Promise<void> {
  await follow(await write('POST', `models/${encodeURIComponent(id)}/repair`, { paths }))
}

export interface OwnFile {
  path: string
  file: File
}

const PIECE_BYTES = 2 << 20

/**
 * Sends a folder to the server, a piece at a time; what an earlier try has sent is not sent again.
 * @returns the id of the new model
 */
export async function upload(
  name: string,
  files: readonly OwnFile[],
  { signal, onBytes }: { signal: AbortSignal; onBytes: (sent: number, total: number) => void },
): Promise<string> {
  const place = `uploads/${encodeURIComponent(name)}`
  const sizes = Object.fromEntries(files.map(({ path, file }) => [path, file.size]))
  const { received } = Object(await write('POST', place, { files: sizes }, signal))
  const total = files.reduce((sum, { file }) => sum + file.size, 0)
  let sent = 0
  for (const { path, file } of files) {
    const address = `${place}/${path.split('/').map(encodeURIComponent).join('/')}`
    const start = Number(Object(received)[path]) || 0
    sent += start
    for (let at = start; at < file.size || at === 0; at += PIECE_BYTES) {
      const piece = file.slice(at, at + PIECE_BYTES)
      await write('PUT', `${address}?offset=${at}`, piece, signal)
      sent += piece.size
      onBytes(sent, total)
    }
  }
  const { id } = Object(await write('POST', `${place}/finish`, {}, signal))
  await fetchModels()
  return String(id)
}
