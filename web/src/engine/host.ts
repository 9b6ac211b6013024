/**
 * The page's hold on one model. Its worker may die, lose its GPU or be unloaded to make room: it is started again when
 * it is needed, and a call that was under way goes on in the new one, once. Every call settles.
 */
import type { EngineInfo, EngineOptions } from './api.ts'
import { EngineError } from './errors.ts'
import { aborted, type WorkerLink } from './link.ts'
import type { MemoryBudget, Tenant } from './memory.ts'
import type { LoadArgs, LoadEvent, PassedOver } from './protocol.ts'
import { loadArgs, start, type WorkerFactory } from './start.ts'

export class Host implements Tenant {
  readonly #wanted: Omit<LoadArgs, 'passedOver'>
  readonly #passedOver: PassedOver[] = []
  readonly #makeWorker: WorkerFactory
  readonly #memory: MemoryBudget | null
  #link: WorkerLink | null = null
  #info: EngineInfo | null = null
  #starting: Promise<WorkerLink> | null = null
  readonly #disposal = new AbortController()
  #calls = 0
  /** The variant that the budget has let in. */
  #admitted: string | null = null

  constructor(options: EngineOptions, makeWorker: WorkerFactory) {
    this.#wanted = loadArgs(options)
    this.#makeWorker = makeWorker
    this.#memory = options.memory ?? null
  }

  /** Loads the model. @throws EngineError; an AbortError where `signal` aborts */
  async load({ signal, onProgress }: Pick<EngineOptions, 'signal' | 'onProgress'>): Promise<void> {
    const disposed = this.#disposal.signal
    await this.#start(signal ? AbortSignal.any([signal, disposed]) : disposed, onProgress)
  }

  get info(): EngineInfo {
    if (!this.#info) throw new EngineError('no-model', 'No model is loaded.')
    return this.#info
  }

  get isBusy(): boolean {
    return this.#calls > 0 || this.#starting !== null
  }

  get loading(): Promise<unknown> | null {
    return this.#starting
  }

  unload(): void {
    this.#link?.close(aborted())
    this.#link = null
    this.#memory?.leave(this)
  }

  dropSpare(): void {
    this.#link?.unpark()
  }

  dispose(): void {
    const reason = new DOMException('The engine was disposed of.', 'AbortError')
    this.#disposal.abort(reason)
    this.#link?.close(reason)
    this.unload()
  }

  /**
   * Does `work` with the worker, and once more with a new one where the first dies on the way.
   * @param work is told how many workers died over it
   * @throws what `work` throws; an AbortError after `dispose`, or where `signal` aborts while the model is loaded again
   */
  async attempt<R>(
    work: (link: WorkerLink, deaths: number) => Promise<R>,
    signal: AbortSignal | undefined,
  ): Promise<R> {
    this.#calls++
    try {
      for (let deaths = 0; ; deaths++) {
        const link = await this.#open(signal)
        try {
          return await work(link, deaths)
        } catch (error) {
          if (deaths > 0 || !link.crashed || !(error instanceof EngineError)) throw error
        }
      }
    } finally {
      this.#calls--
      this.#memory?.touch(this)
    }
  }

  async #open(signal: AbortSignal | undefined): Promise<WorkerLink> {
    if (signal?.aborted) throw aborted(signal.reason)
    if (this.#disposal.signal.aborted) throw aborted(this.#disposal.signal.reason)
    if (this.#link?.isOpen) return this.#link
    return unlessAborted(this.#starting ?? this.#start(this.#disposal.signal), signal)
  }

  #start(signal: AbortSignal, onProgress?: EngineOptions['onProgress']): Promise<WorkerLink> {
    this.#starting = this.#startInTurn(signal, onProgress).finally(() => {
      this.#starting = null
    })
    return this.#starting
  }

  /** Where there is no room beside models that load now, it waits for these: then they may be idle, and make room. */
  async #startInTurn(signal: AbortSignal, onProgress: EngineOptions['onProgress']): Promise<WorkerLink> {
    for (;;) {
      try {
        return await this.#startNow(signal, onProgress)
      } catch (error) {
        this.#memory?.leave(this)
        const others = isBeyondBudget(error) ? (this.#memory?.loads ?? []) : []
        if (others.length === 0) throw error
        const ended = others.map(load => load.catch(() => {})) // its own caller hears of it
        await unlessAborted(Promise.race(ended), signal)
      }
    }
  }

  async #startNow(signal: AbortSignal, onProgress: EngineOptions['onProgress']): Promise<WorkerLink> {
    this.#admitted = null
    const { link, info } = await start({
      wanted: this.#wanted,
      passedOver: this.#passedOver,
      makeWorker: this.#makeWorker,
      signal,
      onEvent: event => this.#admit(event, onProgress),
    })
    link.onParked = bytes => this.#memory?.keepSpare(this, bytes)
    this.#link = link
    this.#info = info
    return link
  }

  #admit({ variant, memoryBytes, progress }: LoadEvent, onProgress: EngineOptions['onProgress']): void {
    if (variant !== this.#admitted) this.#memory?.admit(this, memoryBytes)
    this.#admitted = variant
    onProgress?.(progress)
  }
}

function isBeyondBudget(error: unknown): boolean {
  return error instanceof EngineError && error.reasons.some(reason => Object(reason).kind === 'beyond-budget')
}

/** The work goes on without the caller who left. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  return new Promise((resolve, reject) => {
    const leave = () => reject(aborted(signal.reason))
    signal.addEventListener('abort', leave, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}
