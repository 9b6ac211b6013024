/** Tools of a request: checked, and where a call is asked for, the shape that the answer must have then. */
import type { ChatRequest, EngineInfo, Tool, ToolFormat } from './api.ts'
import type { ConstraintSpec } from './constraint/spec.ts'
import { EngineError } from './errors.ts'
import { plainSchema } from './response-format.ts'
import { wrong } from './wrong.ts'

export interface ToolUse {
  /** What the model is told of; none where it must not call any. */
  tools: Tool[]
  /** The shape that calls have, null where the model is left to itself. */
  constraint: ConstraintSpec | null
  /** How to read calls, null where there are none to read. */
  format: ToolFormat | null
}

type ToolFields = Pick<ChatRequest, 'tools' | 'tool_choice' | 'parallel_tool_calls'>

const NO_TOOLS: ToolUse = { tools: [], constraint: null, format: null }
const CHOICES = ['none', 'auto', 'required']

/** @throws EngineError 'bad-request', naming the field, and where the model's chat template has no place for tools */
export function toolUse(request: ToolFields, { toolFormat, bundle }: EngineInfo): ToolUse {
  const { tools, tool_choice: choice = 'auto', parallel_tool_calls: parallel = true } = request
  if (typeof parallel !== 'boolean') throw wrong('parallel_tool_calls', 'true or false', parallel)
  if (tools === undefined || tools === null || tools.length === 0) {
    if (request.tool_choice === undefined || request.tool_choice === 'none' || choice === 'auto') return NO_TOOLS
    throw wrong('tool_choice', 'none, since there are no tools', choice)
  }
  if (!Array.isArray(tools)) throw wrong('tools', 'a list', tools)
  const known = tools.map((tool, index) => toolArgs(tool, `tools[${index}]`))
  const called = calledTools(choice, known)
  if (called.length === 0) return NO_TOOLS
  if (toolFormat === null) {
    const message = `tools: ${bundle.name} has no place for tools in its chat template. Use a model that was trained for`
    throw new EngineError('bad-request', `${message} them, such as Qwen2.5, Llama 3.2 or SmolLM3, or leave tools out.`)
  }
  const calls = callsSpec(called, toolFormat, parallel)
  if (choice !== 'auto') return { tools: known, format: toolFormat, constraint: calls }
  const isStrict = known.some(tool => tool.function.strict === true)
  return { tools: known, format: toolFormat, constraint: isStrict ? orText(calls, toolFormat) : null }
}

/** Any text, in which whatever begins like a call is one. */
function orText(calls: ConstraintSpec, format: ToolFormat): ConstraintSpec {
  if (format === 'hermes') return { kind: 'text-before', opening: '<tool_call>', behind: calls }
  const text = { kind: 'regex', pattern: '[^{\\s][\\s\\S]*', where: 'tools' } as const
  return { kind: 'choice', options: [calls, text] }
}

function toolArgs(tool: unknown, where: string): Tool {
  const { type, function: described } = Object(tool)
  if (type !== 'function') throw wrong(`${where}.type`, '"function"', type)
  const { name, description, parameters, strict } = Object(described)
  if (typeof name !== 'string' || !/^[\w.-]{1,64}$/.test(name))
    throw wrong(`${where}.function.name`, 'up to 64 letters, digits, dots, dashes and underscores', name)
  if (description !== undefined && typeof description !== 'string')
    throw wrong(`${where}.function.description`, 'a text', description)
  if (strict !== undefined && strict !== null && typeof strict !== 'boolean')
    throw wrong(`${where}.function.strict`, 'true or false', strict)
  const schema = parameters === undefined ? EMPTY : plainSchema(parameters, `${where}.function.parameters`)
  const isObject = typeof schema === 'object' && schema.type === 'object'
  if (!isObject) throw wrong(`${where}.function.parameters.type`, '"object"', Object(schema).type)
  return {
    type,
    function: {
      name,
      ...(description === undefined ? {} : { description }),
      parameters: schema,
      strict: strict === true,
    },
  }
}

const EMPTY = { type: 'object', properties: {} }

/** Those that may be called. */
function calledTools(choice: unknown, tools: Tool[]): Tool[] {
  if (choice === 'none') return []
  if (choice === 'auto' || choice === 'required') return tools
  const name = Object(Object(choice).function).name
  const named = tools.filter(tool => tool.function.name === name)
  const expected = `one of ${CHOICES.join(', ')}, or {"type": "function", "function": {"name": …}} with the name of a tool`
  if (Object(choice).type !== 'function' || named.length === 0) throw wrong('tool_choice', expected, choice)
  return named
}

function callsSpec(tools: readonly Tool[], format: ToolFormat, parallel: boolean): ConstraintSpec {
  const call: ConstraintSpec = { kind: 'choice', options: tools.map(tool => callSpec(tool, format)) }
  return format === 'hermes' && parallel ? { kind: 'list', of: call, separator: '\n' } : call
}

function callSpec({ function: { name, parameters = EMPTY } }: Tool, format: ToolFormat): ConstraintSpec {
  const where = `tools.${name}.parameters`
  const args: ConstraintSpec = { kind: 'json-schema', schema: plainSchema(parameters, where), where }
  const [before, after] =
    format === 'hermes'
      ? [`<tool_call>\n{"name": ${JSON.stringify(name)}, "arguments": `, '}\n</tool_call>']
      : [`{"name": ${JSON.stringify(name)}, "parameters": `, '}']
  const [opening, closing] = [before, after].map(text => ({ kind: 'text', text }) as const)
  return { kind: 'sequence', parts: [opening, args, closing].filter(part => part !== undefined) }
}
