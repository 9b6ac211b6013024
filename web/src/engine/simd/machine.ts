/**
 * Opens the CPU backend's machine: WASM memory, the build of the kernels that this browser can run, and threads that
 * wait in that memory for ops. The caller's thread is one of them and blocks while a list runs: never the page's.
 */
import { AnyOriginWorker as Worker } from '../any-origin.ts'
import { EngineError } from '../errors.ts'
import { type Build, compileBuild, flipOf, hasRelaxedSimd, type Kernels } from './builds.ts'
import { checkOp } from './check.ts'
import { DONE, FREE, RUN, SCRATCH_BYTES, STALL_MS, STALLS, STATE, STOP, THREADS } from './layout.ts'
import { encode, type Machine, OP_WORDS, type Op, type OpList, type RunShape } from './ops.ts'
import type { HelperStart } from './thread.ts'

const PAGE_BYTES = 65_536
const MOST_PAGES = 65_536
const ALIGNMENT = 256

export interface MachineOptions {
  /** Threads in all, the caller's among them. More than one needs cross-origin isolation. */
  threads: number
  /** What will be allocated, lists of ops included: it is there from the start. */
  memoryBytes: number
  /** What may be allocated in all: the memory grows up to there, where the browser can give it. */
  mostBytes?: number
  /** Tokens of the longest run. */
  maxTokens: number
  /** For tests: otherwise the best that this browser runs. */
  build?: Build
  /** For tests, with `build: 'relaxed'`: where weights keep it exact although the machine's dot products are not. */
  flip?: number
}

/** @throws EngineError 'out-of-memory', 'unsupported' */
export async function openMachine(options: MachineOptions): Promise<Machine> {
  const threads = Math.max(1, options.threads)
  const shared = threads > 1
  const overhead = FREE + threads * SCRATCH_BYTES + options.maxTokens * 4 + 4 * ALIGNMENT
  const most = Math.max(options.mostBytes ?? 0, options.memoryBytes)
  const memory = newMemory({ bytes: options.memoryBytes + overhead, most: most + overhead, shared })
  const { build, module, kernels, flip } = await chooseBuild(memory, shared, options)
  const helpers = await startHelpers({ module, memory, flip }, threads - 1)
  return new WasmMachine({ memory, build, kernels, helpers, maxTokens: options.maxTokens })
}

interface MemoryNeeds {
  bytes: number
  most: number
  shared: boolean
}

function newMemory({ bytes, most, shared }: MemoryNeeds): WebAssembly.Memory {
  const initial = Math.ceil(bytes / PAGE_BYTES)
  const megabytes = Math.ceil(bytes / 2 ** 20)
  if (initial > MOST_PAGES) throw new EngineError('out-of-memory', { kind: 'beyond-wasm', megabytes })
  // Shared memory has its address space reserved up to the maximum, which a small device may not have.
  const later = Math.min(Math.ceil(most / PAGE_BYTES), MOST_PAGES)
  for (const maximum of shared ? [later, initial] : [MOST_PAGES]) {
    try {
      return new WebAssembly.Memory({ initial, maximum, shared })
    } catch {} // the next is smaller, or there is none
  }
  throw new EngineError('out-of-memory', { kind: 'no-wasm-memory', megabytes })
}

async function chooseBuild(memory: WebAssembly.Memory, shared: boolean, options: MachineOptions) {
  if (options.build !== 'simd128' && hasRelaxedSimd()) {
    const relaxed = await instantiate('relaxed', memory, shared)
    const flip = options.flip ?? flipOf(relaxed.kernels)
    if (flip !== null) {
      relaxed.kernels.setFlip(flip)
      return { ...relaxed, flip }
    }
  }
  if (options.build === 'relaxed') throw new EngineError('unsupported', { kind: 'no-relaxed-simd' })
  return { ...(await instantiate('simd128', memory, shared)), flip: 0 }
}

async function instantiate(build: Build, memory: WebAssembly.Memory, shared: boolean) {
  const module = await compileBuild(build, shared)
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } })
  const kernels = exports as unknown as Kernels // what web/kernels/index.ts exports
  return { build, module, kernels }
}

/** Helpers that have started: one that cannot (a policy of the page, no memory) is missed, not fatal. */
async function startHelpers(start: Omit<HelperStart, 'thread'>, count: number): Promise<Worker[]> {
  const starts = Array.from({ length: count }, (_, index) => startHelper({ ...start, thread: index + 1 }))
  return (await Promise.all(starts)).filter(helper => helper !== null)
}

