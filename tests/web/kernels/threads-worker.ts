/** A worker's part of threads.browser.test.ts: random ops through a machine, their results as one list of bytes. */
import { type MachineOptions, openMachine } from '../../../web/src/engine/simd/machine.ts'
import type { Machine, Op } from '../../../web/src/engine/simd/ops.ts'
import { Lab, relativeError, someWeights } from './lab.ts'
import { type Random, random } from './random.ts'
import { product } from './reference.ts'

export interface Question {
  options: Partial<MachineOptions>
  /** What weights may be, so that relaxed products stay exact on this machine too. */
  range?: [number, number]
  /**
   * `pile`: results of many runs, `turns`: each with another number of the threads; `products`: matrix products beside what they should be; `bad op`: an op that makes a
   * helper fail; `dispose`: a run after the end.
   */
  what: 'pile' | 'turns' | 'products' | 'bad op' | 'dispose'
}

export interface Answer {
  build: string
  threads: number
  bytes: Uint8Array
  /** The largest relative error of `products`, with the rounding of the build. */
  worst: number
  error: string | null
}

self.onmessage = async ({ data }: MessageEvent<Question>) => {
  const machine = await openMachine({ threads: 1, memoryBytes: 96 * 2 ** 20, maxTokens: 64, ...data.options })
  const answer: Answer = {
    build: machine.build,
    threads: machine.threads,
    bytes: new Uint8Array(),
    worst: 0,
    error: null,
  }
  try {
    if (data.what === 'pile' || data.what === 'turns')
      answer.bytes = pile(machine, data.range ?? [-127, 127], data.what === 'turns')
    else if (data.what === 'products') answer.worst = worstProduct(machine, data.range ?? [-127, 127])
    else if (data.what === 'bad op') runBadOps(machine)
    else runAfterEnd(machine)
  } catch (error) {
    answer.error = String(error)
  }
  machine.dispose()
  self.postMessage(answer)
}

/**
 * A layer's worth of ops at the lengths of prompts, tokens and guesses, one after the other over the same cache, then attention
 * of heads of which few tokens' parts of all blocks have no room beside each other.
 */
function pile(machine: Machine, range: [number, number], inTurns: boolean): Uint8Array {
  const lab = new Lab(machine)
  const numbers = random(99)
  const [first, second] = [someWeights(numbers, 576, 320, range), someWeights(numbers, 77, 192, range)]
  const [hidden, qkv, attended, logits] = [
    lab.empty(64, 320),
    lab.empty(64, 576),
    lab.empty(64, 192),
    lab.empty(64, 77),
  ]
  const [x, y] = [lab.quantizedRows(64, 320), lab.quantizedRows(64, 192)]
  const shape = { heads: 6, kvHeads: 2, headDim: 32 }
  const cache = lab.cache({ ...shape, capacity: 512 })
  const part = (offset: number) => ({ address: qkv.address + offset * 4, stride: qkv.stride })
  const weight = lab.put(numbers.floats(320))
  const matrix = lab.matrix(first)
  const head = lab.matrix(second)
  const ops: Op[] = [
    { op: 'norm', kind: 'rms', from: hidden, to: hidden, width: 320, groups: 1, weight, bias: 0, epsilon: 1e-5 },
    { op: 'quantize', from: hidden, to: x, width: 320 },
    { op: 'matmul', from: x, matrix, bias: 0, plus: null, to: qkv },
    { op: 'append', keys: part(192), values: part(256), cache, ...shape },
    { op: 'attention', query: part(0), cache, to: attended, ...shape, scale: 1e-4, softCap: 0, window: 300, slopes: 0 },
    { op: 'activate', kind: 'silu', from: attended, gated: attended, to: attended, width: 192 },
    { op: 'quantize', from: attended, to: y, width: 192 },
    { op: 'matmul', from: y, matrix: head, bias: 0, plus: null, to: logits },
  ]
  const list = machine.compile(ops)
  const parts: Uint8Array[] = []
  let position = 0
  for (const [turn, tokens] of [64, 1, 1, 5, 33, 1, 64, 2, 64, 7, 1, 64, 64, 64, 1].entries()) {
    for (let row = 0; row < tokens; row++)
      lab.floats(hidden.address + row * hidden.stride * 4, 320).set(numbers.floats(320))
    const threads = inTurns ? ((3 * turn) % machine.threads) + 1 : machine.threads
    machine.run(list, { tokens, position, outputs: 0, threads })
    position += tokens
    for (const row of lab.read(logits, tokens, 77)) parts.push(new Uint8Array(row.buffer))
  }
  parts.push(...rounds(lab, numbers))
  return Uint8Array.from(parts.flatMap(bytes => Array.from(bytes)))
}

