/**
 * Decoder language models on the CPU through the engine's own kernels (simd/): the bundle says in `program.json` what one
 * step computes, that becomes a list of ops in WASM memory, and a run is one walk over it by all threads.
 */
import type { TokenWork } from './api.ts'
import { type Backend, type Parking, roomBehind } from './backend.ts'
import { EngineError } from './errors.ts'
import type { Manifest, Variant } from './manifest.ts'
import { allCacheBytes, LayerCaches } from './program/cache.ts'
import { activationBytes, compile, type RunSizes } from './program/compile.ts'
import { layersOf, type Program, parseProgram } from './program/program.ts'
import {
  loadWeights,
  packOps,
  placeWeights,
  tokenWork,
  type WeightFiles,
  type Weights,
  weightBytes,
} from './program/weights.ts'
import { encode, type Machine, OP_WORDS, type Op, type OpList, type Rows } from './simd/ops.ts'
import { ThreadChoice } from './simd/thread-choice.ts'

/** Larger models take longer for a chunk, and a cancel waits for its end. */
const LARGE_BYTES = 400e6
const CHUNK_TOKENS = { small: 128, large: 64 }
/** Rows of logits are long: a check of more guesses takes several runs. */
const OUTPUTS = 32
/** From so many tokens on a run is as fast for each of them as a long one, bound by products; a token alone is by memory. */
const MANY_TOKENS = 16
/** Lists of ops, and what alignment takes. */
const LIST_BYTES = 1 << 20
/** What WASM can address, less what the machine itself takes. */
const MOST_BYTES = 2 ** 32 - 2 ** 26
/** A model that has no room for a conversation of so many tokens is of no use. */
const LEAST_CONTEXT = 512

export interface SimdOptions {
  manifest: Manifest
  variant: Variant
  /** By path in the bundle. */
  files: WeightFiles
  /** `mostBytes` is what a conversation as long as the context takes. */
  openMachine(needs: { memoryBytes: number; mostBytes: number; maxTokens: number }): Promise<Machine>
  signal: AbortSignal
}

/**
 * Reads program and weights into a machine of their size.
 * @throws EngineError 'unsupported' where the bundle's program is none for this engine, 'out-of-memory' where the model is
 * too large for WASM or for the browser
 */
export async function openSimd({ manifest, variant, files, openMachine, signal }: SimdOptions): Promise<SimdBackend> {
  if (!variant.program) throw new EngineError('unsupported', { kind: 'no-program', variant: variant.name })
  const { path } = variant.program
  const program = parseProgram(await files.blob(path).text(), path)
  checkAgainst(program, manifest)
  const sizes = sizesFor(program, manifest)
  const contextLength = contextThatFits(program, sizes, manifest.context_length)
  const machine = await openMachine({ ...memoryNeeded(program, sizes, contextLength), maxTokens: sizes.tokens })
  try {
    const weights = placeWeights(program, bytes => machine.allocate(bytes))
    const folder = path.slice(0, path.lastIndexOf('/') + 1)
    const inFolder: WeightFiles = {
      blob: name => files.blob(folder + name),
      stored: name => files.stored?.(folder + name) ?? null,
    }
    await loadWeights(program, weights, { memory: machine.memory, files: inFolder, signal })
    machine.run(machine.compile(packOps(program, weights)), { tokens: 1, position: 0, outputs: 1 })
    return new SimdBackend(machine, { program, weights, sizes, contextLength })
  } catch (error) {
    machine.dispose()
    throw error
  }
}

/** Bytes of WASM memory with the first step of the cache, and with all of the context in it. */
export function memoryNeeded(program: Program, sizes: RunSizes, contextLength: number) {
  const fixed = weightBytes(program) + activationBytes(program, sizes) + LIST_BYTES
  const cache = (positions: number) => allCacheBytes(program, { positions, contextLength })
  return { memoryBytes: fixed + cache(1), mostBytes: fixed + cache(contextLength) }
}

/** The model's context, or as much of it as WASM's 4 GiB have room for beside the weights. */
export function contextThatFits(program: Program, sizes: RunSizes, wanted: number): number {
  for (let length = wanted; length >= Math.min(wanted, LEAST_CONTEXT); length = Math.floor(length / 2)) {
    if (memoryNeeded(program, sizes, length).mostBytes <= MOST_BYTES) return length
  }
  const gigabytes = (weightBytes(program) / 1e9).toFixed(1)
  throw new EngineError('out-of-memory', { kind: 'weights-fill-wasm', gigabytes })
}

function sizesFor(program: Program, { context_length }: Manifest): RunSizes {
  const chunk = weightBytes(program) > LARGE_BYTES ? CHUNK_TOKENS.large : CHUNK_TOKENS.small
  const tokens = Math.min(chunk, context_length)
  return { tokens, outputs: Math.min(OUTPUTS, tokens) }
}

/** @throws EngineError 'unsupported' where program and manifest speak of different models */
function checkAgainst(program: Program, { vocab_size, context_length, kv }: Manifest): void {
  const layers = layersOf(program)
  const positions = program.steps.map(step => (step.op === 'add_positions' ? step.table : null))
  const tables = [...positions, ...layers.flatMap(({ cos, sin }) => [cos, sin])].filter(index => index !== null)
  const same =
    program.widths[program.logits] === vocab_size &&
    layers.length === kv?.layers &&
    layers.every(({ layer }, index) => layer === index) &&
    tables.every(index => (program.tensors[index]?.shape[0] ?? 0) >= context_length)
  if (!same)
    throw new EngineError('unsupported', {
      kind: 'wrong-program',
      said: 'The program is of another model than its manifest',
    })
}

