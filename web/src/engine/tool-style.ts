/** How a chat template tells of tools and writes calls, found by rendering it with a tool that nobody has. */
import type { ChatMessage, Tool, ToolFormat } from './api.ts'

export interface ToolStyle {
  format: ToolFormat
  /** The template's name for its tools. */
  variable: 'tools' | 'xml_tools'
}

export interface TemplateInput {
  messages: readonly object[]
  add_generation_prompt: boolean
  tools?: readonly object[]
  xml_tools?: readonly object[]
}

const NAME = 'probe_of_tools'
const PROBE: Tool = {
  type: 'function',
  function: { name: NAME, description: 'A probe.', parameters: { type: 'object', properties: {} } },
}
const QUESTION: ChatMessage = { role: 'user', content: 'Probe.' }

/** Null where the template has no place for tools, or calls them in a way that is not known here. */
export function toolStyle(render: (input: TemplateInput) => string): ToolStyle | null {
  const attempt = (input: TemplateInput) => {
    try {
      return render(input)
    } catch {
      return ''
    }
  }
  for (const variable of ['tools', 'xml_tools'] as const) {
    const prompt = attempt({ messages: [QUESTION], add_generation_prompt: true, [variable]: [PROBE] })
    if (!prompt.includes(NAME)) continue
    const called = [QUESTION, templateMessage({ role: 'assistant', content: '', tool_calls: [CALL] })]
    const conversation = attempt({ messages: called, add_generation_prompt: false, [variable]: [PROBE] })
    const format = formatOf(prompt + conversation)
    return format && { format, variable }
  }
  return null
}

const CALL = { id: 'call_1', type: 'function', function: { name: NAME, arguments: '{"a":"b"}' } } as const

function formatOf(text: string): ToolFormat | null {
  if (text.includes('<function=')) return null
  if (text.includes('<tool_call>')) return 'hermes'
  return /"name":\s*(function name|"probe_of_tools"),\s*"parameters":\s*(dictionary|\{"a")/.test(text) ? 'llama3' : null
}

/** A message as templates take it: arguments of calls are objects, as in the transformers library. */
export function templateMessage({ tool_calls: calls, ...message }: ChatMessage): object {
  if (!calls) return message
  const parsed = calls.map(({ id, type, function: { name, arguments: args } }) => ({
    ...{ id, type },
    function: { name, arguments: JSON.parse(args) },
  }))
  return { ...message, tool_calls: parsed }
}
