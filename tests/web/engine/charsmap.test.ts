/** SentencePiece's compiled normaliser against Hugging Face's tokenizers in Python (tests/fixtures/encoders/make_transformers.py). */
import { readFileSync } from 'node:fs'
import { Tokenizer } from '@huggingface/tokenizers'
import { describe, expect, test } from 'vitest'
import { readCharsmap } from '../../../web/src/engine/charsmap.ts'
import { useExactParts } from '../../../web/src/engine/exact.ts'

const read = (path: string) => readFileSync(new URL(`../../.fixtures/transformers/${path}`, import.meta.url), 'utf8')
const json = JSON.parse(read('tiny-t5/tokenizer.json'))
const charsmap: string = json.normalizer.normalizers[0].precompiled_charsmap
const changed = new Map<string, string>(Object.entries(JSON.parse(read('normalised.json'))))

describe('every code point, and letters with a combining mark', () => {
  const normalise = readCharsmap(charsmap)
  /** All in one go: nothing joins with a zero, and the map leaves it alone. */
  const wrong = (texts: readonly string[]) => {
    const found = normalise(texts.join('\0')).split('\0')
    return texts.filter((text, index) => found[index] !== (changed.get(text) ?? text)).slice(0, 20)
  }

  test('what changes becomes what it becomes in Python', () => {
    expect(changed.size).toBeGreaterThan(5000)
    expect(wrong([...changed.keys()])).toEqual([])
  })

  test('everything else stays', () => {
    const codes = Array.from({ length: 0x32000 }, (_, code) => code)
    const scalars = codes
      .filter(code => code > 0 && (code < 0xd800 || code > 0xdfff))
      .map(code => String.fromCodePoint(code))
    expect(wrong(scalars)).toEqual([])
  })
})

test('the library alone gives other texts: the day it does not, charsmap.ts can go', () => {
  const library = new Tokenizer(json, {})
  const exact = new Tokenizer(json, {})
  useExactParts(exact)
  const text = 'soft\u00adhyphen \u200b Ａ\u0301 \ufffe'
  expect(library.normalizer?.(text)).not.toBe(exact.normalizer?.(text))
})

test('a damaged map is an error, not another text', () => {
  expect(() => readCharsmap('AA==')).toThrow()
})
