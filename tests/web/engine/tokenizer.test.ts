import { readFileSync } from 'node:fs'
import { Tokenizer } from '@huggingface/tokenizers'
import { describe, expect, test } from 'vitest'
import { streamDecoder } from '../../../web/src/engine/decoder.ts'
import { parseManifest } from '../../../web/src/engine/manifest.ts'
import { createTextCodec } from '../../../web/src/engine/tokenizer.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const tiny = (name: string) => read(`.fixtures/tiny-llama/${name}`)
const manifest = parseManifest(tiny('manifest.json'), 'manifest.json')
const files = {
  tokenizerJson: tiny('tokenizer.json'),
  tokenizerConfig: tiny('tokenizer_config.json'),
  chatTemplate: tiny('chat_template.jinja'),
}
const codec = createTextCodec(files, manifest)
const golden: {
  tokenizer: { text: string; ids: number[] }[]
  chat: { messages: { role: 'user' | 'system' | 'assistant'; content: string }[]; ids: number[] }[]
} = JSON.parse(tiny('golden.json'))

function decode(ids: number[], pieces: string[] = []): string {
  const decoder = codec.decoder()
  for (const id of ids) pieces.push(decoder.push(id))
  return pieces.join('')
}

describe('against the original tokenizer in Python', () => {
  test.each(golden.tokenizer)('encodes $text', ({ text, ids }) => {
    expect(codec.encodePrompt(text)).toEqual(ids)
  })
  test.each(golden.chat)('renders and encodes a conversation ($messages)', ({ messages, ids }) => {
    expect(codec.encodeChat(messages)).toEqual(ids)
  })
})

describe('decoding while tokens arrive', () => {
  const plain = golden.tokenizer.filter(({ text }) => text && !text.includes('<|'))
  test.each(plain)('gives $text back, in whole characters', ({ text, ids }) => {
    const pieces: string[] = []
    expect(decode(ids, pieces)).toBe(text)
    // No piece ends or begins within a surrogate pair, none has a replacement character.
    expect(pieces.some(piece => /\p{Surrogate}|\uFFFD/u.test(piece))).toBe(false)
  })
  test('a character in several tokens comes with its last one', () => {
    const ids = codec.encodePrompt('👋')
    expect(ids.length).toBeGreaterThan(1)
    const pieces: string[] = []
    decode(ids, pieces)
    expect(pieces.slice(0, -1).every(piece => piece === '')).toBe(true)
    expect(pieces.at(-1)).toBe('👋')
  })
  test('an answer that ends within a character shows nothing of it', () => {
    const ids = codec.encodePrompt('ok👋')
    expect(decode(ids.slice(0, -1))).toBe('ok')
  })
  test('bytes that are no character are left out, and what follows is not', () => {
    const [lead] = codec.encodePrompt('👋')
    const letters = codec.encodePrompt('abc')
    expect(decode([lead ?? -1, lead ?? -1, ...letters])).toBe('abc')
  })
  test('special tokens give no text, and end an open character', () => {
    const [lead] = codec.encodePrompt('👋')
    expect(decode([1, ...codec.encodePrompt('a'), lead ?? -1, 2, ...codec.encodePrompt('b')])).toBe('ab')
  })
  test('an id outside the vocabulary gives no text', () => {
    expect(decode([999_999])).toBe('')
  })
})

describe('a SentencePiece tokenizer with byte fallback', () => {
  const vocabulary = ['<unk>', '<s>', '</s>', '<0xF0>', '<0x9F>', '<0x91>', '<0x8B>', '▁Hi', '▁', 'you', '▁you', '!']
  const json = {
    added_tokens: [{ id: 2, content: '</s>', special: true }],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'BPE',
      vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
      merges: [],
      byte_fallback: true,
      unk_token: '<unk>',
    },
  }
  const tokenizer = new Tokenizer(json, {})
  test('spaces between words, none before the first, and a character of four byte tokens', () => {
    const decoder = streamDecoder(tokenizer, json)
    const pieces = [7, 10, 3, 4, 5, 6, 11, 2].map(id => decoder.push(id))
    expect(pieces).toEqual(['Hi', ' you', '', '', '', '👋', '!', ''])
  })
  test('byte tokens that are no character are left out', () => {
    const decoder = streamDecoder(tokenizer, json)
    expect([7, 3, 3, 3, 3, 10].map(id => decoder.push(id)).join('')).toBe('Hi you')
  })
})

test('a beginning-of-text token is put before a raw prompt where the manifest says so', () => {
  const special_tokens = { ...manifest.special_tokens, bos: 1, add_bos: true }
  const withBos = createTextCodec(files, { ...manifest, special_tokens })
  expect(withBos.encodePrompt('Hi')).toEqual([1, ...codec.encodePrompt('Hi')])
  expect(withBos.encodeChat([{ role: 'user', content: 'Hi' }])).toEqual(
    codec.encodeChat([{ role: 'user', content: 'Hi' }]),
  )
})

test('a model without a chat format says so', () => {
  const base = createTextCodec({ ...files, chatTemplate: null }, manifest)
  expect(() => base.encodeChat([{ role: 'user', content: 'Hi' }])).toThrow(
    /has no chat format: use completions instead/,
  )
})

test('a template that refuses says why', () => {
  const strict = createTextCodec({ ...files, chatTemplate: "{{ raise_exception('roles must alternate') }}" }, manifest)
  expect(() => strict.encodeChat([{ role: 'user', content: 'Hi' }])).toThrow(/roles must alternate/)
})

test('files that cannot be read', () => {
  expect(() => createTextCodec({ ...files, tokenizerJson: '{' }, manifest)).toThrow(/tokenizer cannot be read/)
  expect(() => createTextCodec({ ...files, chatTemplate: '{% if %}' }, manifest)).toThrow(
    /chat template cannot be read/,
  )
})
