/**
 * A program as the machine's op list: each value gets a place in memory for as long as it is needed, matrices get their
 * input rounded once for all that share it, attention becomes rotary, append and attention.
 */
import { EngineError } from '../errors.ts'
import { type Cache, type Op, paddedWidth, quantizedRowBytes, type Rows } from '../simd/ops.ts'
import { fuse, type Node, readsOf } from './fuse.ts'
import { assignPlaces, type Life } from './places.ts'
import type { AttentionStep, Part, Program } from './program.ts'
import { matrixOf, type Weights } from './weights.ts'

export interface CompileOptions {
  weights: Weights
  /** Keys and values of each layer. */
  caches: readonly Cache[]
  sizes: RunSizes
  /** Zeroed bytes for activations. */
  allocate(bytes: number): number
}

/** Most tokens of one run, and most of them whose logits are wanted. */
export interface RunSizes {
  tokens: number
  outputs: number
}

export interface Compiled {
  ops: Op[]
  /** The logits of the run's outputs: [outputs, vocabulary] f32. */
  logits: Rows
}

/** @throws EngineError 'unsupported' where the program has what no list of ops can say */
export function compile(program: Program, { weights, caches, sizes, allocate }: CompileOptions): Compiled {
  const drafts = draftAll(program)
  const places = assignPlaces(livesOf(drafts, sizes), program.logits, allocate)
  const at = (id: number) => ({ address: places.get(id) ?? 0, stride: paddedWidth(program.widths[id] ?? 0) })
  const around = { program, weights, caches, at }
  const ops = drafts.flatMap(({ ops: make, picked }) =>
    make(around).map((op): Op => (picked && op.op !== 'pickRows' ? { ...op, rows: 'outputs' } : op)),
  )
  return { ops, logits: at(program.logits) }
}

/** Bytes that `compile` will ask for. */
export function activationBytes(program: Program, sizes: RunSizes): number {
  let bytes = 0
  assignPlaces(livesOf(draftAll(program), sizes), program.logits, more => {
    bytes += Math.ceil(more / 256) * 256
    return 0
  })
  return bytes
}

/** What an op's arguments come from. */
interface Around extends Pick<CompileOptions, 'weights' | 'caches'> {
  program: Program
  at(id: number): Rows
}

/** One node before its values have places. */
interface Draft extends Omit<Life, 'bytes'> {
  rowBytes: number
  /** Runs only for the rows whose logits are wanted. */
  picked: boolean
  ops(around: Around): Op[]
}

function livesOf(drafts: readonly Draft[], sizes: RunSizes): Life[] {
  return drafts.map(({ rowBytes, picked, ...life }) => ({
    ...life,
    bytes: rowBytes * (picked ? sizes.outputs : sizes.tokens),
  }))
}

/** The id of a value's rounded form, beside those of values. */
function rounded(value: number): number {
  return -1 - value
}

function draftAll(program: Program): Draft[] {
  const nodes = fuse(program)
  checkRotary(nodes)
  const drafts: Draft[] = []
  let picked = false
  for (const node of nodes) {
    if (node.op === 'pick_rows') picked = true
    if (node.op === 'linear' && !drafts.some(({ makes }) => makes === rounded(node.value))) {
      drafts.push(quantize(node.value, { width: program.widths[node.value] ?? 0, picked }))
    }
    const width = program.widths[node.to] ?? 0
    const over = node.op === 'linear' ? node.plus : node.op === 'add' || node.op === 'multiply' ? node.left : null
    const reads = node.op === 'linear' ? [rounded(node.value), ...readsOf(node).slice(1)] : readsOf(node)
    const ops = (around: Around) => opsOf(node, width, around)
    drafts.push({ reads, makes: node.to, rowBytes: 4 * paddedWidth(width), picked, over, ops })
  }
  return drafts
}

function quantize(value: number, { width, picked }: { width: number; picked: boolean }): Draft {
  const makes = rounded(value)
  const ops = ({ at }: Around): Op[] => [{ op: 'quantize', from: at(value), to: at(makes).address, width }]
  return { reads: [value], makes, rowBytes: quantizedRowBytes(width), picked, over: null, ops }
}

