/**
 * Tokens → text while they arrive: whole characters only, each token looked at once. A token may end in the middle of a
 * character (most emoji take several tokens), so incomplete bytes wait for the next one. Bytes that can no longer
 * become a character are dropped: U+FFFD is never shown. Special tokens give no text.
 */
import type { Tokenizer } from '@huggingface/tokenizers'

export interface StreamDecoder {
  /** The whole characters that this token completes; often '', when a character is still open. */
  push(token: number): string
}

/** @param json the parsed tokenizer.json, whose decoder says how tokens spell bytes */
export function streamDecoder(tokenizer: Tokenizer, json: Record<string, unknown>): StreamDecoder {
  return isByteLevel(json.decoder) ? new ByteLevelDecoder(tokenizer) : new WindowDecoder(tokenizer)
}

export function isByteLevel(decoder: unknown): boolean {
  if (typeof decoder !== 'object' || decoder === null) return false
  if ('type' in decoder && decoder.type === 'ByteLevel') return true
  return 'decoders' in decoder && Array.isArray(decoder.decoders) && decoder.decoders.some(isByteLevel)
}

const REPLACEMENT = /\uFFFD/g

/** Byte-level BPE (GPT-2, Llama 3, SmolLM2, Qwen): each character of a token stands for one byte. */
class ByteLevelDecoder implements StreamDecoder {
  readonly #tokenizer: Tokenizer
  readonly #added: ReturnType<Tokenizer['get_added_tokens_decoder']>
  #utf8 = newUtf8()

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer
    this.#added = tokenizer.get_added_tokens_decoder()
  }

  push(token: number): string {
    const added = this.#added.get(token)
    if (added) {
      this.#utf8 = newUtf8() // an open character cannot go on behind a special token
      return added.special ? '' : added.content
    }
    const letters = this.#tokenizer.id_to_token(token)
    if (letters === undefined) return ''
    return this.#utf8.decode(bytesOfLetters(letters), { stream: true }).replace(REPLACEMENT, '')
  }
}

function newUtf8(): TextDecoder {
  return new TextDecoder('utf-8', { ignoreBOM: true })
}

/** GPT-2's alphabet: printable Latin-1 stands for itself, every other byte for a letter from U+0100 on. */
export const BYTE_OF_LETTER = new Map<string, number>()
for (let byte = 0, next = 0x100; byte < 256; byte++) {
  const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae
  BYTE_OF_LETTER.set(String.fromCharCode(printable ? byte : next++), byte)
}

/** What a token spells alone, as OpenAI's `logprobs` tells it: text with U+FFFD for part of a character, and UTF-8. */
export type Spell = (token: number) => { text: string; bytes: number[] }

/** Special tokens have a name and no bytes. */
export function spellToken(tokenizer: Tokenizer, json: Record<string, unknown>, token: number): ReturnType<Spell> {
  const added = tokenizer.get_added_tokens_decoder().get(token)
  const letters = tokenizer.id_to_token(token)
  if (added?.special || letters === undefined) return { text: added?.content ?? '', bytes: [] }
  const bytes =
    isByteLevel(json.decoder) && !added ? bytesOfLetters(letters) : utf8(tokenText(tokenizer, token, letters))
  return { text: new TextDecoder().decode(bytes), bytes: Array.from(bytes) }
}

/** SentencePiece's sign for a space is shown as one: decoded alone, a word would lose it. */
function tokenText(tokenizer: Tokenizer, token: number, letters: string): string {
  if (letters.startsWith('\u2581')) return letters.replaceAll('\u2581', ' ')
  return tokenizer.decode([token], { skip_special_tokens: false, clean_up_tokenization_spaces: false })
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function bytesOfLetters(letters: string): Uint8Array {
  return Uint8Array.from(letters, letter => BYTE_OF_LETTER.get(letter) ?? 0x3f)
}

/** A character has at most four bytes, and these tokenizers spell an unknown one with a token per byte. */
const MAX_OPEN_TOKENS = 4

/** Other tokenizers (SentencePiece, WordPiece): decode the open tokens behind the last closed one, which sets spacing. */
class WindowDecoder implements StreamDecoder {
  readonly #tokenizer: Tokenizer
  #closed: number[] = []
  #open: number[] = []

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer
  }

  push(token: number): string {
    this.#open.push(token)
    const before = this.#decode(this.#closed)
    const text = this.#decode([...this.#closed, ...this.#open])
    if (text.endsWith('\uFFFD') && this.#open.length < MAX_OPEN_TOKENS) return ''
    this.#closed = this.#open.slice(-1)
    this.#open = []
    return text.slice(before.length).replace(REPLACEMENT, '')
  }

  #decode(tokens: number[]): string {
    if (tokens.length === 0) return ''
    return this.#tokenizer.decode(tokens, { skip_special_tokens: true, clean_up_tokenization_spaces: false })
  }
}
