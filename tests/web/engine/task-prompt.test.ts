/** What models are asked for a task: as their bundles say, by prompt or by prefix, else the usual words. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { LoadedModel } from '../../../web/src/engine/load.ts'
import { type Manifest, parseManifest } from '../../../web/src/engine/manifest.ts'
import { plainPrompt, proofreading } from '../../../web/src/engine/task-prompt.ts'

const file = new URL('../../fixtures/manifests/valid/full.json', import.meta.url)
const FULL = parseManifest(readFileSync(file, 'utf8'), 'full.json')
const text = 'He go {text} $& home.'

function asked(prompts: Partial<Manifest['prompts']>, chats = true) {
  const manifest = { ...FULL, prompts: { chat_template: null, prefixes: null, tasks: null, ...prompts } }
  const codec = { chats } as LoadedModel['codec'] // all that is read of it
  return {
    prompt: plainPrompt({ kind: 'task', task: 'grammar', text }, { manifest, codec }),
    of: proofreading(manifest),
  }
}

const user = (content: string) => ({ kind: 'chat', messages: [{ role: 'user', content }], tools: [], prefix: '' })

test('a trained prompt, its system message, its gain', () => {
  const task = {
    task: 'grammar',
    user: 'Repair “{text}”',
    system: 'Be exact.',
    least_gain: 3,
    margins: [{ type: 'punctuation', nats: 0.5 }],
  }
  const { prompt, of } = asked({ tasks: [task] })
  const messages = [
    { role: 'system', content: 'Be exact.' },
    { role: 'user', content: `Repair “${text}”` },
  ]
  expect(prompt).toEqual({ ...user(''), messages })
  expect(of).toEqual({ trained: true, threshold: 3, margins: { punctuation: 0.5 } })
  expect(asked({ tasks: [task] }, false).prompt).toEqual({ kind: 'text', text: `Repair “${text}”` })
})

test('a prefix', () => {
  const { prompt, of } = asked({ prefixes: [{ task: 'grammar', prefix: 'Fix: ' }] })
  expect(prompt).toEqual(user(`Fix: ${text}`))
  expect(of).toEqual({ trained: true, threshold: 2, margins: {} })
})

test('nothing: the usual words', () => {
  const { prompt, of } = asked({ prefixes: [{ task: 'other', prefix: 'x: ' }] })
  expect(prompt).toEqual(user(`Fix: ${text}`))
  expect(of).toEqual({ trained: false, threshold: 2, margins: {} })
  expect(asked({}, false).prompt).toEqual({ kind: 'text', text: `Fix: ${text}\n` })
})
