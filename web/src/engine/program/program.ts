/**
 * Parses a bundle's `program.json`: what one step of a decoder computes. Mirrors export/slm_export/decoder_program.py,
 * which says what each step means. Values are numbered; value v holds `widths[v]` float32 per token.
 */
import * as v from 'valibot'
import { EngineError } from '../errors.ts'

const VERSION = 1

const whole = v.pipe(v.number(), v.integer(), v.minValue(0))
const positive = v.pipe(v.number(), v.integer(), v.minValue(1))
const amount = v.pipe(v.number(), v.finite(), v.minValue(0))
const finite = v.pipe(v.number(), v.finite())

const part = v.object({ value: whole, offset: whole, width: positive })

const step = v.variant('op', [
  v.object({ op: v.literal('embed'), values: whole, scales: whole, to: whole }),
  v.object({ op: v.literal('add_positions'), value: whole, table: whole, to: whole }),
  v.object({ op: v.literal('scale'), value: whole, factor: finite, to: whole }),
  v.object({
    op: v.literal('norm'),
    kind: v.picklist(['rms', 'layer']),
    part,
    group: positive,
    weight: whole,
    bias: v.nullable(whole),
    epsilon: amount,
    to: whole,
  }),
  v.object({ op: v.literal('linear'), value: whole, values: whole, scales: whole, bias: v.nullable(whole), to: whole }),
  v.object({
    op: v.literal('attention'),
    layer: whole,
    query: part,
    key: part,
    value: part,
    heads: positive,
    kv_heads: positive,
    head_dim: positive,
    scale: finite,
    soft_cap: amount,
    window: whole,
    cos: v.nullable(whole),
    sin: v.nullable(whole),
    slopes: v.nullable(whole),
    to: whole,
  }),
  v.object({ op: v.literal('add'), left: whole, right: whole, to: whole }),
  v.object({ op: v.literal('multiply'), left: whole, right: whole, to: whole }),
  v.object({ op: v.literal('activate'), kind: v.picklist(['silu', 'gelu', 'gelu_tanh']), value: whole, to: whole }),
  v.object({ op: v.literal('soft_cap'), value: whole, limit: amount, to: whole }),
  v.object({ op: v.literal('pick_rows'), value: whole, to: whole }),
])

const tensor = v.object({
  name: v.string(),
  file: v.string(),
  offset: whole,
  dtype: v.picklist(['int8', 'float16', 'float32']),
  shape: v.pipe(v.array(positive), v.minLength(1)),
})

const program = v.object({
  version: v.literal(VERSION),
  tensors: v.array(tensor),
  widths: v.array(positive),
  steps: v.array(step),
  logits: whole,
})

export type Program = v.InferOutput<typeof program>
export type Step = v.InferOutput<typeof step>
export type AttentionStep = Extract<Step, { op: 'attention' }>
export type Tensor = v.InferOutput<typeof tensor>
export type Part = v.InferOutput<typeof part>

const ELEMENT_BYTES = { int8: 1, float16: 2, float32: 4 }

/**
 * @param json the text of the file
 * @param path its path in the bundle, for messages
 * @throws EngineError 'unsupported' for a version or a step that this engine does not know, or a file that is damaged
 */
export function parseProgram(json: string, path: string): Program {
  let data: unknown
  try {
    data = JSON.parse(json)
  } catch (cause) {
    throw new EngineError('unsupported', { kind: 'not-json', path }, { cause })
  }
  const parsed = v.safeParse(program, data, { abortEarly: true })
  if (parsed.success) {
    checkNumbers(parsed.output, path)
    return parsed.output
  }
  const [{ path: keys = [], expected }] = parsed.issues
  const where = keys.map(({ key }) => String(key)).join('.')
  const said = `${path}: ${where || 'program'}: expected ${expected ?? 'another value'}`
  throw new EngineError('unsupported', { kind: 'wrong-program', said })
}

/** Every number must name something that is there, and every value be made before it is used. */
function checkNumbers({ tensors, widths, steps, logits }: Program, path: string): void {
  const made = new Set<number>()
  const missing = (what: string) =>
    new EngineError('unsupported', { kind: 'wrong-program', said: `${path} names ${what} that is not there` })
  for (const each of steps) {
    if (tensorsOf(each).some(index => index >= tensors.length)) throw missing('a tensor')
    if (valuesOf(each).some(value => !made.has(value))) throw missing('a value')
    for (const { value, offset, width } of partsOf(each)) {
      if (offset + width > (widths[value] ?? 0)) throw missing('a part of a value')
    }
    if (each.to >= widths.length || made.has(each.to)) throw missing('a place for a result')
    made.add(each.to)
  }
  if (!made.has(logits)) throw missing('a result')
}

/** Of one token, what the step reads. */
export function valuesOf(each: Step): number[] {
  switch (each.op) {
    case 'embed':
      return []
    case 'norm':
    case 'attention':
      return partsOf(each).map(({ value }) => value)
    case 'add':
    case 'multiply':
      return [each.left, each.right]
    default:
      return [each.value]
  }
}

function partsOf(each: Step): Part[] {
  if (each.op === 'norm') return [each.part]
  return each.op === 'attention' ? [each.query, each.key, each.value] : []
}

function tensorsOf(each: Step): number[] {
  const found: (number | null)[] = []
  if (each.op === 'embed' || each.op === 'linear') found.push(each.values, each.scales)
  if (each.op === 'linear') found.push(each.bias)
  if (each.op === 'norm') found.push(each.weight, each.bias)
  if (each.op === 'attention') found.push(each.cos, each.sin, each.slopes)
  if (each.op === 'add_positions') found.push(each.table)
  return found.filter(index => index !== null)
}

export function tensorBytes({ dtype, shape }: Tensor): number {
  return shape.reduce((product, size) => product * size, ELEMENT_BYTES[dtype])
}

/** The attention steps, by layer. */
export function layersOf({ steps }: Program): AttentionStep[] {
  return steps.filter(each => each.op === 'attention')
}
