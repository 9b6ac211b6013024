/** What a program becomes on its way to the machine: fused steps, places that values share, weights in their places. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { contextThatFits, memoryNeeded } from '../../../web/src/engine/backend-simd.ts'
import { compile } from '../../../web/src/engine/program/compile.ts'
import { fuse } from '../../../web/src/engine/program/fuse.ts'
import { assignPlaces, type Life } from '../../../web/src/engine/program/places.ts'
import { type Program, parseProgram, type Step } from '../../../web/src/engine/program/program.ts'
import { loadWeights, placeWeights, tokenWork, weightBytes } from '../../../web/src/engine/program/weights.ts'
import { random } from '../kernels/random.ts'

const text = (row: string) =>
  readFileSync(new URL(`../../.fixtures/families/${row}/cpu-int8/program.json`, import.meta.url), 'utf8')
const programOf = (row: string) => parseProgram(text(row), 'program.json')
const count = (items: readonly { op: string }[], op: string) => items.filter(item => item.op === op).length

/** The ops of a program, all addresses their own. */
function opsOf(program: Program) {
  let next = 0
  const allocate = (bytes: number) => {
    next += Math.ceil(bytes / 256) * 256 + 256
    return next
  }
  const weights = placeWeights(program, allocate)
  const caches = program.steps.filter(({ op }) => op === 'attention').map(() => ({ keys: 0, values: 0, capacity: 64 }))
  return compile(program, { weights, caches, sizes: { tokens: 8, outputs: 2 }, allocate }).ops
}

describe('fusing', () => {
  test.each([
    // Additions and gates that are left: none where each follows its product; Gemma 2's norms stand between.
    { row: 'smollm2', add: 0, multiply: 0, scale: 0 },
    { row: 'gpt2', add: 0, multiply: 0, scale: 0 },
    { row: 'phi-2', add: 2, multiply: 0, scale: 0 },
    { row: 'gemma-2', add: 4, multiply: 0, scale: 0 },
    { row: 'olmo2', add: 4, multiply: 0, scale: 0 },
  ])('$row: $add additions are left', ({ row, add, multiply, scale }) => {
    const nodes = fuse(programOf(row))
    expect({ add: count(nodes, 'add'), multiply: count(nodes, 'multiply'), scale: count(nodes, 'scale') }).toEqual({
      ...{ add, multiply, scale },
    })
  })

  test('a value that is read twice stays', () => {
    const program = programOf('smollm2')
    const index = program.steps.findIndex(({ op }) => op === 'activate')
    const { to } = program.steps[index] ?? { to: 0 }
    const again: Step = { op: 'scale', value: to, factor: 2, to: program.widths.length }
    const steps = program.steps.toSpliced(index + 1, 0, again)
    const nodes = fuse({ ...program, steps, widths: [...program.widths, 128] })
    expect(count(nodes, 'multiply')).toBe(1) // of two layers
  })

  test('what is added must be there before the product: else the addition stays', () => {
    const program = programOf('smollm2')
    const steps = program.steps.map(step =>
      step.op === 'add' ? { ...step, left: step.right, right: step.left } : step,
    )
    expect(fuse({ ...program, steps }).map(({ op }) => op)).toEqual(fuse(program).map(({ op }) => op))
    const late: Step[] = [
      { op: 'embed', values: 0, scales: 1, to: 0 },
      { op: 'linear', value: 0, values: 7, scales: 8, bias: null, to: 1 },
      { op: 'scale', value: 0, factor: 2, to: 2 },
      { op: 'add', left: 1, right: 2, to: 3 },
    ]
    expect(fuse({ ...program, steps: late, logits: 3 }).map(({ op }) => op)).toEqual([
      'embed',
      'linear',
      'scale',
      'add',
    ])
  })
})

