/**
 * A program's tensors in WASM memory: where each goes, and reading them there from the bundle's files a piece at a time,
 * so that no second copy of the weights is ever in memory.
 */
import type { ReadAt, StoredFile } from '../disk-file.ts'
import { EngineError } from '../errors.ts'
import { type Matrix, type Op, paddedWidth } from '../simd/ops.ts'
import { type Program, type Tensor, tensorBytes } from './program.ts'

/** Addresses of a program's tensors, by index. */
export type Weights = readonly number[]

/** So many bytes of a Blob are in JavaScript's memory at a time. */
const PIECE_BYTES = 8 << 20

/** Bytes that the tensors take in memory, but for alignment. */
export function weightBytes(program: Program): number {
  let bytes = 0
  placeWeights(program, more => {
    bytes += Math.ceil(more / 256) * 256
    return 0
  })
  return bytes
}

/** A place for each tensor; names for the same bytes (a tied embedding) share one. */
export function placeWeights({ tensors }: Program, allocate: (bytes: number) => number): Weights {
  const places = new Map<string, number>()
  return tensors.map(tensor => {
    const key = `${tensor.file} ${tensor.offset} ${tensor.dtype} ${tensor.shape.join()}`
    const place = places.get(key) ?? allocate(placedBytes(tensor))
    places.set(key, place)
    return place
  })
}

/** Rows of matrices, and single rows (biases), have room for the kernels' whole groups; it stays zero. */
function placedBytes(tensor: Tensor): number {
  const [rows = 0, ...others] = tensor.shape
  return (tensorBytes(tensor) / rows) * (tensor.dtype === 'float32' && others.length > 0 ? rows : paddedWidth(rows))
}

/** @throws EngineError 'unsupported' where the two tensors are no matrix that the kernels take */
export function matrixOf(
  { tensors }: Program,
  weights: Weights,
  { values, scales }: { values: number; scales: number },
): Matrix {
  const [stored, steps] = [tensors[values], tensors[scales]]
  const [rows = 0, columns = 0] = stored?.shape ?? []
  const fits =
    stored?.dtype === 'int8' && steps?.dtype === 'float16' && steps.shape.join() === `${rows},${columns / 32}`
  if (!fits)
    throw new EngineError('unsupported', {
      kind: 'wrong-program',
      said: `${stored?.name} is no matrix of 8-bit blocks of 32`,
    })
  return { values: weights[values] ?? 0, scales: weights[scales] ?? 0, rows, columns }
}

/** Bytes of matrices that one token reads, and its multiply-adds but for those after `pick_rows`. */
export function tokenWork({ tensors, steps }: Program): { weightBytes: number; promptProducts: number } {
  const work = { weightBytes: 0, promptProducts: 0 }
  let picked = false
  for (const step of steps) {
    if (step.op === 'pick_rows') picked = true
    if (step.op !== 'linear') continue
    const [rows = 0, columns = 0] = tensors[step.values]?.shape ?? []
    work.weightBytes += rows * columns * (1 + 2 / 32) // and a float16 scale per 32
    if (!picked) work.promptProducts += rows * columns
  }
  return work
}

/** What has to run once over loaded weights: each matrix into the kernels' own order. */
export function packOps(program: Program, weights: Weights): Op[] {
  const packed = new Map<number, Op>()
  for (const step of program.steps) {
    if (step.op !== 'embed' && step.op !== 'linear') continue
    const matrix = matrixOf(program, weights, step)
    packed.set(matrix.values, { op: 'pack', matrix })
  }
  return [...packed.values()]
}

export interface LoadOptions {
  memory: WebAssembly.Memory
  files: WeightFiles
  signal: AbortSignal
}

/** The files that tensors name, verified. */
export interface WeightFiles {
  blob(name: string): Blob
  /** The same on disk, from where it can be read straight into memory; null where there is no disk. */
  stored?(name: string): Pick<StoredFile, 'read'> | null
}

/**
 * Reads every tensor to its place.
 * @throws EngineError 'bad-manifest' where a file is shorter than its tensors say; what the signal says where it aborts
 */
export async function loadWeights({ tensors }: Program, weights: Weights, options: LoadOptions): Promise<void> {
  const byFile = new Map<string, Map<number, Placed>>()
  tensors.forEach((tensor, index) => {
    const placed = { from: tensor.offset, to: tensor.offset + tensorBytes(tensor), address: weights[index] ?? 0 }
    // By address: two names for the same bytes are read once.
    byFile.set(tensor.file, (byFile.get(tensor.file) ?? new Map()).set(placed.address, placed))
  })
  for (const [name, placed] of byFile) await loadFile(name, [...placed.values()], options)
}

/** Bytes [from, to) of a file and where they go. */
interface Placed {
  from: number
  to: number
  address: number
}

async function loadFile(name: string, placed: readonly Placed[], { memory, files, signal }: LoadOptions) {
  const end = Math.max(...placed.map(({ to }) => to))
  const { size } = files.blob(name)
  if (size < end) {
    throw new EngineError('bad-manifest', { kind: 'short-file', path: name, found: size, expected: end })
  }
  signal.throwIfAborted()
  const whole = await files.stored?.(name)?.read(read => {
    for (const { from, to, address } of placed) readAll(read, new Uint8Array(memory.buffer, address, to - from), from)
  })
  if (!whole) await loadBlob(files.blob(name), { placed, end, memory, signal })
}

function readAll(read: ReadAt, to: Uint8Array, from: number): void {
  for (let done = 0; done < to.length; ) {
    const bytes = read(to.subarray(done), from + done)
    if (bytes === 0) throw new EngineError('internal', 'A file of the model ended before its end. Load it again.')
    done += bytes
  }
}

async function loadBlob(
  file: Blob,
  { placed, end, memory, signal }: Pick<LoadOptions, 'memory' | 'signal'> & { placed: readonly Placed[]; end: number },
) {
  const read = (start: number) => file.slice(start, Math.min(start + PIECE_BYTES, end)).arrayBuffer()
  let next = read(0)
  for (let start = 0; start < end; start += PIECE_BYTES) {
    const piece = new Uint8Array(await next)
    signal.throwIfAborted()
    next = read(start + PIECE_BYTES) // arrives while this one is copied
    const bytes = new Uint8Array(memory.buffer)
    for (const { from, to, address } of placed) {
      const [first, last] = [Math.max(from, start), Math.min(to, start + piece.length)]
      if (first < last) bytes.set(piece.subarray(first - start, last - start), address + first - from)
    }
  }
}
