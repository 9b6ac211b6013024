/** Loading of the model: what the page knows of it, and what the user can do about it. */
import { computed, signal, untracked } from '@preact/signals'
import type { Engine, EngineInfo, EngineOptions, LoadProgress } from '../engine/api.ts'
import { EngineError, type ErrorCode } from '../engine/errors.ts'
import { chatModels, fetchModels, keptBundles, lookAtKept, type ModelSummary } from './models.ts'
import { route } from './route.ts'
import { change, settings } from './settings.ts'
import { isSite, site } from './site.ts'
import { type Cost, costOf } from './site-models.ts'

export type LoadState =
  | { status: 'starting' }
  | { status: 'no-model' }
  | { status: 'loading'; model: ModelSummary; progress: LoadProgress | null }
  /** `cost`: a site that waits for the user to agree to a large download. */
  | { status: 'paused'; model: ModelSummary; cost?: Cost }
  | { status: 'ready'; model: ModelSummary; engine: Engine }
  | { status: 'failed'; model: ModelSummary | null; code: ErrorCode | 'server'; error: unknown }

export type MakeEngine = (options: EngineOptions) => Promise<Engine>

export const loadState = signal<LoadState>({ status: 'starting' })
export const engine = computed(() => (loadState.value.status === 'ready' ? loadState.value.engine : null))

/** Device and format for people: `CPU · int8`. */
export function runsOn({ device, variant }: Pick<EngineInfo, 'device' | 'variant'>): string {
  return `${device === 'webgpu' ? 'GPU' : 'CPU'} · ${variant.replace(/^(webgpu|cpu)-/, '')}`
}

/** The model that a site names for the page shown, else the one chosen before, else the site's first, else the first. */
function wantedHere(): ModelSummary | undefined {
  const byId = (wanted: string | null | undefined) => chatModels.value.find(({ id }) => id === wanted)
  const own = route.value.page === 'write' ? byId(site.value?.perTask.write) : undefined
  return own ?? byId(settings.value.model) ?? byId(site.value?.defaultModel) ?? chatModels.value[0]
}

/** Owns the one engine of the page. A newer load makes every older one void. */
export class Loader {
  readonly #make: MakeEngine
  #current: AbortController | null = null

  constructor(make: MakeEngine) {
    this.#make = make
  }

  /** Asks the server for its models and loads the one chosen before, else the first. */
  async start(): Promise<void> {
    loadState.value = { status: 'starting' }
    try {
      await fetchModels()
      const model = wantedHere()
      if (model) await this.#begin(model)
      else loadState.value = { status: 'no-model' }
    } catch (error) {
      loadState.value = { status: 'failed', model: null, code: 'server', error }
    }
  }

  /** On a site with a model of its own for a page: loads the one that the page shown now is for. */
  async follow(): Promise<void> {
    const state = loadState.peek()
    const model = untracked(wantedHere)
    if (!('model' in state) || !state.model || !model || state.model.id === model.id) return
    await lookAtKept()
    await this.#begin(model)
  }

  /** A site's visitor is asked before a large download. */
  async #begin(model: ModelSummary): Promise<void> {
    const cost = await costOf(model, keptBundles.value)
    if (!cost) return this.load(model)
    const old = this.#retire()
    loadState.value = { status: 'paused', model, cost }
    await old?.dispose()
  }

  async load(model: ModelSummary): Promise<void> {
    const old = this.#retire()
    const controller = new AbortController()
    this.#current = controller
    const isCurrent = () => this.#current === controller
    loadState.value = { status: 'loading', model, progress: null } // from here on nobody asks the old engine
    try {
      if (old) await old.dispose() // two models at once may not fit
      const engine = await this.#make({
        bundle: new URL(model.url, document.baseURI).href,
        device: settings.value.device,
        signal: controller.signal,
        onProgress: progress => {
          if (isCurrent()) loadState.value = { status: 'loading', model, progress }
        },
      })
      if (isCurrent()) loadState.value = { status: 'ready', model, engine }
      else await engine.dispose()
      if (isSite) await lookAtKept() // what is here now is not announced as a download again
    } catch (error) {
      if (isCurrent()) loadState.value = failure(model, error)
    }
  }

  /** Another model, remembered for the next visit. */
  async choose(id: string): Promise<void> {
    const model = chatModels.value.find(entry => entry.id === id)
    if (!model) return
    change({ model: id })
    await this.load(model)
  }

  /** Stops loading; `retry` goes on. */
  cancel(): void {
    const state = loadState.value
    if (state.status !== 'loading') return
    this.#retire()
    loadState.value = { status: 'paused', model: state.model }
  }

  /** The same again, after a failure, a cancel or a changed device. */
  async retry(): Promise<void> {
    const state = loadState.value
    const model = 'model' in state ? state.model : null
    await (model ? this.load(model) : this.start())
  }

  async useCpu(): Promise<void> {
    change({ device: 'cpu' })
    await this.retry()
  }

  /** Ends a load on its way, or hands out the engine that runs: the caller disposes of it. */
  #retire(): Engine | null {
    this.#current?.abort()
    this.#current = null
    const state = loadState.value
    return state.status === 'ready' ? state.engine : null
  }
}

function failure(model: ModelSummary, error: unknown): LoadState {
  if (error instanceof DOMException && error.name === 'AbortError') return { status: 'paused', model }
  return { status: 'failed', model, code: error instanceof EngineError ? error.code : 'internal', error }
}
