/**
 * Further engines beside the page's own, for comparing and for tasks that need another model: one for each way to run a
 * bundle, shared by all who ask for it, within one budget of memory.
 */
import type { Engine, EngineOptions } from '../engine/api.ts'
import { createEngine, MemoryBudget } from '../engine/client.ts'
import { loadState } from './engine.ts'
import { keepOptions } from './kept.ts'

export type EngineWish = Pick<EngineOptions, 'bundle' | 'device' | 'variant' | 'backend'>

/** An engine that runs anyway and may be used as well. */
export interface Lent {
  engine: Engine
  bundle: string
}

interface Place {
  engine: Promise<Engine>
  users: number
  loading: AbortController
  isLoaded: boolean
}

export class EnginePool {
  readonly #make: (options: EngineOptions) => Promise<Engine>
  readonly #lent: () => Lent | null
  readonly #memory: MemoryBudget
  readonly #places = new Map<string, Place>()

  constructor(
    make: (options: EngineOptions) => Promise<Engine>,
    { memory, lent = () => null }: { memory: MemoryBudget; lent?: () => Lent | null },
  ) {
    this.#make = make
    this.#memory = memory
    this.#lent = lent
  }

  /**
   * An engine for this wish: one that is loaded already, else a new one. Give it back with `release`.
   * @throws EngineError as `createEngine`; an AbortError where `signal` aborts before it is loaded
   */
  async acquire(wish: EngineWish, watch: Pick<EngineOptions, 'signal' | 'onProgress'> = {}): Promise<Engine> {
    const lent = this.#lent()
    if (lent && suits(lent, wish)) return lent.engine
    watch.signal?.throwIfAborted()
    const key = keyOf(wish)
    const place = this.#places.get(key) ?? this.#open(key, wish, watch.onProgress)
    place.users++
    const leave = () => this.#leave(key, place)
    watch.signal?.addEventListener('abort', leave, { once: true })
    try {
      const engine = await place.engine
      watch.signal?.throwIfAborted()
      return engine
    } finally {
      watch.signal?.removeEventListener('abort', leave)
    }
  }

  /** The engine stays loaded for the next who asks, as long as memory allows it. */
  release(engine: Engine): void {
    for (const [key, place] of this.#places) {
      void place.engine.then(
        held => {
          if (held === engine) this.#leave(key, place)
        },
        () => {},
      )
    }
  }

  /** Ends all engines that nobody uses. */
  async trim(): Promise<void> {
    const idle = [...this.#places].filter(([, { users }]) => users === 0)
    for (const [key] of idle) this.#places.delete(key)
    await Promise.allSettled(idle.map(async ([, place]) => (await place.engine).dispose()))
  }

  #open(key: string, wish: EngineWish, onProgress: EngineOptions['onProgress']): Place {
    const loading = new AbortController()
    const options = { ...wish, memory: this.#memory, signal: loading.signal, ...(onProgress ? { onProgress } : {}) }
    const place: Place = { engine: this.#make(options), users: 0, loading, isLoaded: false }
    this.#places.set(key, place)
    place.engine.then(
      () => {
        place.isLoaded = true
      },
      () => this.#forget(key, place), // the next who asks tries again
    )
    return place
  }

  #leave(key: string, place: Place): void {
    place.users = Math.max(0, place.users - 1)
    if (place.users > 0 || place.isLoaded) return
    // A load that nobody waits for ends: it is not for the next who asks, however soon that is.
    place.loading.abort()
    this.#forget(key, place)
  }

  #forget(key: string, place: Place): void {
    if (this.#places.get(key) === place) this.#places.delete(key)
  }
}

function keyOf({ bundle, device, variant, backend }: EngineWish): string {
  return JSON.stringify([absolute(bundle), device ?? 'auto', variant ?? '', backend ?? ''])
}

/** The page's own engine does for a wish that would load the same. */
function suits({ engine: { info }, bundle: url }: Lent, { bundle, device, variant, backend }: EngineWish): boolean {
  const isDevice = (device ?? 'auto') === 'auto' || device === info.device
  const isBackend = backend === undefined || info.backend.startsWith(backend)
  return (
    absolute(bundle) === absolute(url) && isDevice && isBackend && (variant === undefined || variant === info.variant)
  )
}

function absolute(bundle: string): string {
  return new URL(bundle, document.baseURI).href
}

const GIB = 2 ** 30
/** Where the browser does not say how much memory there is. */
const USUAL_GIB = 4

/** Half of the memory that the browser tells of: it says 8 GiB at most. */
function budget(): MemoryBudget {
  const { deviceMemory } = navigator as Navigator & { deviceMemory?: number } // Chromium only
  return new MemoryBudget(((deviceMemory ?? USUAL_GIB) / 2) * GIB)
}

export const engines = new EnginePool(options => createEngine({ ...keepOptions(options.bundle), ...options }), {
  memory: budget(),
  lent: () => {
    const state = loadState.value
    return state.status === 'ready' ? { engine: state.engine, bundle: state.model.url } : null
  },
})
