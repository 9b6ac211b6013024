/** What tests of completion share: the tiny model's tokenizer, prose, and completion over a backend. */
import { readFileSync } from 'node:fs'
import type { Backend } from '../../../web/src/engine/backend.ts'
import { type Completion, complete, openCompletion } from '../../../web/src/engine/complete/complete.ts'
import { completeArgs } from '../../../web/src/engine/complete/request.ts'
import type { CompleteRequest } from '../../../web/src/engine/complete/types.ts'
import { Context } from '../../../web/src/engine/context.ts'
import { type Manifest, parseManifest } from '../../../web/src/engine/manifest.ts'
import { createTextCodec, type TextCodec } from '../../../web/src/engine/tokenizer.ts'
import { NgramBackend } from './ngram-backend.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

/** Sentences in the public domain. */
export function sentences(): string[] {
  const alice = read('../export/slm_export/data/prose.txt').replace(/\s+/g, ' ')
  return [
    ...read('fixtures/prose/sentences.txt').trim().split('\n'),
    ...alice.split(/(?<=[.!?]["')]?)\s+(?=["'(]?[A-Z])/),
  ]
}

/** A tiny bundle's tokenizer and manifest. @param edit changes tokenizer.json and manifest before they are read */
export function tinyCodec(
  folder = 'tiny-llama',
  edit: { tokenizer?: (json: string) => string; manifest?: object } = {},
) {
  const tiny = (name: string) => read(`.fixtures/${folder}/${name}`)
  const manifest: Manifest = { ...parseManifest(tiny('manifest.json'), 'manifest.json'), ...edit.manifest }
  const tokenizerJson = edit.tokenizer?.(tiny('tokenizer.json')) ?? tiny('tokenizer.json')
  const codec = createTextCodec(
    { tokenizerJson, tokenizerConfig: tiny('tokenizer_config.json'), chatTemplate: null },
    manifest,
  )
  return { manifest, codec }
}

/** Completion by a model that knows `texts` by heart. */
export function knowing(
  texts: readonly string[],
  { manifest, codec }: { manifest: Manifest; codec: TextCodec } = tinyCodec(),
) {
  const opened = openCompletion({ manifest, codec, context: new Context(new NgramBackend([], manifest.vocab_size)) })
  const backend = new NgramBackend(texts.map(opened.frame.encode), manifest.vocab_size)
  return { backend, ...completing({ manifest, codec }, backend) }
}

export function completing({ manifest, codec }: { manifest: Manifest; codec: TextCodec }, backend: Backend) {
  const completion: Completion = openCompletion({ manifest, codec, context: new Context(backend) })
  const { signal } = new AbortController()
  const ask = (request: CompleteRequest, giveWay = async () => false) =>
    complete(completion, {
      args: completeArgs(request),
      turn: { signal: request.signal ?? signal, giveWay },
      contextLength: backend.contextLength,
    })
  return { completion, ask }
}

/** Asks for the likeliest words, however unlikely. */
export const BOLD = { minConfidence: 0 }

/** What is wrong with a text that a suggestion made of `before`, null where nothing is. @param words that there are */
export function fault(before: string, text: string, words: ReadonlySet<string>): string | null {
  const joined = before + text
  if (joined.includes('\uFFFD') || /[\uD800-\uDBFF]$/.test(joined)) return 'half a character'
  if (/\s$/.test(before) && /^\s/.test(text)) return 'a space too many'
  if (/ {2,}/.test(text)) return 'two spaces'
  if (/\s$/.test(text)) return 'a space at the end'
  const border = before.length
  const from = /[\p{L}\p{N}'’-]*$/u.exec(before)?.index ?? border
  const [around = ''] = /^[\p{L}\p{N}'’-]*/u.exec(joined.slice(from)) ?? []
  const word = around.replace(/^['’-]+|['’-]+$/g, '').toLowerCase()
  if (word !== '' && !words.has(word)) return `"${word}" is no word`
  return null
}
