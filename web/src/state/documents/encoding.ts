/**
 * Text files as bytes and as text: which encoding and line ends a file has, and the same ones again when it is saved.
 * In memory lines end with \n. Pure.
 */
export type Encoding = 'utf-8' | 'utf-8-bom' | 'utf-16le' | 'utf-16be' | 'windows-1252'
export type LineEnd = '\n' | '\r\n' | '\r'

export interface FileFormat {
  encoding: Encoding
  lineEnd: LineEnd
}

export interface DecodedFile extends FileFormat {
  text: string
  /** The file had several kinds of line ends; saving it will write the commonest one everywhere. */
  mixedLineEnds: boolean
}

export const PLAIN: Readonly<FileFormat> = { encoding: 'utf-8', lineEnd: '\n' }

/** Text has no such byte near its start; pictures, archives and programs do. */
const LOOKED_AT_BYTES = 8192

/** What the bytes say, or null where they are no text. A byte order mark decides; else UTF-8 if it is valid; else Windows-1252. */
export function decodeFile(bytes: Uint8Array): DecodedFile | null {
  const encoding = encodingOf(bytes)
  if (!encoding) return null
  const skipped = { 'utf-8-bom': 3, 'utf-16le': 2, 'utf-16be': 2, 'utf-8': 0, 'windows-1252': 0 }[encoding]
  const label = encoding === 'utf-8-bom' ? 'utf-8' : encoding
  const raw = new TextDecoder(label, { ignoreBOM: true }).decode(bytes.subarray(skipped))
  return { encoding, ...lineEndsOf(raw), text: raw.replace(/\r\n?/g, '\n') }
}

function encodingOf(bytes: Uint8Array): Encoding | null {
  const [first, second, third] = bytes
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8-bom'
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  if (bytes.subarray(0, LOOKED_AT_BYTES).includes(0)) return null
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return 'utf-8'
  } catch {
    return 'windows-1252'
  }
}

function lineEndsOf(raw: string): { lineEnd: LineEnd; mixedLineEnds: boolean } {
  const counts = new Map<LineEnd, number>()
  for (const [found] of raw.matchAll(/\r\n|\r|\n/g)) {
    const end = found as LineEnd // the pattern finds nothing else
    counts.set(end, (counts.get(end) ?? 0) + 1)
  }
  const [commonest] = [...counts].sort((a, b) => b[1] - a[1])
  return { lineEnd: commonest?.[0] ?? PLAIN.lineEnd, mixedLineEnds: counts.size > 1 }
}

/** The file's bytes; in UTF-8, and saying so, where Windows-1252 lacks a character of the text. */
export function encodeFile(text: string, { encoding, lineEnd }: FileFormat): { bytes: Uint8Array; encoding: Encoding } {
  const lines = lineEnd === '\n' ? text : text.replaceAll('\n', lineEnd)
  if (encoding === 'utf-16le' || encoding === 'utf-16be') return { bytes: utf16(lines, encoding), encoding }
  const bytes = encoding === 'windows-1252' ? windows1252(lines) : null
  if (bytes) return { bytes, encoding }
  const mark = encoding === 'utf-8-bom' ? '\ufeff' : ''
  return { bytes: new TextEncoder().encode(mark + lines), encoding: encoding === 'utf-8-bom' ? encoding : 'utf-8' }
}

function utf16(text: string, encoding: 'utf-16le' | 'utf-16be'): Uint8Array {
  const view = new DataView(new ArrayBuffer(2 * text.length + 2))
  const littleEndian = encoding === 'utf-16le'
  view.setUint16(0, 0xfeff, littleEndian)
  for (let at = 0; at < text.length; at++) view.setUint16(2 * at + 2, text.charCodeAt(at), littleEndian)
  return new Uint8Array(view.buffer)
}

function windows1252(text: string): Uint8Array | null {
  const all = new TextDecoder('windows-1252').decode(Uint8Array.from({ length: 256 }, (_, byte) => byte))
  const byteOf = new Map([...all].map((character, byte) => [character, byte]))
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at++) {
    const byte = byteOf.get(text.charAt(at))
    if (byte === undefined) return null
    bytes[at] = byte
  }
  return bytes
}
