/** What tests/bench/kernels.mjs runs in a worker: times ops of the CPU backend's machine, best of some rounds. */
import { openMachine } from '../../web/src/engine/simd/machine.ts'
import {
  type Cache,
  cacheBytes,
  type Machine,
  matrixBytes,
  type Op,
  paddedWidth,
  quantizedRowBytes,
  type Rows,
} from '../../web/src/engine/simd/ops.ts'

interface Settings {
  threads: number
  rounds: number
  only: string
  build?: 'relaxed' | 'simd128'
  sumModule: Uint8Array<ArrayBuffer>
}

self.onmessage = async ({ data }: MessageEvent<Settings>) => {
  try {
    self.postMessage(await bench(data))
  } catch (error) {
    self.postMessage({ error: String(error) })
  }
}

const MB = 2 ** 20

async function bench({ threads, rounds, only, build, sumModule }: Settings) {
  const machine = await openMachine({
    ...{ threads, memoryBytes: 900 * MB, maxTokens: 512 },
    ...(build ? { build, flip: 0x80 } : {}),
  })
  const memoryGbPerS = memoryBandwidth(sumModule, rounds)
  const results: Record<string, Record<string, number>> = {}
  for (const [name, job] of Object.entries(jobs(machine))) {
    if (!name.includes(only)) continue
    const { ops, tokens, position = 0, outputs = tokens, repeat = 1, products, bytes = 0 } = job()
    const lists = ops.map(op => machine.compile(Array.isArray(op) ? op : new Array(repeat).fill(op)))
    const seconds = best(rounds, lists.length, turn => {
      const list = lists[turn]
      if (list) machine.run(list, { tokens, position, outputs })
    })
    results[name] = {
      microseconds: round((seconds / repeat) * 1e6),
      'tokens/s': round(tokens / (seconds / repeat)),
      'GMAC/s': round((products * repeat) / seconds / 1e9),
      'GB/s': round((bytes * repeat) / seconds / 1e9),
    }
  }
  machine.dispose()
  return { build: machine.build, threads: machine.threads, memoryGbPerS, results }
}

interface Job {
  /** Timed one by one, in turns: many of them, so that none finds its weights in the cache; or one, that does. */
  ops: (Op | Op[])[]
  /** Runs of an op that are timed together. */
  repeat?: number
  tokens: number
  position?: number
  outputs?: number
  /** Multiply-adds of an op, and the bytes that it reads of weights or cache. */
  products: number
  bytes?: number
}

