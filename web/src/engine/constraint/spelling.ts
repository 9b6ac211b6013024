/** What every token of a vocabulary spells, as bytes (one character each). */
import type { Tokenizer } from '@huggingface/tokenizers'
import { BYTE_OF_LETTER, isByteLevel } from '../decoder.ts'
import { EngineError } from '../errors.ts'
import { bytesOf } from './bytes.ts'

export interface Spelling {
  /** By token id; null for special tokens and for ids that mean nothing. */
  bytes: (string | null)[]
  /** True where a space at the very beginning of an answer is not shown (SentencePiece). */
  dropsFirstSpace: boolean
}

/**
 * @param json the parsed tokenizer.json
 * @throws EngineError 'unsupported' for a tokenizer of another kind than byte-level BPE or SentencePiece
 */
export function spell(tokenizer: Tokenizer, json: Record<string, unknown>): Spelling {
  const parts = partsOf(json.decoder)
  const spellToken = isByteLevel(json.decoder) ? byteLevel : isSentencePiece(parts) ? sentencePiece : null
  if (!spellToken) {
    throw new EngineError('unsupported', { kind: 'no-spelling' })
  }
  const added = tokenizer.get_added_tokens_decoder()
  const ids = vocabularyIds(json)
  const size =
    Math.max(
      -1,
      ...added.keys(),
      ids.reduce((most, id) => Math.max(most, id), -1),
    ) + 1
  const bytes = new Array<string | null>(size).fill(null)
  for (const id of ids) bytes[id] = spellToken(tokenizer.id_to_token(id) ?? '')
  for (const [id, { special, content }] of added) bytes[id] = special ? null : bytesOf(content)
  return { bytes, dropsFirstSpace: parts.some(dropsSpace) }
}

function vocabularyIds({ model }: Record<string, unknown>): number[] {
  const vocabulary = typeof model === 'object' && model !== null && 'vocab' in model ? model.vocab : null
  if (Array.isArray(vocabulary)) return [...vocabulary.keys()]
  return Object.values(vocabulary ?? {}).filter(id => typeof id === 'number')
}

function byteLevel(token: string): string | null {
  let bytes = ''
  for (const letter of token) {
    const byte = BYTE_OF_LETTER.get(letter)
    if (byte === undefined) return null
    bytes += String.fromCharCode(byte)
  }
  return bytes === '' ? null : bytes
}

const BYTE_TOKEN = /^<0x([0-9A-Fa-f]{2})>$/

function sentencePiece(token: string): string | null {
  const byte = BYTE_TOKEN.exec(token)?.[1]
  if (byte) return String.fromCharCode(Number.parseInt(byte, 16))
  return token === '' ? null : bytesOf(token.replaceAll('▁', ' '))
}

/** A decoder and the decoders that it runs in turn. */
function partsOf(decoder: unknown): Record<string, unknown>[] {
  if (typeof decoder !== 'object' || decoder === null) return []
  const parts = 'decoders' in decoder && Array.isArray(decoder.decoders) ? decoder.decoders.flatMap(partsOf) : []
  return [Object.fromEntries(Object.entries(decoder)), ...parts]
}

function isSentencePiece(parts: Record<string, unknown>[]): boolean {
  return parts.some(({ type }) => type === 'Metaspace' || type === 'ByteFallback' || type === 'Replace')
}

function dropsSpace({
  type,
  start,
  content,
  prepend_scheme: prepend,
  add_prefix_space: prefix,
}: Record<string, unknown>) {
  if (type === 'Strip') return content === ' ' && Number(start) > 0
  return type === 'Metaspace' && prepend !== 'never' && prefix !== false
}