function rounds(lab: Lab, numbers: Random): Uint8Array[] {
  const shape = { heads: 16, kvHeads: 16, headDim: 128 }
  const width = shape.heads * shape.headDim
  const cache = lab.cache({ ...shape, capacity: 512 })
  const [rows, to] = [lab.empty(64, width), lab.empty(64, width)]
  const list = lab.machine.compile([
    { op: 'append', keys: rows, values: rows, cache, ...shape },
    { op: 'attention', query: rows, cache, to, ...shape, scale: 0.01, softCap: 0, window: 0, slopes: 0 },
  ])
  let position = 0
  return [64, 64, 64, 64, 64, 64, 16, 1, 5].flatMap(tokens => {
    for (let row = 0; row < tokens; row++)
      lab.floats(rows.address + row * rows.stride * 4, width).set(numbers.floats(width))
    lab.machine.run(list, { tokens, position, outputs: 0 })
    position += tokens
    return lab.read(to, tokens, width).map(row => new Uint8Array(row.buffer))
  })
}

/** Products of tokens with outliers, in fours and alone, held against double precision. */
function worstProduct(machine: Machine, range: [number, number]): number {
  const lab = new Lab(machine)
  const numbers = random(17)
  const rounding = machine.build === 'relaxed' ? 'bytes' : 'shorts'
  let worst = 0
  for (const [rows, columns, tokens] of [
    [9, 32, 1],
    [24, 96, 4],
    [77, 576, 7],
    [16, 1536, 5],
  ] as const) {
    const weights = someWeights(numbers, rows, columns, range)
    const x = Array.from({ length: tokens }, () => numbers.floats(columns))
    for (const row of x) row[numbers.integer(0, columns - 1)] = 300 // an outlier, as SmolLM2's hidden states have
    const [from, to] = [lab.quantizedRows(tokens, columns), lab.empty(tokens, rows)]
    lab.run(
      [
        { op: 'quantize', from: lab.rows(x), to: from, width: columns },
        { op: 'matmul', from, matrix: lab.matrix(weights), bias: 0, plus: null, to },
      ],
      { tokens },
    )
    lab.read(to, tokens, rows).forEach((row, token) => {
      worst = Math.max(worst, relativeError(row, product(weights, x[token] ?? [], rounding)))
    })
  }
  return worst
}

/**
 * Attention of two heads. The first takes this thread some milliseconds; the keys of the second are outside of memory, and
 * a helper that is awake by then fails on them. (Where none is, this thread does.)
 */
function runBadOps(machine: Machine): void {
  const lab = new Lab(machine)
  const shape = { heads: 2, kvHeads: 2, headDim: 32, scale: 1, softCap: 0, window: 0, slopes: 0 }
  const [query, to] = [lab.empty(16, 64), lab.empty(16, 64)]
  const place = machine.allocate(60_016 * 72)
  const cache = { keys: place, values: place, capacity: 40_000_000 }
  const list = machine.compile([{ op: 'attention', query, cache, to, ...shape }])
  machine.run(list, { tokens: 16, position: 60_000, outputs: 0 })
}

function runAfterEnd(machine: Machine): void {
  const lab = new Lab(machine)
  const x = lab.empty(1, 4)
  const list = machine.compile([{ op: 'scale', from: x, to: x, width: 4, factor: 1 }])
  machine.dispose()
  machine.run(list, { tokens: 1, position: 0, outputs: 0 })
}
