/** How a chat template tells of tools and writes calls, found by rendering it with a tool that nobody has. */
import type { ChatMessage, Tool, ToolCall, ToolFormat } from './api.ts'

export interface ToolStyle {
  format: ToolFormat
  /** The template's name for its tools. */
  variable: 'tools' | 'xml_tools'
  /** False where the template leaves out the calls of an assistant's message (SmolLM3): they must stand in its text. */
  writesCalls: boolean
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
    const called = [QUESTION, templateMessage({ role: 'assistant', content: '', tool_calls: [CALL] }, null)]
    const conversation = attempt({ messages: called, add_generation_prompt: false })
    const format = formatOf(prompt + conversation)
    return format && { format, variable, writesCalls: conversation.includes(NAME) }
  }
  return null
}

// Nine letters: Mistral's templates refuse any other id.
const CALL = { id: 'callnine1', type: 'function', function: { name: NAME, arguments: '{"a":"b"}' } } as const

function formatOf(text: string): ToolFormat | null {
  if (text.includes('<function=') || text.includes('[ARGS]')) return null
  if (text.includes('[TOOL_CALLS]')) return 'mistral'
  if (text.includes('<tool_call>')) return 'hermes'
  return /"name":\s*(function name|"probe_of_tools"),\s*"parameters":\s*(dictionary|\{"a")/.test(text) ? 'llama3' : null
}

/** A message as templates take it: arguments of calls are objects, as in the transformers library. */
export function templateMessage(given: ChatMessage, style: ToolStyle | null): object {
  const { tool_calls: calls, ...message } = style?.format === 'mistral' ? withNineLetters(given) : given
  if (!calls) return message
  if (style && !style.writesCalls) {
    const texts = calls.map(call => callText(call, style.format))
    return { ...message, content: [message.content, ...texts].filter(text => text !== '').join('\n') }
  }
  const parsed = calls.map(({ id, type, function: { name, arguments: args } }) => ({
    ...{ id, type },
    function: { name, arguments: JSON.parse(args) },
  }))
  return { ...message, tool_calls: parsed }
}

const NINE = /^[a-zA-Z0-9]{9}$/

/** Mistral's templates want ids of nine letters and digits: others become such, the same ones the same. */
function withNineLetters({ tool_calls: calls, tool_call_id: answered, ...message }: ChatMessage): ChatMessage {
  return {
    ...message,
    ...(calls ? { tool_calls: calls.map(call => ({ ...call, id: nineLetters(call.id) })) } : {}),
    ...(answered === undefined ? {} : { tool_call_id: nineLetters(answered) }),
  }
}

function nineLetters(id: string): string {
  if (NINE.test(id)) return id
  let hash = 0n
  for (const letter of id) hash = BigInt.asUintN(64, (hash ^ BigInt(letter.codePointAt(0) ?? 0)) * 0x100000001b3n + 7n)
  return hash.toString(36).padStart(9, '0').slice(-9)
}

function callText({ function: { name, arguments: args } }: ToolCall, format: ToolFormat): string {
  const [before, after] = callFrame(name, format)
  return `${before}${args}${after}`
}

/** What a model writes before and after the arguments of a call. */
export function callFrame(name: string, format: ToolFormat): [before: string, after: string] {
  const quoted = JSON.stringify(name)
  switch (format) {
    case 'hermes':
      return [`<tool_call>\n{"name": ${quoted}, "arguments": `, '}\n</tool_call>']
    case 'llama3':
      return [`{"name": ${quoted}, "parameters": `, '}']
    case 'mistral':
      return [`{"name": ${quoted}, "arguments": `, '}']
  }
}