/** Heads are turned where they lie, so nobody else may read them. */
function checkRotary(nodes: readonly Node[]): void {
  for (const node of nodes) {
    if (node.op !== 'attention' || node.cos === null) continue
    const others = new Set(nodes.filter(other => other !== node).flatMap(readsOf))
    if (!others.has(node.query.value) && !others.has(node.key.value)) continue
    throw new EngineError('unsupported', {
      kind: 'wrong-program',
      said: 'The program reads queries or keys in two places, which the kernels cannot',
    })
  }
}

function opsOf(node: Node, width: number, around: Around): Op[] {
  const { program, weights, at } = around
  const to = at(node.to)
  switch (node.op) {
    case 'embed':
      return [{ op: 'embed', matrix: matrixOf(program, weights, node), to, factor: node.factor }]
    case 'add_positions':
      return [{ op: 'addPositions', from: at(node.value), to, width, table: address(weights, node.table) }]
    case 'scale':
      return [{ op: 'scale', from: at(node.value), to, width, factor: node.factor }]
    case 'norm': {
      const { kind, part, group, epsilon } = node
      const [weight, bias] = [address(weights, node.weight), address(weights, node.bias)]
      const groups = part.width / group
      return [{ op: 'norm', kind, from: partRows(part, at), to, width: group, groups, weight, bias, epsilon }]
    }
    case 'linear': {
      const matrix = matrixOf(program, weights, node)
      const plus = node.plus === null ? null : at(node.plus)
      return [
        { op: 'matmul', from: at(rounded(node.value)).address, matrix, bias: address(weights, node.bias), plus, to },
      ]
    }
    case 'attention':
      return attention(node, around)
    case 'add':
    case 'multiply':
      return [{ op: node.op, left: at(node.left), right: at(node.right), to, width }]
    case 'activate': {
      const kind = node.kind === 'gelu_tanh' ? 'geluTanh' : node.kind
      return [
        { op: 'activate', kind, from: at(node.value), gated: node.gated === null ? null : at(node.gated), to, width },
      ]
    }
    case 'soft_cap':
      return [{ op: 'softCap', from: at(node.value), to, width, limit: node.limit }]
    case 'pick_rows':
      return [{ op: 'pickRows', from: at(node.value), to, width }]
  }
}

function attention(node: AttentionStep, { program, weights, caches, at }: Around): Op[] {
  const { heads, kv_heads: kvHeads, head_dim: headDim, scale, window } = node
  const cache = caches[node.layer]
  if (!cache)
    throw new EngineError('unsupported', {
      kind: 'wrong-program',
      said: `The program's layer ${node.layer} has no cache`,
    })
  const [query, keys, values] = [partRows(node.query, at), partRows(node.key, at), partRows(node.value, at)]
  const shape = { heads, kvHeads, headDim }
  const options = { scale, softCap: node.soft_cap, window, slopes: address(weights, node.slopes) }
  const ops: Op[] = [
    { op: 'append', keys, values, cache, kvHeads, headDim },
    { op: 'attention', query, cache, to: at(node.to), ...shape, ...options },
  ]
  if (node.cos === null) return ops
  const rotaryDim = 2 * (program.tensors[node.cos]?.shape[1] ?? 0)
  const tables = { rotaryDim, cos: address(weights, node.cos), sin: address(weights, node.sin) }
  return [
    { op: 'rotary', style: 'half', at: query, heads, headDim, ...tables },
    { op: 'rotary', style: 'half', at: keys, heads: kvHeads, headDim, ...tables },
    ...ops,
  ]
}

function partRows({ value, offset }: Part, at: Around['at']): Rows {
  const { address: start, stride } = at(value)
  return { address: start + 4 * offset, stride }
}

/** Nothing is address 0. */
function address(weights: Weights, tensor: number | null): number {
  return tensor === null ? 0 : (weights[tensor] ?? 0)
}
