/** Tools of a request: checked, and where a call is asked for, the shape that the answer must have then. */
import type { ChatRequest, EngineInfo, Tool, ToolFormat } from './api.ts'
import type { ConstraintSpec, JsonSchema } from './constraint/spec.ts'
import { EngineError } from './errors.ts'
import { plainSchema } from './response-format.ts'
import { callFrame } from './tool-style.ts'
import { wrong } from './wrong.ts'

export interface ToolUse {
  /** What the model is told of; none where it must not call any. */
  tools: Tool[]
  /** How to read calls, null where there are none to read. */
  format: ToolFormat | null
  /** The shape that the answer must have, null for any. */
  constraint: ConstraintSpec | null
}

type ToolFields = Pick<ChatRequest, 'tools' | 'tool_choice' | 'parallel_tool_calls'>

interface KnownTool {
  tool: Tool
  /** Where its parameters stand, for messages. */
  where: string
  parameters: JsonSchema
  strict: boolean
}

const CHOICES = ['none', 'auto', 'required']

/**
 * @param shape that an answer without calls must have, null for any
 * @throws EngineError 'bad-request', naming the field, and where the model's chat template has no place for tools
 */
export function toolUse(request: ToolFields, shape: ConstraintSpec | null, info: EngineInfo): ToolUse {
  const { tools, tool_choice: choice = 'auto', parallel_tool_calls: parallel = true } = request
  if (typeof parallel !== 'boolean') throw wrong('parallel_tool_calls', 'true or false', parallel)
  if (tools !== undefined && !Array.isArray(tools)) throw wrong('tools', 'a list', tools)
  const known = (tools ?? []).map((tool, index) => toolArgs(tool, `tools[${index}]`))
  const called = calledTools(choice, known)
  if (called.length === 0) return { tools: [], format: null, constraint: shape }
  const format = info.toolFormat
  if (format === null) {
    throw new EngineError('bad-request', { kind: 'no-tools', model: info.bundle.name })
  }
  const use = { tools: known.map(({ tool }) => tool), format }
  const calls = callsSpec(called, format, parallel)
  if (choice !== 'auto') return { ...use, constraint: calls }
  if (shape) return { ...use, constraint: { kind: 'choice', options: [calls, shape] } }
  return { ...use, constraint: known.some(({ strict }) => strict) ? orText(calls, format) : null }
}

/** Any text, in which whatever begins like a call is one. */
function orText(calls: ConstraintSpec, format: ToolFormat): ConstraintSpec {
  if (format === 'hermes') return { kind: 'text-before', opening: '<tool_call>', behind: calls }
  const first = format === 'mistral' ? '\\[' : '{'
  const text = { kind: 'regex', pattern: `[^${first}\\s][\\s\\S]*`, where: 'tools' } as const
  return { kind: 'choice', options: [calls, text] }
}

function toolArgs(given: unknown, place: string): KnownTool {
  const { type, function: described } = Object(given)
  if (type !== 'function') throw wrong(`${place}.type`, '"function"', type)
  const { name, description, parameters: schema, strict } = Object(described)
  if (typeof name !== 'string' || !/^[\w.-]{1,64}$/.test(name))
    throw wrong(`${place}.function.name`, 'up to 64 letters, digits, dots, dashes and underscores', name)
  if (description !== undefined && typeof description !== 'string')
    throw wrong(`${place}.function.description`, 'a text', description)
  if (strict !== undefined && strict !== null && typeof strict !== 'boolean')
    throw wrong(`${place}.function.strict`, 'true or false', strict)
  const where = `${place}.function.parameters`
  const parameters = schema === undefined ? { type: 'object', properties: {} } : plainSchema(schema, where)
  if (Object(parameters).type !== 'object') throw wrong(`${where}.type`, '"object"', Object(parameters).type)
  const tool: Tool = { type, function: { name, ...(description === undefined ? {} : { description }), parameters } }
  return { tool, where, parameters, strict: strict === true }
}

/** Those that may be called. */
function calledTools(choice: unknown, tools: KnownTool[]): KnownTool[] {
  if (choice === 'none') return []
  if (choice === 'auto' || (choice === 'required' && tools.length > 0)) return tools
  const name = Object(Object(choice).function).name
  const named = tools.filter(({ tool }) => tool.function.name === name)
  const expected = `one of ${CHOICES.join(', ')}, or {"type": "function", "function": {"name": …}} with the name of a tool`
  if (Object(choice).type !== 'function' || named.length === 0) throw wrong('tool_choice', expected, choice)
  return named
}

function callsSpec(tools: readonly KnownTool[], format: ToolFormat, parallel: boolean): ConstraintSpec {
  const call: ConstraintSpec = { kind: 'choice', options: tools.map(known => callSpec(known, format)) }
  if (format === 'hermes') return parallel ? { kind: 'list', of: call, separator: '\n' } : call
  if (format === 'llama3') return call
  const list: ConstraintSpec = parallel ? { kind: 'list', of: call, separator: ', ' } : call
  return { kind: 'sequence', parts: [{ kind: 'text', text: '[' }, list, { kind: 'text', text: ']' }] }
}

function callSpec({ tool, where, parameters }: KnownTool, format: ToolFormat): ConstraintSpec {
  const { name } = tool.function
  const args: ConstraintSpec = { kind: 'json-schema', schema: parameters, where }
  const [before, after] = callFrame(name, format)
  return { kind: 'sequence', parts: [{ kind: 'text', text: before }, args, { kind: 'text', text: after }] }
}
