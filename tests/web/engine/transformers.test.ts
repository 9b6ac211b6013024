/** Tokenizers of encoder-decoder and encoder models against Python, and what becomes of an encoder's numbers. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseManifest } from '../../../web/src/engine/manifest.ts'
import { labelScores, pooled, spans } from '../../../web/src/engine/readings.ts'
import { createTextCodec } from '../../../web/src/engine/tokenizer.ts'
import { splitWords } from '../../../web/src/engine/words.ts'

const read = (name: string, file: string) =>
  readFileSync(new URL(`../../.fixtures/transformers/${name}/${file}`, import.meta.url), 'utf8')

function open(name: string) {
  const manifest = parseManifest(read(name, 'manifest.json'), 'manifest.json')
  const files = {
    tokenizerJson: read(name, 'tokenizer.json'),
    tokenizerConfig: read(name, 'tokenizer_config.json'),
    chatTemplate: null,
  }
  const golden: { tokenizer: { text: string; ids: number[] }[] } = JSON.parse(read(name, 'golden.json'))
  return { codec: createTextCodec(files, manifest), texts: golden.tokenizer }
}

describe.each(['tiny-t5', 'tiny-flan-t5', 'tiny-mt5', 'tiny-bart'])('%s (Unigram or byte-level BPE)', name => {
  const { codec, texts } = open(name)
  test.each(texts)('encodes $text', ({ text, ids }) => expect(codec.encodePrompt(text)).toEqual(ids))
})

describe.each(['tiny-bert', 'tiny-distilbert', 'tiny-minilm'])('%s (WordPiece)', name => {
  const { codec, texts } = open(name)
  test.each(texts)('encodes $text', ({ text, ids }) => {
    expect(codec.encodeText(text, 1000)).toMatchObject({ tokens: ids, truncated: false })
  })
  test.each(texts)('encodes $text word by word to the same tokens', ({ text, ids }) => {
    const { tokens, words, firstTokens } = codec.encodeWords(text, 1000)
    expect(tokens).toEqual(ids)
    expect(firstTokens.length).toBe(words.length)
    for (const { start, end, text: part } of words) expect(text.slice(start, end)).toBe(part)
  })
  test('cuts the end of the content, never the special tokens', () => {
    const { text, ids } = texts.find(entry => entry.ids.length > 12) ?? { text: '', ids: [] }
    const expected = [...ids.slice(0, 7), ...ids.slice(-1)]
    expect(codec.encodeText(text, 8)).toMatchObject({ tokens: expected, truncated: true })
    const cut = codec.encodeWords(text, 8)
    expect(cut).toMatchObject({ tokens: expected, truncated: true })
    expect(Math.max(...cut.firstTokens)).toBeLessThan(7)
  })
  test('special tokens written in a text are one word each', () => {
    const { tokens } = codec.encodeText('a [SEP] b[MASK]c', 100)
    expect(codec.encodeWords('a [SEP] b[MASK]c', 100).tokens).toEqual(tokens)
  })
})

test('tags need a tokenizer that knows words', () => {
  expect(() => open('tiny-t5').codec.encodeWords('Anna', 10)).toThrow(/tags need a WordPiece tokenizer/)
})

test.each([
  ['Anna, Berlin!', ['Anna', ',', 'Berlin', '!']],
  [' two  spaces\u00a0and\ttabs\n', ['two', 'spaces', 'and', 'tabs']],
  ["don't 3.14", ['don', "'", 't', '3', '.', '14']],
  ['日本go', ['日', '本', 'go']],
  ['👩‍👧 x', ['👩‍👧', 'x']],
  ['', []],
])('words of %j', (text, expected) => {
  expect(splitWords(text, []).map(word => word.text)).toEqual(expected)
})

const ENCODER = {
  task: 'embeddings' as const,
  labels: [],
  multi_label: false,
  pooling: 'mean' as const,
  normalize: false,
  dimensions: 2,
  max_tokens: 8,
}
const STATES = new Float32Array([1, 2, 3, -6])

test.each([
  ['mean', false, [2, -2]],
  ['max', false, [3, 2]],
  ['cls', false, [1, 2]],
  ['mean', true, [Math.SQRT1_2, -Math.SQRT1_2]],
] as const)('pooling by %s, unit length: %s', (pooling, normalize, expected) => {
  const vector = pooled(STATES, { ...ENCODER, pooling, normalize })
  for (const [index, value] of expected.entries()) expect(vector[index]).toBeCloseTo(value, 6)
})

test('labels that exclude each other, and labels that do not', () => {
  const encoder = { ...ENCODER, labels: ['a', 'b'], pooling: 'none' as const }
  const logits = new Float32Array([0, Math.log(3)])
  expect(labelScores(logits, encoder).map(({ label, score }) => [label, +score.toFixed(5)])).toEqual([
    ['b', 0.75],
    ['a', 0.25],
  ])
  const both = labelScores(logits, { ...encoder, multi_label: true })
  expect(both.map(({ label, score }) => [label, +score.toFixed(5)])).toEqual([
    ['b', 0.75],
    ['a', 0.5],
  ])
})

test('B- begins a span although the one before is of the same kind', () => {
  const labels = ['O', 'B-PER', 'I-PER']
  const text = 'Anna Peter Pan x'
  const words = splitWords(text, [])
  const rows = [1, 1, 2, 0].flatMap(best => labels.map((_, index) => (index === best ? 9 : 0)))
  const found = spans(text, { words, firstTokens: [0, 1, 2, 3] }, { logits: new Float32Array(rows), labels })
  expect(found.map(entity => [entity.label, entity.text])).toEqual([
    ['PER', 'Anna'],
    ['PER', 'Peter Pan'],
  ])
})
