/**
 * The operations of the CPU backend's machine, and how they are written into WASM memory. A step of a model is a list of
 * ops that all threads walk together (machine.ts); the code of each op is in web/kernels/. Knows nothing of models.
 *
 * Addresses are bytes in WASM memory. A **value** is a matrix of float32 rows, one row per token: `Rows.address` is its
 * first number (16-byte aligned), rows are `Rows.stride` floats apart (a multiple of 4). A part of a value (the keys in a
 * packed QKV) is the same stride with a later address; offsets are multiples of 4 floats. Widths that are no multiple of
 * 4 are allowed where noted: whole groups of 4 are read and written then, so rows need that padding (`paddedWidth`).
 *
 * Every op runs for all tokens of the run (`rows: 'tokens'`) or for the last `outputs` of them, packed at the front of
 * their values (`rows: 'outputs'`, after `pickRows`): the counts come from the run, so one list serves prompts, single
 * tokens and guesses. Results do not depend on how many tokens share a run, nor on threads, to the last bit.
 */

export interface Rows {
  address: number
  /** Floats from one row to the next. */
  stride: number
}

/**
 * int8 weights with a float16 scale per 32 columns, w[n, k] = values[n, k] · scales[n, k / 32]. `values` is
 * [paddedRows, columns] int8, `scales` [paddedRows, columns / 32] float16, both 16-byte aligned, rows beyond `rows` zero.
 * Row-major as in the bundle's file until `pack` has run over it, in the build's own order afterwards, in the same bytes.
 */
export interface Matrix {
  values: number
  scales: number
  rows: number
  /** A multiple of 32, at most 65,536. */
  columns: number
}

/** Rows made by `quantize`: integers in blocks of 32 and what goes with them; opaque, `quantizedRowBytes` each. */
export type QuantizedRows = number

/** Keys and values of one layer, integers with scales: opaque but for heads lying one after the other. 16-byte aligned. */
export interface Cache {
  keys: number
  values: number
  /** Positions that there is room for: a multiple of CACHE_BLOCK. */
  capacity: number
}

/** Positions whose values lie together; keys do in eights. */
export const CACHE_BLOCK = 128
const CACHE_GROUP = 8

type Which = { rows?: 'tokens' | 'outputs' }

