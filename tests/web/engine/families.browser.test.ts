/**
 * Every decoder family's bundle on WASM: the greedy tokens of PyTorch, the tokenizer's ids and texts, and a cache that
 * can go back. The bundles are made by tests/fixtures/families; what was found goes into docs/families.md.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commands } from 'vitest/browser'
import type { Backend } from '../../../web/src/engine/backend.ts'
import { OrtBackend } from '../../../web/src/engine/backend-ort.ts'
import { type Manifest, parseManifest } from '../../../web/src/engine/manifest.ts'
import { selfTest } from '../../../web/src/engine/selftest.ts'
import { loadRuntime } from '../../../web/src/engine/session.ts'
import { createTextCodec, type TextCodec } from '../../../web/src/engine/tokenizer.ts'
import { greedy } from './greedy.ts'

const FOLDER = '/bundles/families'
const VARIANT = 'cpu-int8'
const TABLE = '/docs/families.md'

/** Made beside each bundle by tests/fixtures/families/make_families.py. */
interface Golden {
  cases: { prompt_tokens: number[]; variant_tokens: Record<string, number[]> }[]
  tokenizer: { text: string; ids: number[]; decoded: string }[]
  chat: { messages: { role: 'user'; content: string }[]; ids: number[] } | null
}

const text = async (path: string) => (await fetch(`${FOLDER}/${path}`)).text()
const bytes = async (path: string) => new Uint8Array(await (await fetch(`${FOLDER}/${path}`)).arrayBuffer())
const rows: { name: string; title: string }[] = JSON.parse(await text('rows.json')) // our own script's file

interface Opened {
  manifest: Manifest
  backend: Backend
  codec: TextCodec
  golden: Golden
}

async function open(row: string): Promise<Opened> {
  const manifest = parseManifest(await text(`${row}/manifest.json`), 'manifest.json')
  const runtime = await loadRuntime({ flavour: 'wasm', threads: 1, device: null })
  const session = await runtime.create({
    graph: await bytes(`${row}/${VARIANT}/model.onnx`),
    externalData: [{ path: 'model.onnx.data', data: await bytes(`${row}/${VARIANT}/model.onnx.data`) }],
  })
  if (!manifest.kv) throw new Error(`${row} has no cache`)
  const { layers, heads, head_dim: headDim } = manifest.kv
  const kv = { layers, heads, headDim, type: 'float32' } as const
  const { vocab_size: vocabularySize, context_length: contextLength } = manifest
  const backend = new OrtBackend({ name: VARIANT, session, device: null, kv, vocabularySize, contextLength })
  const template = manifest.prompts.chat_template
  const files = {
    tokenizerJson: await text(`${row}/tokenizer.json`),
    tokenizerConfig: await text(`${row}/tokenizer_config.json`),
    chatTemplate: template === null ? null : await text(`${row}/${template}`),
  }
  const golden: Golden = JSON.parse(await text(`${row}/golden.json`)) // our own script's file
  return { manifest, backend, codec: createTextCodec(files, manifest), golden }
}

describe.each(rows)('$title', ({ name: row, title }) => {
  let opened: Opened
  const found = { tokens: false, cache: false }
  beforeAll(async () => {
    opened = await open(row)
  })
  afterAll(async () => {
    await opened?.backend.dispose()
    const result = { row, same_tokens: found.tokens && found.cache }
    await commands.writeFile(`tests/.fixtures/families/browser/${row}.json`, `${JSON.stringify(result)}\n`)
  })

  test('gives the greedy tokens of PyTorch, the self-test’s among them', async () => {
    const { backend, manifest, golden } = opened
    const variant = manifest.variants.find(({ name }) => name === VARIANT)
    if (!variant) throw new Error(`no variant ${VARIANT}`)
    expect((await selfTest(backend, { manifest, variant, deep: true })).fault).toBeNull()
    for (const { prompt_tokens, variant_tokens } of golden.cases) {
      const expected = variant_tokens[VARIANT] ?? []
      expect(expected.length).toBeGreaterThan(0)
      expect(await greedy(backend, prompt_tokens, expected.length)).toEqual(expected)
    }
    found.tokens = true
  })

  test('goes back in its cache and answers a second turn as a fresh one', async () => {
    const { backend, golden } = opened
    const long = golden.cases[2]?.prompt_tokens ?? []
    const expected = golden.cases[2]?.variant_tokens[VARIANT] ?? []
    expect(long.length).toBeGreaterThan(100)
    await greedy(backend, long.slice(0, 80), 9) // a first turn, whose answer is not part of the second
    expect(await greedy(backend, long, expected.length, 70)).toEqual(expected)
    found.cache = true
  })

  test('reads and writes text as the family’s tokenizer', () => {
    const { codec, golden } = opened
    for (const { text, ids, decoded } of golden.tokenizer) {
      expect(codec.encodePrompt(text)).toEqual(ids)
      const decoder = codec.decoder()
      expect(ids.map(id => decoder.push(id)).join('')).toBe(decoded)
    }
    if (golden.chat) expect(codec.encodeChat(golden.chat.messages)).toEqual(golden.chat.ids)
  })

  test('is in the table of families as running here', async () => {
    const lines = (await (await fetch(TABLE)).text()).split('\n')
    const line = lines.find(candidate => candidate.startsWith(`| ${title} |`))
    expect(line, `${title} is missing in docs/families.md`).toBeDefined()
    expect(line?.split('|').at(-3)?.trim()).toBe('yes')
  })
})