function jobs(machine: Machine): Record<string, () => Job> {
  const rows = (count: number, width: number): Rows => {
    const stride = paddedWidth(width)
    return { address: machine.allocate(count * stride * 4), stride }
  }
  const product = (n: number, k: number, tokens: number, copies: number) => () => {
    const ops: Op[] = []
    const from = machine.allocate(tokens * quantizedRowBytes(k))
    const to = rows(tokens, n)
    const { values, scales } = matrixBytes({ rows: n, columns: k })
    for (let copy = 0; copy < copies; copy++) {
      const matrix = { values: machine.allocate(values), scales: machine.allocate(scales), rows: n, columns: k }
      // Pages that nobody has written to are all one page, and stay in the cache.
      new Uint8Array(machine.memory.buffer, matrix.values, values).fill(copy + 1)
      new Uint16Array(machine.memory.buffer, matrix.scales, scales / 2).fill(0x1c00)
      ops.push({ op: 'matmul', from, matrix, bias: 0, plus: null, to })
    }
    return { ops, tokens, repeat: copies > 1 ? 1 : 10, products: n * k * tokens, bytes: values + scales }
  }
  const attention = (tokens: number, position: number) => () => {
    const shape = { heads: 9, kvHeads: 3, headDim: 64 }
    const ops = Array.from({ length: 10 }, (): Op => {
      const cache = someCache(machine, shape)
      const [query, to] = [rows(tokens, 576), rows(tokens, 576)]
      return { op: 'attention', query, cache, to, ...shape, scale: 0.125, softCap: 0, window: 0, slopes: 0 }
    })
    const seen = tokens * (position + (tokens + 1) / 2)
    return { ops, tokens, position, products: 9 * 64 * 2 * seen, bytes: 3 * 204 * (position + tokens) }
  }
  const small = (op: (from: Rows, to: Rows) => Op, width: number) => () => ({
    ops: [op(rows(1, width), rows(1, width))],
    ...{ repeat: 200, tokens: 1, products: width },
  })
  return {
    'matrix · vector, from memory (6144 × 576)': product(6144, 576, 1, 64),
    'matrix · vector, from memory (576 × 576)': product(576, 576, 1, 600),
    'matrix · vector, in cache (576 × 1536)': product(576, 1536, 1, 1),
    'matrix · 2 tokens, from memory (1536 × 576)': product(1536, 576, 2, 60),
    'matrix · 4 tokens, from memory (1536 × 576)': product(1536, 576, 4, 60),
    'matrix · 16 tokens, from memory (1536 × 576)': product(1536, 576, 16, 60),
    'matrix · 128 tokens (576 × 576)': product(576, 576, 128, 10),
    'matrix · 128 tokens (576 × 1536)': product(576, 1536, 128, 10),
    'matrix · 128 tokens (256 × 4096)': product(256, 4096, 128, 10),
    'attention, 1 token after 64': attention(1, 64),
    'attention, 1 token after 1024': attention(1, 1024),
    'attention, 64 tokens after 0': attention(64, 0),
    'attention, 64 tokens after 1024': attention(64, 1024),
    ...models(machine),
    'norm of 576': small(
      (from, to) => ({ op: 'norm', kind: 'rms', from, to, width: 576, groups: 1, weight: 65536, bias: 0, epsilon: 1 }),
      576,
    ),
    'quantize 576': small((from, to) => ({ op: 'quantize', from, to: to.address, width: 576 }), 576),
    'SwiGLU of 1536': small((from, to) => ({ op: 'activate', kind: 'silu', from, gated: from, to, width: 1536 }), 1536),
  }
}

/** Room for 2,048 positions, with something in all of it. */
function someCache(machine: Machine, shape: { kvHeads: number; headDim: number }): Cache {
  const place = (kind: 'keys' | 'values') => {
    const bytes = cacheBytes({ ...shape, kind, capacity: 2048 })
    const address = machine.allocate(bytes)
    new Uint8Array(machine.memory.buffer, address, bytes).fill(1)
    return address
  }
  return { keys: place('keys'), values: place('values'), capacity: 2048 }
}