export type Op = Which &
  (
    | { op: 'pack'; matrix: Matrix }
    /** to [columns] = row `token` of a packed matrix, times `factor`. */
    | { op: 'embed'; matrix: Matrix; to: Rows; factor?: number }
    /** to = from + row `position` of table [positions, width] float32. */
    | { op: 'addPositions'; from: Rows; table: number; to: Rows; width: number }
    /**
     * RMS norm (`rms`) or layer norm over each of `groups` groups of `width` columns: times weight [width], plus bias
     * [width] (layer; 0: none). `width` is a multiple of 4. In place is allowed.
     */
    | ({ op: 'norm'; kind: 'rms' | 'layer'; from: Rows; to: Rows; width: number; groups: number } & {
        weight: number
        bias: number
        epsilon: number
      })
    /**
     * The form in which `matmul` takes its input: symmetric integers in blocks of 32, scale max|x| / 32767 in the plain
     * build; in the relaxed one scale max|x| / 127, and blocks with max|x| > 4.5 · root mean square have a second block of
     * 8 bits for what the first left out.
     */
    | { op: 'quantize'; from: Rows; to: QuantizedRows; width: number }
    /**
     * to [matrix.rows] = matrix · from + bias (0: none) + plus (null: none; `plus` may be `to`, the residual stream).
     * Writes `paddedWidth(matrix.rows)` columns; those beyond the matrix are `plus` there, or 0. bias [paddedRows] float32.
     */
    | { op: 'matmul'; from: QuantizedRows; matrix: Matrix; bias: number; plus: Rows | null; to: Rows }
    /**
     * Rotary positions in place, on the first `rotaryDim` columns of each of `heads` heads of `headDim`. cos, sin
     * [positions, rotaryDim / 2] float32. `half`: column i turns with i + rotaryDim / 2; `interleaved`: 2i with 2i + 1.
     */
    | ({ op: 'rotary'; style: 'half' | 'interleaved'; at: Rows; heads: number; headDim: number; rotaryDim: number } & {
        cos: number
        sin: number
      })
    /** Writes keys and values [kvHeads · headDim] at the run's positions. `headDim` is a multiple of 8, at most 256, here
     * and below. */
    | { op: 'append'; keys: Rows; values: Rows; cache: Cache; kvHeads: number; headDim: number }
    /**
     * Causal attention of `heads` query heads over the cache, heads / kvHeads of them to each key head. Scores are
     * scale · q·k, then softCap · tanh(score / softCap) where softCap > 0, plus slopes[head] · (key position - query
     * position) where slopes [heads] float32 is given (0: none). A window > 0 sees itself and the window - 1 before.
     */
    | ({ op: 'attention'; query: Rows; cache: Cache; to: Rows; heads: number; kvHeads: number; headDim: number } & {
        scale: number
        softCap: number
        window: number
        slopes: number
      })
    /** Column by column; any width, in place allowed. */
    | { op: 'add' | 'multiply'; left: Rows; right: Rows; to: Rows; width: number }
    | { op: 'scale'; from: Rows; to: Rows; width: number; factor: number }
    /** limit · tanh(x / limit) */
    | { op: 'softCap'; from: Rows; to: Rows; width: number; limit: number }
    /** The activation of `from`, times `gated` where given (SwiGLU, GeGLU). `gelu` is exact (erf), `geluTanh` its approximation. */
    | ({ op: 'activate'; kind: 'silu' | 'gelu' | 'geluTanh' | 'relu'; from: Rows; gated: Rows | null; to: Rows } & {
        width: number
      })
    /** to = the last `outputs` rows of from; always runs once. */
    | { op: 'pickRows'; from: Rows; to: Rows; width: number }
    /** Reads `bytes`, a multiple of 65,536, and does nothing with them: how fast that goes is the limit of many ops. */
    | { op: 'read'; address: number; bytes: number }
  )

/** What `openMachine` (machine.ts) gives: WASM memory, the threads that compute in it, and nothing of a model. */
export interface Machine {
  readonly memory: WebAssembly.Memory
  readonly build: 'relaxed' | 'simd128'
  readonly threads: number
  /** Where a run's token ids go before it starts: int32, room for `maxTokens`. */
  readonly tokens: number
  readonly maxTokens: number
  /** Zeroed bytes of their own, 256-byte aligned. @throws EngineError 'out-of-memory' beyond the machine's memory */
  allocate(bytes: number): number
  /** Checks the ops' shapes and writes them into memory, once. @throws EngineError 'internal' naming a bad shape */
  compile(ops: readonly Op[]): OpList
  /**
   * Runs a list to its end; the calling thread is one of the threads, and blocks. Tokens are at positions from `position`
   * on. Returns for how many milliseconds this thread waited for one that the system had put aside.
   * @throws EngineError 'internal' where a thread failed; the machine is of no use after that but to be disposed
   */
  run(list: OpList, run: RunShape): number
  /** Ends the threads; twice is fine. */
  dispose(): void
}

export interface OpList {
  readonly address: number
  readonly count: number
}

export interface RunShape {
  tokens: number
  position: number
  /** For how many of the last tokens the ops with `rows: 'outputs'` run. */
  outputs: number
  /** How many take part, this one among them: all without it. */
  threads?: number
}

/** Columns that a row of `width` must have room for. */
export function paddedWidth(width: number): number {
  return Math.ceil(width / 8) * 8
}

/** Rows that a matrix takes in memory. */
function paddedRows(matrix: Pick<Matrix, 'rows'>): number {
  return paddedWidth(matrix.rows)
}

export function matrixBytes(matrix: Pick<Matrix, 'rows' | 'columns'>): { values: number; scales: number } {
  const values = paddedRows(matrix) * matrix.columns
  return { values, scales: values / 16 }
}