interface Loaded {
  program: Program
  weights: Weights
  sizes: RunSizes
  contextLength: number
}

export class SimdBackend implements Backend {
  readonly name: string
  readonly vocabularySize: number
  readonly contextLength: number
  readonly chunkTokens: number
  readonly continuesPrompt = true
  readonly threads: number
  readonly work: TokenWork
  readonly #machine: Machine
  readonly #sizes: RunSizes
  readonly #caches: LayerCaches
  readonly #ops: Op[]
  readonly #list: OpList
  readonly #logits: Rows
  /** For tokens one by one, and for many at once. */
  readonly #choices: { one: ThreadChoice; many: ThreadChoice }
  #length = 0

  constructor(machine: Machine, { program, weights, sizes, contextLength }: Loaded) {
    this.name = `simd-${machine.build}`
    this.threads = machine.threads
    this.#choices = { one: new ThreadChoice(machine.threads), many: new ThreadChoice(machine.threads) }
    this.vocabularySize = program.widths[program.logits] ?? 0
    this.contextLength = contextLength
    this.chunkTokens = sizes.tokens
    this.#machine = machine
    this.#sizes = sizes
    this.#caches = new LayerCaches(machine, program, contextLength)
    const allocate = (bytes: number) => machine.allocate(bytes)
    const { ops, logits } = compile(program, { weights, sizes, allocate, caches: this.#caches.layers })
    this.#ops = ops
    this.#logits = logits
    this.#list = machine.compile(ops)
    this.work = { ...tokenWork(program), positionBytes: this.#caches.bytesPerPosition }
    this.#reserve(1) // the last to be allocated, so that it can grow
  }

  get length(): number {
    return this.#length
  }

  room(promptTokens: number): number {
    return roomBehind(promptTokens, this.contextLength)
  }

  async prefill(tokens: readonly number[], from: number): Promise<Float32Array> {
    this.truncate(from)
    for (let first = 0; first < tokens.length; first += this.#sizes.tokens) {
      this.#run(tokens.slice(first, first + this.#sizes.tokens), 1)
    }
    return this.#row(0)
  }

  async decode(token: number): Promise<Float32Array> {
    this.#run([token], 1)
    return this.#row(0)
  }

  async verify(tokens: readonly number[]): Promise<Float32Array[]> {
    const rows: Float32Array[] = []
    for (let first = 0; first < tokens.length; first += this.#sizes.outputs) {
      const some = tokens.slice(first, first + this.#sizes.outputs)
      this.#run(some, some.length)
      rows.push(...some.map((_, index) => this.#row(index).slice()))
    }
    return rows
  }

  get parking(): Parking {
    const caches = this.#caches
    const park = async () => {
      const positions = this.#length
      const saved = caches.save(positions)
      if (!saved) return null
      const restore = async (count: number) => {
        this.truncate(0)
        this.#reserve(count)
        caches.load(saved, positions, count)
        this.#length = count
      }
      return { bytes: saved.byteLength, restore, release: () => {} }
    }
    return { bytesPerPosition: caches.bytesPerPosition, park }
  }

  truncate(length: number): void {
    if (length < 0 || length > this.#length) {
      throw new EngineError('internal', `Cannot go to position ${length} of ${this.#length}.`)
    }
    this.#length = length
  }

  async dispose(): Promise<void> {
    this.#machine.dispose()
  }

  /** Runs `tokens`, as many as fit into one run, at the next positions. */
  #run(tokens: readonly number[], outputs: number): void {
    const total = this.#length + tokens.length
    if (tokens.length === 0) throw new EngineError('internal', 'A run of the model needs at least one token.')
    if (total > this.contextLength)
      throw new EngineError('internal', `Position ${total} is beyond the model's context.`)
    this.#reserve(total)
    const { memory, tokens: address } = this.#machine
    new Int32Array(memory.buffer, address, tokens.length).set(tokens)
    const shape = { tokens: tokens.length, position: this.#length, outputs }
    const choice = this.#choices[tokens.length === 1 ? 'one' : 'many']
    const started = performance.now()
    const stalledMs = this.#machine.run(this.#list, { ...shape, threads: choice.threads })
    // Of few tokens the speed says nothing of that of others.
    const tells = tokens.length === 1 || tokens.length >= MANY_TOKENS
    if (tells) choice.ran({ tokens: tokens.length, ms: performance.now() - started, stalledMs })
    this.#length = total
  }

  #row(index: number): Float32Array {
    const { address, stride } = this.#logits
    return new Float32Array(this.#machine.memory.buffer, address + 4 * stride * index, this.vocabularySize)
  }

  /** Makes room in the caches; where that moves them, the ops that use them are written again. */
  #reserve(positions: number): void {
    if (!this.#caches.reserve(positions, this.#length)) return
    const { address, count } = this.#list
    const words = new Int32Array(this.#machine.memory.buffer, address, count * OP_WORDS)
    this.#ops.forEach((op, index) => {
      if ('cache' in op) words.set(encode(op), index * OP_WORDS)
    })
  }
}
