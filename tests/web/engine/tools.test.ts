import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { ToolFormat } from '../../../web/src/engine/api.ts'
import { callId } from '../../../web/src/engine/openai-shapes.ts'
import { readTemplate } from '../../../web/src/engine/tokenizer.ts'
import { ToolParser } from '../../../web/src/engine/tool-parser.ts'
import { type TemplateInput, templateMessage, toolStyle } from '../../../web/src/engine/tool-style.ts'

const CALL = '<tool_call>\n{"name": "get", "arguments": {"a": "} \\"x\\" {", "b": {}}}\n</tool_call>'
const ARGUMENTS = '{"a": "} \\"x\\" {", "b": {}}'

/** What a parser makes of a text that comes in pieces of so many characters. */
function read(format: ToolFormat, text: string, size: number) {
  let id = 0
  const parser = new ToolParser(format, () => `call-${++id}`)
  const calls: { name: string; arguments: string }[] = []
  let shown = ''
  const take = ({ text: more, calls: deltas }: ReturnType<ToolParser['push']>) => {
    shown += more
    for (const { index, function: piece } of deltas) {
      const call = calls[index]
      if (call) call.arguments += piece.arguments
      else calls.push({ name: piece.name ?? '', arguments: piece.arguments })
    }
  }
  for (let at = 0; at < text.length; at += size) take(parser.push(text.slice(at, at + size)))
  take(parser.end())
  return { shown, calls, count: parser.count }
}

describe.each([1, 2, 5, 1000])('in pieces of %i', size => {
  test.each<[ToolFormat, string, string, string[]]>([
    ['hermes', CALL, '', [ARGUMENTS]],
    ['hermes', `${CALL}\n${CALL}`, '', [ARGUMENTS, ARGUMENTS]],
    ['hermes', 'No call: 1 < 2, <tool.', 'No call: 1 < 2, <tool.', []],
    ['hermes', '<tool_call>\nI do not know.', '<tool_call>\nI do not know.', []],
    ['llama3', `{"name": "get", "parameters": ${ARGUMENTS}}`, '', [ARGUMENTS]],
    ['llama3', '{"name": "Alice"}', '{"name": "Alice"}', []],
    ['mistral', `[TOOL_CALLS] [{"name": "get", "arguments": ${ARGUMENTS}}]`, '', [ARGUMENTS]],
    ['mistral', `[{"name": "get", "arguments": ${ARGUMENTS}, "id": "abcdefghi"}]`, '', [ARGUMENTS]],
    [
      'mistral',
      ` [ {"name": "get", "arguments": ${ARGUMENTS}, "id": "a"}, {"name": "get", "arguments": {}}]`,
      '',
      [ARGUMENTS, '{}'],
    ],
    ['mistral', '[1, 2] is a list', '[1, 2] is a list', []],
    ['mistral', '[{"a": 1}] is another', '[{"a": 1}] is another', []],
    ['mistral', 'Plain [TOOL', 'Plain [TOOL', []],
    ['mistral', '[TOOL', '[TOOL', []],
    ['mistral', `[{"name": "get", "arguments": ${ARGUMENTS}}, {"nam`, '', [ARGUMENTS]],
    ['llama3', 'Plain text {"name": 1}', 'Plain text {"name": 1}', []],
  ])('%s: %s', (format, text, shown, calls) => {
    const found = read(format, text, size)
    expect(found.shown).toBe(shown)
    expect(found.calls).toEqual(calls.map(args => ({ name: 'get', arguments: args })))
    expect(found.count).toBe(calls.length)
  })

  test('text in front of a call is shown', () => {
    const { shown, calls } = read('hermes', `Let me see.\n${CALL}`, size)
    expect(shown.trimEnd()).toBe('Let me see.')
    expect(calls).toHaveLength(1)
  })
})

describe('what a chat template does with tools', () => {
  const template = (path: string) => {
    const parsed = readTemplate(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'))
    return (input: TemplateInput) => parsed.render({ tools: null, ...input })
  }
  test.each([
    ['hermes', { format: 'hermes', variable: 'tools', writesCalls: true }],
    ['llama3', { format: 'llama3', variable: 'tools', writesCalls: true }],
    ['xml-tools', { format: 'hermes', variable: 'xml_tools', writesCalls: false }],
    ['mistral', { format: 'mistral', variable: 'tools', writesCalls: true }],
  ])('%s', (name, style) => {
    expect(toolStyle(template(`fixtures/templates/tools/${name}.jinja`))).toEqual(style)
  })
  test.each(['hermes', 'llama3', 'xml-tools', 'mistral'] as const)(
    '%s: a call in the conversation is told to the model',
    name => {
      const render = template(`fixtures/templates/tools/${name}.jinja`)
      const call = { id: 'call-1', type: 'function', function: { name: 'get', arguments: '{"a":1}' } } as const
      const message = { role: 'assistant', content: '', tool_calls: [call] } as const
      const said = templateMessage({ ...message, tool_calls: [call] }, toolStyle(render))
      const prompt = render({ messages: [{ role: 'user', content: 'Hi' }, said], add_generation_prompt: true })
      const answer = prompt.split(name === 'mistral' ? '[/INST]' : 'assistant\n')[1] ?? ''
      const calls = read(name === 'xml-tools' ? 'hermes' : name, answer, 1000).calls
      expect(calls.map(({ arguments: args }) => JSON.parse(args))).toEqual([{ a: 1 }])
    },
  )
  test('Mistral’s wants ids of nine letters and digits: others are told as such, a call and its result as the same', () => {
    const render = template('fixtures/templates/tools/mistral.jinja')
    const style = toolStyle(render)
    const call = { id: 'call-1x2y3z', type: 'function', function: { name: 'get', arguments: '{"a":1}' } } as const
    const messages = [
      { role: 'user', content: 'Hi' },
      templateMessage({ role: 'assistant', content: '', tool_calls: [call] }, style),
      templateMessage({ role: 'tool', content: '7', tool_call_id: call.id }, style),
    ]
    const prompt = render({ messages, add_generation_prompt: true })
    const ids = [...prompt.matchAll(/"(?:call_)?id": ?"([^"]*)"/g)].map(([, id]) => id)
    expect(ids).toHaveLength(2)
    expect(ids[0]).toMatch(/^[a-zA-Z0-9]{9}$/)
    expect(ids[1]).toBe(ids[0])
    const kept = templateMessage({ role: 'tool', content: '7', tool_call_id: 'Abc123xyZ' }, style)
    expect(kept).toMatchObject({ tool_call_id: 'Abc123xyZ' })
    expect(callId('mistral')).toMatch(/^[a-z0-9]{9}$/)
  })
  test('a template without a place for them', () => {
    expect(toolStyle(template('.fixtures/tiny-llama/chat_template.jinja'))).toBeNull()
  })
  test('one that shows tools but no way of calling them', () => {
    expect(toolStyle(template('fixtures/templates/features/tools.jinja'))).toBeNull()
  })
})