describe('compiling', () => {
  test('a matrix’s input is rounded once for all that share it', () => {
    const ops = opsOf(programOf('smollm2'))
    expect({ matmul: count(ops, 'matmul'), quantize: count(ops, 'quantize') }).toEqual({ matmul: 11, quantize: 9 })
    expect(ops.filter(({ rows }) => rows === 'outputs').map(({ op }) => op)).toEqual(['quantize', 'matmul'])
  })

  test('a program that reads turned queries in two places is refused', () => {
    const program = programOf('qwen3')
    const attention = program.steps.find(step => step.op === 'attention')
    const value = attention?.op === 'attention' ? attention.query.value : 0
    const width = program.widths[value] ?? 0
    const steps: Step[] = [...program.steps, { op: 'scale', value, factor: 2, to: program.widths.length }]
    expect(() => opsOf({ ...program, steps, widths: [...program.widths, width] })).toThrow(/in two places/)
  })

  test('memory is asked for as a whole, and the cache is what grows', () => {
    const program = programOf('smollm2')
    const needs = memoryNeeded(program, { tokens: 8, outputs: 2 }, 1024)
    expect(needs.memoryBytes).toBe(needs.mostBytes) // one step of 1,024 positions
    expect(needs.memoryBytes).toBeGreaterThan(weightBytes(program))
    expect(memoryNeeded(program, { tokens: 8, outputs: 2 }, 8192).mostBytes).toBeGreaterThan(needs.mostBytes)
  })

  test('a context that WASM has no room for is cut, and a model that has none for any is refused', () => {
    const sizes = { tokens: 8, outputs: 2 }
    const attention = (layer: number): Step => ({
      ...{ op: 'attention', layer, heads: 8, kv_heads: 8, head_dim: 128, scale: 1, soft_cap: 0, window: 0, to: 0 },
      ...{ query: { value: 0, offset: 0, width: 1 }, key: { value: 0, offset: 0, width: 1 } },
      ...{ value: { value: 0, offset: 0, width: 1 }, cos: null, sin: null, slopes: null },
    })
    const matrix = { name: 'w', file: 'a', offset: 0, dtype: 'int8' as const, shape: [2 ** 16, 2 ** 14] } // 1 GiB
    const layers = Array.from({ length: 40 }, (_, layer) => attention(layer))
    const program: Program = { version: 1, tensors: [matrix], widths: [8], steps: layers, logits: 0 }
    expect(contextThatFits(program, sizes, 4096)).toBe(4096)
    const cut = contextThatFits(program, sizes, 131_072)
    expect(cut).toBeLessThan(131_072)
    expect(memoryNeeded(program, sizes, cut).mostBytes).toBeLessThan(2 ** 32)
    expect(memoryNeeded(program, sizes, 2 * cut).mostBytes).toBeGreaterThan(2 ** 32 - 2 ** 26)
    const tensors = Array.from({ length: 4 }, (_, index) => ({ ...matrix, offset: index * 2 ** 30 }))
    expect(() => contextThatFits({ ...program, tensors }, sizes, 4096)).toThrow(/weights \(4\.3 GB\) leave no room/)
  })

  test.each([
    [
      'an op that this engine does not know',
      (data: Program) => Object.assign(data.steps[3] ?? {}, { op: 'conv' }),
      /steps\.3\.op: expected/,
    ],
    ['a later version', (data: Program) => Object.assign(data, { version: 2 }), /version: expected/],
    ['a tensor that is not there', (data: Program) => data.tensors.pop(), /names a tensor that is not there/],
    ['a value that nobody made', (data: Program) => data.steps.splice(1, 1), /names a value that is not there/],
    [
      'a part beyond its value',
      (data: Program) => data.widths.splice(2, 1, 100),
      /names a part of a value that is not there/,
    ],
  ])('%s is refused, by name', (_, spoil, message) => {
    const data = JSON.parse(text('smollm2'))
    spoil(data)
    expect(() => parseProgram(JSON.stringify(data), 'program.json')).toThrow(message)
  })

  test('text that is no JSON', () => {
    expect(() => parseProgram('{', 'cpu-int8/program.json')).toThrow('cpu-int8/program.json: is not JSON')
  })
})

test('no place is taken while its value is still read: 200 random programs', () => {
  const numbers = random(11)
  for (let round = 0; round < 200; round++) {
    const size = numbers.integer(3, 30)
    const lives: Life[] = Array.from({ length: size }, (_, index) => {
      const reads =
        index === 0 ? [] : Array.from({ length: numbers.integer(1, 3) }, () => numbers.integer(0, index - 1))
      return { reads, makes: index, bytes: 256 * numbers.integer(1, 3), over: reads[0] ?? null }
    })
    let next = 0
    const places = assignPlaces(lives, size - 1, bytes => {
      next += bytes
      return next - bytes
    })
    const last = lives.map((_, id) =>
      Math.max(id, ...lives.map(({ reads }, index) => (reads.includes(id) ? index : id))),
    )
    const spans = lives.map(({ makes, bytes }) => ({ id: makes, from: places.get(makes) ?? -1, bytes }))
    for (const [index, { over }] of lives.entries()) {
      const alive = spans.filter(({ id }) => id <= index && (last[id] ?? 0) >= index)
      for (const a of alive) {
        for (const b of alive) {
          const mayShare = (a.id === over && b.id === index) || (b.id === over && a.id === index)
          if (a.id >= b.id || mayShare) continue
          expect(a.from >= b.from + b.bytes || b.from >= a.from + a.bytes).toBe(true)
        }
      }
    }
    expect(next).toBeLessThanOrEqual(lives.reduce((sum, { bytes }) => sum + bytes, 0))
  }
})