/** Bytes of one row of QuantizedRows with `width` columns (a multiple of 32): room for either build's layout. */
export function quantizedRowBytes(width: number): number {
  return width * 2 + (width / 32) * 88 + 16
}

/** Bytes of one layer's keys or values, of whole groups or blocks of positions; web/kernels/cache.ts says how they lie. */
export function cacheBytes(shape: {
  kind: 'keys' | 'values'
  kvHeads: number
  capacity: number
  headDim: number
}): number {
  const [together, width] = shape.kind === 'keys' ? [CACHE_GROUP, 2 * shape.headDim] : [CACHE_BLOCK, shape.headDim]
  return shape.kvHeads * Math.ceil(shape.capacity / together) * together * (width + 4)
}

/** int32 words per op in memory: 0 opcode, 1 rows, 2… arguments as in `argumentsOf`. */
export const OP_WORDS = 24

const OPCODES = {
  ...{ pack: 1, embed: 2, addPositions: 3, norm: 4, quantize: 5, matmul: 6, rotary: 7, append: 8, attention: 9 },
  ...{ add: 10, multiply: 11, scale: 12, softCap: 13, activate: 14, pickRows: 15, read: 16 },
} satisfies Record<Op['op'], number>
const ACTIVATIONS = { silu: 0, gelu: 1, geluTanh: 2, relu: 3 }

/** The op's words, for machine.ts to write. */
export function encode(op: Op): Int32Array {
  const words = new Int32Array(OP_WORDS)
  words[0] = OPCODES[op.op]
  words[1] = op.rows === 'outputs' ? 1 : 0
  words.set(argumentsOf(op), 2)
  return words
}

function argumentsOf(op: Op): number[] {
  switch (op.op) {
    case 'pack':
      return matrix(op.matrix)
    case 'embed':
      return [...matrix(op.matrix), ...rows(op.to), bits(op.factor ?? 1)]
    case 'addPositions':
      return [...rows(op.from), ...rows(op.to), op.width, op.table]
    case 'norm':
      return [
        ...[...rows(op.from), ...rows(op.to), op.width, op.groups],
        ...[op.kind === 'rms' ? 0 : 1, op.weight, op.bias, bits(op.epsilon)],
      ]
    case 'quantize':
      return [...rows(op.from), op.to, op.width]
    case 'matmul':
      return [op.from, ...matrix(op.matrix), op.bias, ...rows(op.plus), ...rows(op.to)]
    case 'rotary':
      return [...rows(op.at), op.heads, op.headDim, op.rotaryDim, op.cos, op.sin, op.style === 'half' ? 0 : 1]
    case 'append':
      return [...rows(op.keys), ...rows(op.values), ...cache(op.cache), op.kvHeads, op.headDim]
    case 'attention':
      return [
        ...[...rows(op.query), ...rows(op.to), ...cache(op.cache), op.heads, op.kvHeads, op.headDim],
        ...[bits(op.scale), bits(op.softCap), op.window, op.slopes],
      ]
    case 'add':
    case 'multiply':
      return [...rows(op.left), ...rows(op.right), ...rows(op.to), op.width]
    case 'scale':
      return [...rows(op.from), ...rows(op.to), op.width, bits(op.factor)]
    case 'softCap':
      return [...rows(op.from), ...rows(op.to), op.width, bits(op.limit)]
    case 'activate':
      return [...rows(op.from), ...rows(op.gated), ...rows(op.to), op.width, ACTIVATIONS[op.kind]]
    case 'pickRows':
      return [...rows(op.from), ...rows(op.to), op.width]
    case 'read':
      return [op.address, op.bytes]
  }
}

function matrix({ values, scales, rows: count, columns }: Matrix): number[] {
  return [values, scales, count, columns]
}

/** Nothing is address 0. */
function rows(value: Rows | null): number[] {
  return value ? [value.address, value.stride] : [0, 0]
}

function cache({ keys, values, capacity }: Cache): number[] {
  return [keys, values, capacity]
}

function bits(float: number): number {
  return new Int32Array(Float32Array.of(float).buffer)[0] ?? 0
}
