/** What is compared, as plain data: columns with model, way to run and settings, and the prompts; to a link and back. Pure. */
import type { ChatMessageParam, Device } from '../engine/api.ts'
import { type ChatSettings, MODEL_DEFAULTS, readChatSettings } from './chat.ts'

export interface Column {
  /** The bundle's id. */
  model: string
  /** A variant of the bundle by name, null for the best one of the device. */
  variant: string | null
  device: 'auto' | Device
  /** Which code computes, null for the best there is. */
  backend: 'ort' | 'simd' | null
  settings: ChatSettings
}

export interface Comparison {
  /** One to four: one alone is an answer to be made again. */
  columns: Column[]
  /** What was said before, the same for all. */
  before: { role: 'user' | 'assistant'; content: string }[]
  /** Asked one after the other; each column goes on from its own answers. */
  prompts: string[]
  /** Of an answer to be made again: what it has to come to, and where it came from. */
  expected: Expected | null
}

export interface Expected {
  /** SHA-256 of the answer's text, in hexadecimal. */
  text_sha256: string
  /** Another one may compute other numbers, and so write another text. */
  backend: string
}

export const MOST_COLUMNS = 4
const FORMAT = 'slm-playground-comparison'
/** Longer ones are better kept as a file: not every program takes them. */
const LONGEST_LINK = 8000
/** Messages and prompts in a link, which anybody may have made: a short one can unpack to millions. A file has no limit. */
const MOST_IN_LINK = 200

/** What an address can hold of a comparison; null where that is too much for one, and a file has to do. */
export async function linkOf(comparison: Comparison): Promise<string | null> {
  const { before, prompts } = comparison
  if (Math.max(before.length, prompts.length) > MOST_IN_LINK) return null
  const encoded = await encodeComparison(comparison)
  return encoded.length > LONGEST_LINK ? null : encoded
}

/** JSON, deflated, in base64url; `1.` before it is the version of this format. */
export async function encodeComparison(comparison: Comparison): Promise<string> {
  const columns = comparison.columns.map(column => ({ ...column, settings: changed(column.settings) }))
  const json = JSON.stringify({ ...comparison, columns })
  return `1.${toBase64url(await through(new CompressionStream('deflate-raw'), new TextEncoder().encode(json)))}`
}

/** Null for what is no comparison, or one of a newer version. */
export async function decodeComparison(encoded: string): Promise<Comparison | null> {
  const [version, payload] = encoded.split('.')
  if (version !== '1' || !payload || payload.length > 10 * LONGEST_LINK) return null
  try {
    const bytes = await through(new DecompressionStream('deflate-raw'), fromBase64url(payload))
    return readComparison(JSON.parse(new TextDecoder().decode(bytes)), MOST_IN_LINK)
  } catch {
    return null
  }
}

/** A comparison as the text of a file, and out of one. */
export function comparisonFile(comparison: Comparison): string {
  return `${JSON.stringify({ format: FORMAT, version: 1, ...comparison }, null, 2)}\n`
}

export function readComparisonFile(content: string): Comparison | null {
  try {
    const parsed: unknown = JSON.parse(content)
    const { format, version } = Object(parsed)
    return format === FORMAT && version === 1 ? readComparison(parsed, Infinity) : null
  } catch {
    return null
  }
}

/** Nothing is taken on trust: a link may come from anywhere. `most`: messages, and prompts. */
function readComparison(value: unknown, most: number): Comparison | null {
  const { columns, before, prompts, expected } = Object(value)
  if (!Array.isArray(columns) || columns.length < 1 || columns.length > MOST_COLUMNS) return null
  const read = columns.map(readColumn)
  const known = read.filter(column => column !== null)
  if (known.length < read.length || !isList(prompts, entry => typeof entry === 'string')) return null
  if (!isList(before, isSaid) || Math.max(before.length, prompts.length) > most) return null
  return { columns: known, before, prompts, expected: readExpected(expected) }
}

function readColumn(value: unknown): Column | null {
  const { model, variant, device, backend, settings } = Object(value)
  if (typeof model !== 'string' || !/^[\w.-]{1,120}$/.test(model)) return null
  if (variant !== null && typeof variant !== 'string') return null
  if (device !== 'auto' && device !== 'webgpu' && device !== 'cpu') return null
  if (backend !== null && backend !== 'ort' && backend !== 'simd') return null
  return { model, variant, device, backend, settings: readChatSettings(settings).settings }
}

function readExpected(value: unknown): Expected | null {
  const { text_sha256, backend } = Object(value)
  const isHash = typeof text_sha256 === 'string' && /^[0-9a-f]{64}$/.test(text_sha256)
  return isHash && typeof backend === 'string' ? { text_sha256, backend } : null
}

function isSaid(value: unknown): value is Comparison['before'][number] {
  const { role, content } = Object(value)
  return (role === 'user' || role === 'assistant') && typeof content === 'string'
}

function isList<T>(value: unknown, is: (entry: unknown) => entry is T): value is T[]
function isList(value: unknown, is: (entry: unknown) => boolean): value is string[]
function isList(value: unknown, is: (entry: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(is)
}

/** Only what differs from the model's own: links are short. */
function changed(settings: ChatSettings): Partial<ChatSettings> {
  const plain = JSON.stringify
  return Object.fromEntries(
    Object.entries(settings).filter(
      ([name, value]) => plain(value) !== plain(MODEL_DEFAULTS[name as keyof ChatSettings]), // its own keys
    ),
  )
}

/** What a column is asked after the prompts up to one: what was said before, its own answers, the prompt. */
export function asked({ before, prompts }: Comparison, turn: number, answers: readonly string[]): ChatMessageParam[] {
  const turns = prompts.slice(0, turn).flatMap((prompt, index): ChatMessageParam[] => [
    { role: 'user', content: prompt },
    { role: 'assistant', content: answers[index] ?? '' },
  ])
  return [...before, ...turns.filter(({ content }) => content !== ''), { role: 'user', content: prompts[turn] ?? '' }]
}

export async function sha256(content: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(content))
  return Array.from(new Uint8Array(digest), byte => byte.toString(16).padStart(2, '0')).join('')
}

async function through(
  stream: CompressionStream | DecompressionStream,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const piped = new Blob([bytes]).stream().pipeThrough(stream)
  return new Uint8Array(await new Response(piped).arrayBuffer())
}

function toBase64url(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

function fromBase64url(encoded: string): Uint8Array<ArrayBuffer> {
  const binary = atob(encoded.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, letter => letter.charCodeAt(0))
}
