/**
 * Keys and values of all layers, one after the other at the end of the machine's memory, with room for more positions in
 * steps. More room is more memory behind the old: every head but the first then moves, the last one first.
 */
import { EngineError } from '../errors.ts'
import { CACHE_BLOCK, type Cache, cacheBytes, type Machine } from '../simd/ops.ts'
import { layersOf, type Program } from './program.ts'

const STEPS = [1024, 4096, 16384, 65536]

interface Slot {
  kind: 'keys' | 'values'
  kvHeads: number
  headDim: number
}

export class LayerCaches {
  /** By layer, as the machine's ops take them: always the same objects, which say where the caches are now. */
  readonly layers: readonly Cache[]
  readonly #machine: Pick<Machine, 'memory' | 'allocate'>
  /** Keys and values of each layer in turn. */
  readonly #slots: Slot[]
  readonly #contextLength: number
  #start = 0
  #capacity = 0

  constructor(machine: Pick<Machine, 'memory' | 'allocate'>, program: Program, contextLength: number) {
    this.layers = layersOf(program).map(() => ({ keys: 0, values: 0, capacity: 0 }))
    this.#machine = machine
    this.#slots = slotsOf(program)
    this.#contextLength = contextLength
  }

  /**
   * Makes room for `positions`, keeping the first `filled`; true where the caches are elsewhere now.
   * @throws EngineError 'out-of-memory'
   */
  reserve(positions: number, filled: number): boolean {
    if (positions <= this.#capacity) return false
    const capacity = stepFor(positions, this.#contextLength)
    const old = bytesOf(this.#slots, this.#capacity)
    const more = this.#machine.allocate(bytesOf(this.#slots, capacity) - old)
    if (this.#capacity === 0) this.#start = more
    else if (more !== this.#start + old) {
      throw new EngineError('internal', 'The cache is not at the end of the memory and cannot grow.')
    }
    this.#move(capacity, filled)
    this.#capacity = capacity
    const places = placesOf(this.#slots, this.#start, capacity)
    this.layers.forEach((layer, index) => {
      Object.assign(layer, { keys: places[2 * index], values: places[2 * index + 1], capacity })
    })
    return true
  }

  get bytesPerPosition(): number {
    return bytesOf(this.#slots, CACHE_BLOCK) / CACHE_BLOCK
  }

  /** A copy of the blocks with the first `filled` positions, cache by cache, head by head; null where there is no memory for it. */
  save(filled: number): Uint8Array | null {
    try {
      const saved = new Uint8Array(bytesOf(this.#slots, filled))
      this.#exchange(saved, { filled, count: filled, way: 'out' })
      return saved
    } catch {
      return null
    }
  }

  /** Puts the first `count` positions of a copy of `filled` back; there is room for them. */
  load(saved: Uint8Array, filled: number, count: number): void {
    this.#exchange(saved, { filled, count, way: 'in' })
  }

  #exchange(saved: Uint8Array, { filled, count, way }: { filled: number; count: number; way: 'in' | 'out' }): void {
    const memory = new Uint8Array(this.#machine.memory.buffer)
    const places = placesOf(this.#slots, this.#start, this.#capacity)
    let at = 0
    for (const [index, { kind, kvHeads, headDim }] of this.#slots.entries()) {
      const headBytes = (positions: number) => cacheBytes({ kind, kvHeads: 1, headDim, capacity: positions })
      for (let head = 0; head < kvHeads; head++, at += headBytes(filled)) {
        const here = (places[index] ?? 0) + head * headBytes(this.#capacity)
        const bytes = headBytes(count)
        if (way === 'out') saved.set(memory.subarray(here, here + bytes), at)
        else memory.set(saved.subarray(at, at + bytes), here)
      }
    }
  }

  #move(capacity: number, filled: number): void {
    const memory = new Uint8Array(this.#machine.memory.buffer)
    const old = placesOf(this.#slots, this.#start, this.#capacity)
    const fresh = placesOf(this.#slots, this.#start, capacity)
    for (let index = this.#slots.length - 1; index >= 0; index--) {
      const { kind = 'keys', kvHeads = 0, headDim = 0 } = this.#slots[index] ?? {}
      const headBytes = (positions: number) => cacheBytes({ kind, kvHeads: 1, headDim, capacity: positions })
      for (let head = kvHeads - 1; head >= 0; head--) {
        const from = (old[index] ?? 0) + head * headBytes(this.#capacity)
        memory.copyWithin((fresh[index] ?? 0) + head * headBytes(capacity), from, from + headBytes(filled))
      }
    }
  }
}

/** Bytes of all caches where there is room for so many positions. */
export function allCacheBytes(
  program: Program,
  { positions, contextLength }: { positions: number; contextLength: number },
): number {
  return bytesOf(slotsOf(program), stepFor(positions, contextLength))
}

function slotsOf(program: Program): Slot[] {
  return layersOf(program).flatMap(({ kv_heads: kvHeads, head_dim: headDim }) => [
    { kind: 'keys', kvHeads, headDim },
    { kind: 'values', kvHeads, headDim },
  ])
}

function stepFor(positions: number, contextLength: number): number {
  const step = STEPS.find(size => size >= positions) ?? positions
  return Math.ceil(Math.max(positions, Math.min(step, contextLength)) / CACHE_BLOCK) * CACHE_BLOCK
}

function bytesOf(slots: readonly Slot[], capacity: number): number {
  return slots.reduce((sum, slot) => sum + cacheBytes({ ...slot, capacity }), 0)
}

/** The address of each slot. */
function placesOf(slots: readonly Slot[], start: number, capacity: number): number[] {
  let next = start
  return slots.map(slot => {
    const place = next
    next += cacheBytes({ ...slot, capacity })
    return place
  })
}