/** The ops of SmolLM2-135M's layers and head, with made-up weights: what a whole step can cost at least. */
function models(machine: Machine): Record<string, () => Job> {
  const MOST = 256
  const layers = 30
  const shape = { heads: 9, kvHeads: 3, headDim: 64 }
  let ops: Op[] | null = null
  const rows = (count: number, width: number): Rows => ({
    address: machine.allocate(count * paddedWidth(width) * 4),
    stride: paddedWidth(width),
  })
  const build = (): Op[] => {
    const hidden = rows(MOST, 576)
    const normed = rows(MOST, 576)
    const qkv = rows(MOST, 960)
    const attended = rows(MOST, 576)
    const gateUp = rows(MOST, 3072)
    const active = rows(MOST, 1536)
    const logits = rows(1, 49152)
    const x = machine.allocate(MOST * quantizedRowBytes(1536))
    const weight = machine.allocate(576 * 4)
    const tables = machine.allocate(2048 * 32 * 4)
    const part = (value: Rows, offset: number) => ({ address: value.address + offset * 4, stride: value.stride })
    const matmul = (n: number, k: number, to: Rows, more: { plus?: Rows; rows?: 'outputs' } = {}): Op => {
      const { values, scales } = matrixBytes({ rows: n, columns: k })
      const matrix = { values: machine.allocate(values), scales: machine.allocate(scales), rows: n, columns: k }
      new Uint8Array(machine.memory.buffer, matrix.values, values).fill(1)
      new Uint16Array(machine.memory.buffer, matrix.scales, scales / 2).fill(0x1000)
      return { op: 'matmul', from: x, matrix, bias: 0, to, ...more, plus: more.plus ?? null }
    }
    const norm = (from: Rows): Op => ({
      ...{ op: 'norm', kind: 'rms', from, to: normed, width: 576, groups: 1, weight, bias: 0, epsilon: 1e-5 },
    })
    const quantize = (from: Rows, width: number): Op => ({ op: 'quantize', from, to: x, width })
    const rotary = (at: Rows, heads: number): Op => ({
      ...{ op: 'rotary', style: 'half', at, heads, headDim: 64, rotaryDim: 64, cos: tables, sin: tables },
    })
    const layer = (): Op[] => {
      const cache = someCache(machine, shape)
      const attention = { ...shape, scale: 0.125, softCap: 0, window: 0, slopes: 0 }
      return [
        ...[norm(hidden), quantize(normed, 576), matmul(960, 576, qkv), rotary(qkv, 9), rotary(part(qkv, 576), 3)],
        { op: 'append', keys: part(qkv, 576), values: part(qkv, 768), cache, ...shape },
        { op: 'attention', query: qkv, cache, to: attended, ...attention },
        ...[quantize(attended, 576), matmul(576, 576, hidden, { plus: hidden })],
        ...[norm(hidden), quantize(normed, 576), matmul(3072, 576, gateUp)],
        { op: 'activate', kind: 'silu', from: gateUp, gated: part(gateUp, 1536), to: active, width: 1536 },
        ...[quantize(active, 1536), matmul(576, 1536, hidden, { plus: hidden })],
      ]
    }
    return [
      ...Array.from({ length: layers }, layer).flat(),
      ...[norm(hidden), { ...quantize(normed, 576), rows: 'outputs' as const }],
      matmul(49152, 576, logits, { rows: 'outputs' }),
    ]
  }
  const job = (tokens: number, position: number) => () => {
    ops ??= build()
    const weights = layers * 576 * (960 + 576 + 3072 + 1536)
    const products = tokens * weights + 49152 * 576
    return { ops: [ops], tokens, position, outputs: 1, products, bytes: (weights + 49152 * 576) * (1 + 1 / 16) }
  }
  return {
    'SmolLM2-135M, 1 token after 64': job(1, 64),
    'SmolLM2-135M, 1 token after 1024': job(1, 1024),
    'SmolLM2-135M, 5 tokens after 64': job(5, 64),
    'SmolLM2-135M, 32 tokens after 0': job(32, 0),
    'SmolLM2-135M, 256 tokens after 0': job(256, 0),
  }
}

/** What one thread reads in a second, summing 256 MB with the simplest code there is (`SUM` in kernels.mjs). */
function memoryBandwidth(sumModule: Uint8Array<ArrayBuffer>, rounds: number): number {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(sumModule))
  const { memory, sum } = exports as { memory: WebAssembly.Memory; sum(from: number, bytes: number): number } // what SUM exports
  new Uint8Array(memory.buffer).fill(1)
  return (4 * MB) / best(rounds, 64, turn => sum(65536 + turn * 4 * MB, 4 * MB)) / 1e9
}

const MOST_MS_PER_ROUND = 400

/** Least seconds that one turn took. */
function best(rounds: number, turns: number, work: (turn: number) => void): number {
  let least = Number.POSITIVE_INFINITY
  const start = performance.now()
  for (let count = 0; count < rounds * Math.max(turns, 20); count++) {
    const before = performance.now()
    if (count > 2 && before - start > rounds * MOST_MS_PER_ROUND) break
    work(count % turns)
    least = Math.min(least, (performance.now() - before) / 1000)
  }
  return least
}

function round(x: number): number {
  return Number(x.toPrecision(3))
}