function startHelper(start: HelperStart): Promise<Worker | null> {
  const worker = new Worker(new URL('./thread.ts', import.meta.url), {
    type: 'module',
    name: `slm-cpu-${start.thread}`,
  })
  return new Promise(resolve => {
    worker.onmessage = () => resolve(worker)
    worker.onerror = event => {
      event.preventDefault() // a helper that fails later has told so in memory
      resolve(null)
    }
    worker.postMessage(start)
  })
}

interface Parts {
  memory: WebAssembly.Memory
  build: Build
  kernels: Kernels
  helpers: Worker[]
  maxTokens: number
}

class WasmMachine implements Machine {
  readonly memory: WebAssembly.Memory
  readonly build: Build
  readonly threads: number
  readonly tokens: number
  readonly maxTokens: number
  readonly #kernels: Kernels
  readonly #helpers: Worker[]
  #free = FREE
  #failed = false

  constructor({ memory, build, kernels, helpers, maxTokens }: Parts) {
    this.memory = memory
    this.build = build
    this.threads = helpers.length + 1
    this.maxTokens = maxTokens
    this.#kernels = kernels
    this.#helpers = helpers
    this.tokens = this.allocate(4 * maxTokens)
    this.#words[THREADS / 4] = this.threads
    this.#words[RUN / 4 + 4] = this.tokens
    this.#words[RUN / 4 + 5] = this.allocate(this.threads * SCRATCH_BYTES)
  }

  /** Where layout.ts says; a new view each time, because memory that grows has a new buffer. */
  get #words(): Int32Array {
    return new Int32Array(this.memory.buffer, 0, FREE / 4)
  }

  allocate(bytes: number): number {
    const address = Math.ceil(this.#free / ALIGNMENT) * ALIGNMENT
    const missing = address + bytes - this.memory.buffer.byteLength
    if (missing > 0) this.#grow(missing)
    this.#free = address + bytes
    return address
  }

  #grow(bytes: number): void {
    try {
      this.memory.grow(Math.ceil(bytes / PAGE_BYTES))
    } catch (cause) {
      const megabytes = Math.ceil(bytes / 2 ** 20)
      throw new EngineError('out-of-memory', { kind: 'no-memory-for-chat', megabytes }, { cause })
    }
  }

  compile(ops: readonly Op[]): OpList {
    ops.forEach(checkOp)
    const address = this.allocate(ops.length * OP_WORDS * 4)
    const words = new Int32Array(this.memory.buffer, address, ops.length * OP_WORDS)
    ops.forEach((op, index) => {
      words.set(encode(op), index * OP_WORDS)
    })
    return { address, count: ops.length }
  }

  run(list: OpList, { tokens, position, outputs, threads = this.threads }: RunShape): number {
    if (this.#failed) throw new EngineError('internal', 'The CPU backend failed before. Load the model again.')
    if (tokens < 1 || tokens > this.maxTokens || outputs < 0 || outputs > tokens || position < 0)
      throw new EngineError(
        'internal',
        `The CPU backend cannot run ${tokens} tokens (${outputs} outputs) at ${position}.`,
      )
    const words = this.#words
    words.set([tokens, position, outputs], RUN / 4)
    words[STALLS / 4] = 0
    this.#share(words, Math.max(1, Math.min(threads, this.threads)))
    this.#failed = true
    let said = 'a thread stopped'
    try {
      this.#failed = this.#kernels.run(list.address, list.count) !== 0
    } catch (error) {
      said = error instanceof Error ? error.message : String(error)
    }
    if (this.#failed)
      throw new EngineError('internal', `The CPU backend failed while it computed (${said}). Load the model again.`)
    return STALL_MS * (words[STALLS / 4] ?? 0)
  }

  /** Among so many threads; those that took no part sleep until they do. */
  #share(words: Int32Array, threads: number): void {
    const before = words[THREADS / 4] ?? 0
    if (threads === before) return
    Atomics.store(words, THREADS / 4, threads)
    if (threads > before) Atomics.notify(words, THREADS / 4)
  }

  dispose(): void {
    this.#failed = true
    Atomics.store(this.#words, STOP / 4, 1)
    if (this.#helpers.length > 0)
      for (const word of [STATE / 4 + 1, DONE / 4, THREADS / 4]) Atomics.notify(this.#words, word)
    for (const helper of this.#helpers.splice(0)) helper.terminate()
  }
}
