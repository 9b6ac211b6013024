/** Shapes and alignments that the kernels rely on, asked once per list: a wrong one would read or write beside its place. */
import { EngineError } from '../errors.ts'
import { CACHE_BLOCK, type Op, type Rows } from './ops.ts'

const MOST_COLUMNS = 65_536
/** Sums of 12 bits × 12 bits fit into 32 (web/kernels/attention.ts). */
const MOST_HEAD = 256

/** @throws EngineError 'internal' naming the op and what is wrong with it */
export function checkOp(op: Op): void {
  const wrong = problems(op).find(([isWrong]) => isWrong)
  if (wrong) throw new EngineError('internal', `The CPU kernel "${op.op}" cannot compute with ${wrong[1]}.`)
}

type Problem = [isWrong: boolean, what: string]

function problems(op: Op): Problem[] {
  const found: Problem[] = Object.entries(op).flatMap(([name, value]) =>
    isRows(value) ? rowsProblems(name, value) : [],
  )
  if ('matrix' in op) {
    const { columns, rows, values, scales } = op.matrix
    found.push([columns % 32 !== 0 || columns < 32 || columns > MOST_COLUMNS, `${columns} columns`])
    found.push([rows < 1 || values % 16 !== 0 || scales % 16 !== 0, `a matrix of ${rows} rows at ${values}, ${scales}`])
  }
  if ('headDim' in op)
    found.push([op.headDim % 8 !== 0 || op.headDim < 8 || op.headDim > MOST_HEAD, `heads of ${op.headDim} columns`])
  if ('kvHeads' in op && 'heads' in op) found.push([op.heads % op.kvHeads !== 0, `${op.heads} / ${op.kvHeads} heads`])
  if ('cache' in op) found.push([op.cache.capacity % CACHE_BLOCK !== 0, `a cache of ${op.cache.capacity} positions`])
  if (op.op === 'norm') found.push([op.width % 4 !== 0, `groups of ${op.width} columns`])
  if (op.op === 'quantize') found.push([op.width % 32 !== 0, `${op.width} columns`])
  if (op.op === 'rotary')
    found.push([op.rotaryDim % 2 !== 0 || op.rotaryDim > op.headDim, `${op.rotaryDim} columns to turn`])
  if (op.op === 'read') found.push([op.address % 16 !== 0 || op.bytes % 65_536 !== 0, `${op.bytes} bytes to read`])
  return found
}

function rowsProblems(name: string, { address, stride }: Rows): Problem[] {
  return [[address <= 0 || address % 16 !== 0 || stride % 4 !== 0, `\`${name}\` at ${address}, ${stride} apart`]]
}

function isRows(value: unknown): value is Rows {
  return typeof value === 'object' && value !== null && 'stride' in value
}
