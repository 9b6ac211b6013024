/** One engine for all sessions that a page makes: loaded for the first, unloaded when the last one is destroyed. */
import type { Engine, EngineOptions, LoadProgress } from '../api.ts'
import { storedBundles } from '../disk.ts'
import { domError } from './errors.ts'
import type { Availability } from './shapes.ts'

/** Called with an EventTarget that fires `downloadprogress`: `loaded` is a share, from 0 to 1. */
export type Monitor = (monitor: EventTarget) => void

export type EngineMaker = (options: EngineOptions) => Promise<Engine>

/** Loads the model when the first session asks for it, and unloads it when the last one is destroyed. */
export class SharedEngine {
  readonly #url: string
  readonly #options: Omit<EngineOptions, 'signal'>
  readonly #make: EngineMaker
  readonly #listeners = new Set<(progress: LoadProgress) => void>()
  #loading: { engine: Promise<Engine>; stop: AbortController } | null = null
  #users = 0
  #isLoaded = false

  constructor(options: Omit<EngineOptions, 'signal'>, make: EngineMaker) {
    this.#url = new URL(options.bundle, globalThis.document?.baseURI).href.replace(/\/?$/, '/')
    this.#options = options
    this.#make = make
  }

  /** Whether the model can be had, and whether that takes a download. */
  async availability(): Promise<Availability> {
    if (this.#isLoaded) return 'available'
    if (this.#loading) return 'downloading'
    const isStored = (await storedBundles()).some(({ bundle, complete }) => bundle === this.#url && complete)
    if (isStored) return 'available'
    const manifest = await fetch(new URL('manifest.json', this.#url), { method: 'HEAD' }).catch(() => null)
    return manifest?.ok ? 'downloadable' : 'unavailable'
  }

  /**
   * The engine, and a share in it until `release` is called; `monitor` is told how far its download is.
   * @throws DOMException
   */
  async engine(monitor: Monitor | undefined, signal: AbortSignal | undefined): Promise<Engine> {
    const report = progressOf(monitor)
    report(0)
    try {
      const onProgress = ({ loadedBytes, totalBytes }: LoadProgress) =>
        report(totalBytes > 0 ? loadedBytes / totalBytes : 0)
      const engine = await this.#acquire(onProgress, signal)
      report(1)
      return engine
    } catch (error) {
      throw signal?.aborted ? signal.reason : domError(error)
    }
  }

  async #acquire(onProgress: (progress: LoadProgress) => void, signal: AbortSignal | undefined): Promise<Engine> {
    this.#users++
    this.#listeners.add(onProgress)
    try {
      this.#loading ??= this.#load()
      const { engine } = this.#loading
      return await (signal ? Promise.race([engine, rejection(signal)]) : engine)
    } catch (error) {
      this.release()
      throw error
    } finally {
      this.#listeners.delete(onProgress)
    }
  }

  share(): void {
    this.#users++
  }

  release(): void {
    if (--this.#users > 0) return
    const last = this.#loading
    this.#loading = null
    this.#isLoaded = false
    last?.stop.abort()
    last?.engine.then(
      engine => engine.dispose(),
      () => {},
    )
  }

  #load() {
    const stop = new AbortController()
    const onProgress = (progress: LoadProgress) => {
      this.#options.onProgress?.(progress)
      for (const listener of this.#listeners) listener(progress)
    }
    const engine = this.#make({ ...this.#options, onProgress, signal: stop.signal })
    const loading = { engine, stop }
    engine.then(
      () => {
        if (this.#loading === loading) this.#isLoaded = true
      },
      () => {
        if (this.#loading === loading) this.#loading = null
      },
    )
    return loading
  }
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** Tells a page's monitor how much has been downloaded: 0 first, 1 last, never less than before. */
function progressOf(monitor: Monitor | undefined): (loaded: number) => void {
  if (!monitor) return () => {}
  const target = new EventTarget()
  monitor(target)
  let told = -1
  return loaded => {
    if (loaded <= told) return
    told = loaded
    target.dispatchEvent(new ProgressEvent('downloadprogress', { loaded, total: 1, lengthComputable: true }))
  }
}
