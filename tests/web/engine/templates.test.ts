import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { ChatMessage } from '../../../web/src/engine/api.ts'
import { EngineError } from '../../../web/src/engine/errors.ts'
import { readTemplate, renderChat } from '../../../web/src/engine/tokenizer.ts'

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const golden: {
  special_tokens: Record<string, string>
  conversations: Record<string, ChatMessage[]>
  rendered: Record<string, Record<string, { text: string } | { error: string }>>
} = JSON.parse(read('tests/fixtures/templates/golden.json'))

/** What transformers renders in Python (tests/fixtures/templates/make_golden.py), the browser's engine must too. */
describe.each(Object.entries(golden.rendered))('%s', (path, rendered) => {
  const template = readTemplate(read(path))
  test.each(Object.entries(rendered))('%s', (name, expected) => {
    const messages = golden.conversations[name]
    if (!messages) throw new Error(`no conversation ${name}`)
    const render = () => renderChat(template, messages, { config: golden.special_tokens, name: 'Tiny' })
    if ('text' in expected) {
      expect(render()).toBe(expected.text)
    } else {
      expect(render).toThrow(EngineError)
      expect(render).toThrow(expected.error)
    }
  })
})
