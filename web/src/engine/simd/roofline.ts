/**
 * What this device can do at most with the CPU kernels: how fast all threads together read memory, which bounds the writing
 * of tokens (every weight is read for each), and how fast they multiply what lies in the cache, which bounds the reading of
 * prompts. Williams, Waterman, Patterson 2009, "Roofline". Blocks its thread for less than a second.
 */
import type { Roofline } from '../api.ts'
import { openMachine } from './machine.ts'
import { type Machine, matrixBytes, type Op, quantizedRowBytes } from './ops.ts'

/** More than the caches of most processors hold. */
const READ_BYTES = 128 * 2 ** 20
const TOKENS = 128
const [ROWS, COLUMNS] = [576, 1536]
const RUNS = 8

/** @throws EngineError 'out-of-memory' or 'unsupported' */
export async function roofline(threads: number): Promise<Roofline> {
  const machine = await openMachine({ threads, memoryBytes: READ_BYTES + 4 * 2 ** 20, maxTokens: TOKENS })
  try {
    const address = machine.allocate(READ_BYTES)
    new Uint8Array(machine.memory.buffer, address, READ_BYTES).fill(1) // pages that nobody wrote to are all one page
    const readSeconds = leastSeconds(machine, { op: 'read', address, bytes: READ_BYTES })
    const productSeconds = leastSeconds(machine, product(machine))
    return {
      threads: machine.threads,
      build: machine.build,
      readBytesPerSecond: READ_BYTES / readSeconds,
      productsPerSecond: (TOKENS * ROWS * COLUMNS) / productSeconds,
    }
  } finally {
    machine.dispose()
  }
}

function product(machine: Machine): Op {
  const { values, scales } = matrixBytes({ rows: ROWS, columns: COLUMNS })
  const matrix = { values: machine.allocate(values), scales: machine.allocate(scales), rows: ROWS, columns: COLUMNS }
  const to = { address: machine.allocate(4 * TOKENS * ROWS), stride: ROWS }
  const from = machine.allocate(TOKENS * quantizedRowBytes(COLUMNS))
  return { op: 'matmul', from, matrix, bias: 0, plus: null, to }
}

function leastSeconds(machine: Machine, op: Op): number {
  const list = machine.compile([op])
  const seconds = Array.from({ length: RUNS }, () => {
    const started = performance.now()
    machine.run(list, { tokens: TOKENS, position: 0, outputs: 0 })
    return (performance.now() - started) / 1000
  })
  return Math.min(...seconds)
}
