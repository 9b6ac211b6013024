/**
 * `LanguageModel` in the shape of the browsers' built-in one, so that a page written for that runs on the engine:
 *
 *     globalThis.LanguageModel ??= createLanguageModel({ bundle: '/models/smollm2-135m-instruct/' })
 *     const session = await LanguageModel.create({ initialPrompts: [{ role: 'system', content: 'Be brief.' }] })
 */
import type { Engine, EngineOptions, LoadProgress } from '../api.ts'
import { storedBundles } from '../disk.ts'
import { domError, notSupported, QuotaExceeded } from './errors.ts'
import { lacking, messagesOf, samplingOf } from './prompts.ts'
import { EngineSession, type SessionParts } from './session.ts'
import type {
  Availability,
  LanguageModelApi,
  LanguageModelCreateCoreOptions,
  LanguageModelCreateOptions,
} from './shapes.ts'

export type EngineMaker = (options: EngineOptions) => Promise<Engine>

/** Loads the model when the first session asks for it, and unloads it when the last one is destroyed. */
class SharedEngine {
  readonly #options: Omit<EngineOptions, 'signal'>
  readonly #make: EngineMaker
  readonly #listeners = new Set<(progress: LoadProgress) => void>()
  #loading: { engine: Promise<Engine>; stop: AbortController } | null = null
  #users = 0
  #isLoaded = false

  constructor(options: Omit<EngineOptions, 'signal'>, make: EngineMaker) {
    this.#options = options
    this.#make = make
  }

  get state(): 'none' | 'loading' | 'loaded' {
    return this.#isLoaded ? 'loaded' : this.#loading ? 'loading' : 'none'
  }

  /** The engine, and a share in it until `release` is called. */
  async acquire(onProgress: (progress: LoadProgress) => void, signal: AbortSignal | undefined): Promise<Engine> {
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

export class EngineLanguageModel implements LanguageModelApi {
  readonly #url: string
  readonly #shared: SharedEngine

  constructor(options: Omit<EngineOptions, 'signal'>, make: EngineMaker) {
    this.#url = new URL(options.bundle, globalThis.document?.baseURI).href.replace(/\/?$/, '/')
    this.#shared = new SharedEngine(options, make)
  }

  async availability(wanted: LanguageModelCreateCoreOptions = {}): Promise<Availability> {
    if (lacking(wanted) !== null) return 'unavailable'
    const { state } = this.#shared
    if (state !== 'none') return state === 'loaded' ? 'available' : 'downloading'
    const isStored = (await storedBundles()).some(({ bundle, complete }) => bundle === this.#url && complete)
    if (isStored) return 'available'
    const manifest = await fetch(new URL('manifest.json', this.#url), { method: 'HEAD' }).catch(() => null)
    return manifest?.ok ? 'downloadable' : 'unavailable'
  }

  async create(wanted: LanguageModelCreateOptions = {}): Promise<EngineSession> {
    const { initialPrompts = [], monitor, signal } = wanted
    signal?.throwIfAborted()
    const missing = lacking(wanted)
    if (missing !== null) throw notSupported(missing)
    const sampling = samplingOf(wanted)
    const initial = initialPrompts.length > 0 ? messagesOf(initialPrompts, true) : []
    const engine = await this.#engine(progressOf(monitor), signal)
    try {
      const usage = initial.length > 0 ? (await engine.countTokens(initial)).tokens : 0
      if (usage >= engine.info.contextLength) throw new QuotaExceeded(usage, engine.info.contextLength)
      const isRaw = wanted.temperature !== undefined || wanted.topK !== undefined
      const samplingMode = isRaw ? null : (wanted.samplingMode ?? 'balanced')
      const session = this.#session({ engine, initial, history: [], sampling, samplingMode }, usage)
      signal?.addEventListener('abort', () => session.destroy(), { once: true })
      return session
    } catch (error) {
      this.#shared.release()
      throw domError(error)
    }
  }

  async #engine(report: (loaded: number) => void, signal: AbortSignal | undefined): Promise<Engine> {
    report(0)
    try {
      const onProgress = ({ loadedBytes, totalBytes }: LoadProgress) =>
        report(totalBytes > 0 ? loadedBytes / totalBytes : 0)
      const engine = await this.#shared.acquire(onProgress, signal)
      report(1)
      return engine
    } catch (error) {
      throw signal?.aborted ? signal.reason : domError(error)
    }
  }

  #session(parts: Omit<SessionParts, 'release' | 'fork'>, usage: number): EngineSession {
    const release = () => this.#shared.release()
    const fork: SessionParts['fork'] = (changed, count) => {
      this.#shared.share()
      return this.#session({ ...parts, ...changed }, count)
    }
    return new EngineSession({ ...parts, release, fork }, usage)
  }
}

/** Tells a page's monitor how much has been downloaded: 0 first, 1 last, never less than before. */
function progressOf(monitor: LanguageModelCreateOptions['monitor']): (loaded: number) => void {
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