test('the work of a token: its matrices, the vocabulary only after the last one, no embedding', () => {
  const program = programOf('smollm2')
  const { weightBytes: bytes, promptProducts } = tokenWork(program)
  const products = (step: Step) => {
    const shape = step.op === 'linear' ? program.tensors[step.values]?.shape : null
    return shape ? shape.reduce((product, size) => product * size) : 0
  }
  const all = program.steps.map(products)
  const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0)
  const head = all.at(-1) ?? 0
  expect(head).toBeGreaterThan(0)
  expect(promptProducts).toBe(sum(all) - head)
  expect(bytes).toBe(sum(all) * (1 + 2 / 32))
})

test('weights of several files come to their places in pieces, tied ones once, rows padded with zeros', async () => {
  const numbers = random(3)
  const large = new Uint8Array(20 << 20)
  for (let index = 0; index < large.length; index++) large[index] = index * 31 + (index >> 13)
  const small = Uint8Array.from({ length: 4096 }, () => numbers.integer(0, 255))
  const tensor = (name: string, file: string, offset: number, shape: number[]) => ({
    ...{ name, file, offset, shape, dtype: 'int8' as const },
  })
  const tensors = [
    tensor('over two borders of pieces', 'a', 1 << 20, [4096, 4096]),
    tensor('tied', 'a', 1 << 20, [4096, 4096]),
    tensor('odd rows', 'b', 256, [9, 32]),
    tensor('the end', 'b', 4096 - 32, [1, 32]),
  ]
  const program: Program = { version: 1, tensors, widths: [], steps: [], logits: 0 }
  const memory = new WebAssembly.Memory({ initial: 300 })
  let next = 256
  const weights = placeWeights(program, bytes => {
    next += bytes
    return next - bytes
  })
  expect(weights[1]).toBe(weights[0])
  expect(next - 256).toBe(4096 * 4096 + 16 * 32 + 8 * 32)
  expect(weightBytes(program)).toBe(next - 256)
  const blob = (name: string) => new Blob([name === 'a' ? large : small])
  await loadWeights(program, weights, { memory, files: { blob }, signal: new AbortController().signal })
  const at = (index: number, bytes: number) => new Uint8Array(memory.buffer, weights[index] ?? 0, bytes)
  expect(Buffer.compare(at(0, 4096 * 4096), large.subarray(1 << 20, (1 << 20) + 4096 * 4096))).toBe(0)
  expect(Buffer.compare(at(2, 16 * 32), Buffer.concat([small.subarray(256, 256 + 9 * 32), Buffer.alloc(7 * 32)]))).toBe(
    0,
  )
  expect(Buffer.compare(at(3, 32), small.subarray(4096 - 32))).toBe(0)
  const short = () => new Blob([large.subarray(0, 1000)])
  const stop = AbortSignal.abort()
  await expect(loadWeights(program, weights, { memory, files: { blob: short }, signal: stop })).rejects.toThrow(
    /a has 1000 bytes where its program expects/,
  )
  await expect(loadWeights(program, weights, { memory, files: { blob }, signal: stop })).rejects.toThrow(/abort/i)
})

test('weights are read straight into memory where a disk gives them, some bytes at a time', async () => {
  const file = Buffer.from(Uint8Array.from({ length: 3000 }, (_, index) => index * 31))
  const tensors = [64, 64, 2000].map((offset, index) => ({
    ...{ name: `${index}`, file: 'a', offset, shape: [index < 2 ? 24 : 8, 32], dtype: 'int8' as const },
  }))
  const program: Program = { version: 1, tensors, widths: [], steps: [], logits: 0 }
  const memory = new WebAssembly.Memory({ initial: 1 })
  const reads: number[] = []
  const read = (to: Uint8Array, at: number) => {
    reads.push(at)
    return file.copy(to, 0, at, Math.min(at + 500, at + to.length))
  }
  const stored = () => ({
    async read(use: (readAt: typeof read) => void) {
      use(read)
      return true
    },
  })
  const blob = () => new Blob([file])
  const signal = new AbortController().signal
  await loadWeights(program, [256, 256, 4096], { memory, files: { blob, stored }, signal })
  const at = (address: number, bytes: number) => Buffer.from(memory.buffer, address, bytes)
  expect(Buffer.compare(at(256, 768), file.subarray(64, 832))).toBe(0)
  expect(Buffer.compare(at(4096, 256), file.subarray(2000, 2256))).toBe(0)
  expect(reads).toEqual([64, 564, 2000]) // the tied tensor once
  const ended = () => ({
    async read(use: (readAt: typeof read) => void) {
      use(() => 0)
      return true
    },
  })
  await expect(
    loadWeights(program, [256, 256, 4096], { memory, files: { blob, stored: ended }, signal }),
  ).rejects.toThrow('ended before its end')
})
