/** Who corrects: the grammar model in an engine of its own, from the pool, and Harper's rules; what is missing and why. */
import { computed, effect, signal, untracked } from '@preact/signals'
import type { Engine, LoadProgress } from '../../engine/api.ts'
import { Harper } from '../../tasks/grammar/harper.ts'
import type { RuleChecker } from '../../tasks/grammar/types.ts'
import { type EngineWish, engines } from '../engines.ts'
import { inWords } from '../in-words.ts'
import { fetchModels, keptBundles, lookAtKept, type ModelSummary, modelList } from '../models.ts'
import { otherModelReady } from '../requests.ts'
import { settings } from '../settings.ts'
import { hasTask, isSite, site } from '../site.ts'
import { type Cost, costOf } from '../site-models.ts'
import { grammar } from './settings.ts'

/** The model that was trained to correct, or the one that a site names for it; null where there is none. */
const grammarModel = computed(() => {
  const models = modelList.value?.models ?? []
  const named = site.value?.perTask.grammar
  return models.find(({ id, tasks = [] }) => (named ? id === named : tasks.includes('grammar'))) ?? null
})

export type ModelState =
  | { status: 'off' | 'unknown' | 'missing' | 'idle' | 'ready' }
  /** Of a site: nothing large is downloaded before the visitor agrees. */
  | { status: 'costs'; model: ModelSummary; cost: Cost }
  | { status: 'loading'; progress: LoadProgress | null }
  | { status: 'failed'; message: string }

/** Where engines come from. */
export interface Pool {
  acquire: typeof engines.acquire
  release: typeof engines.release
}

export interface HelpersOptions {
  pool?: Pool
  rules?: RuleChecker
}

export class Helpers {
  readonly model = signal<ModelState>({ status: 'off' })
  /** Why there are no rules, '' where there are. */
  readonly rulesTrouble = signal('')
  /** Nothing is loaded before there is a text. */
  readonly wanted = signal(false)
  readonly engine = signal<Engine | null>(null)
  readonly rules = signal<RuleChecker | null>(null)
  readonly #retries = signal(0)
  /** To the download, where there is somebody to ask. */
  readonly #agreed = signal(!isSite)
  readonly #pool: Pool
  readonly #harper: RuleChecker

  constructor({ pool = engines, rules = new Harper() }: HelpersOptions = {}) {
    this.#pool = pool
    this.#harper = rules
  }

  /** Follows what the user wants; the returned function lets all of it go. */
  start(): () => void {
    const wish = computed((): string | null => {
      const { enabled, source } = grammar.value
      if (!enabled || source === 'rules' || !hasTask('grammar')) return null
      if (modelList.value === null) return 'unknown'
      const model = grammarModel.value
      return model ? JSON.stringify({ bundle: model.url, device: settings.value.device }) : 'missing'
    })
    const stops = [
      effect(() => {
        const asked = wish.value
        const isWanted = this.wanted.value
        void this.#retries.value // read: another try
        const isAgreed = this.#agreed.value
        return untracked(() => this.#hire(asked, { isWanted, isAgreed }))
      }),
      effect(() => {
        const { enabled, source, dialect } = grammar.value
        const works = enabled && source !== 'model' && !this.rulesTrouble.value && hasTask('grammar')
        this.rules.value = works ? this.#harper : null
        if (!(this.#harper instanceof Harper)) return
        this.#harper.dialect = dialect
        if (!works) this.#harper.dispose()
      }),
    ]
    // It may have been made meanwhile, in the background or in a terminal.
    const lookAgain = () => {
      const isLacking = this.model.peek().status === 'missing' && document.visibilityState === 'visible'
      if (isLacking) void fetchModels().catch(() => {}) // no server, no news
    }
    document.addEventListener('visibilitychange', lookAgain)
    return () => {
      document.removeEventListener('visibilitychange', lookAgain)
      for (const stop of stops) stop()
      if (this.#harper instanceof Harper) this.#harper.dispose()
    }
  }

  /** After a failure. */
  retry(): void {
    this.rulesTrouble.value = ''
    this.#retries.value += 1
  }

  failed(who: 'model' | 'rules', error: unknown): void {
    const message = inWords(error)
    if (who === 'rules') {
      if (this.rules.peek()) this.rulesTrouble.value = message // else they were switched off
    } else {
      this.#drop()
      this.model.value = { status: 'failed', message }
    }
  }

  /** The download may begin, and at once. */
  agree(): void {
    this.wanted.value = true
    this.#agreed.value = true
  }

  /** Stops the download; what has come stays. */
  cancel(): void {
    this.#agreed.value = false
  }

  #hire(
    asked: string | null,
    { isWanted, isAgreed }: Record<'isWanted' | 'isAgreed', boolean>,
  ): (() => void) | undefined {
    if (asked === null) this.model.value = { status: 'off' }
    else if (asked === 'unknown' || asked === 'missing') this.model.value = { status: asked }
    else if (!isAgreed) return this.#tellCost()
    else if (isWanted) return this.#begin(JSON.parse(asked))
    else this.model.value = { status: 'idle' }
    return undefined
  }

  #tellCost(): () => void {
    const leaving = new AbortController()
    this.model.value = { status: 'idle' }
    void this.#findCost(leaving.signal)
    return () => leaving.abort()
  }

  async #findCost(signal: AbortSignal): Promise<void> {
    const model = grammarModel.peek()
    await lookAtKept()
    const cost = model && (await costOf(model, keptBundles.value))
    if (signal.aborted) return
    if (model && cost) this.model.value = { status: 'costs', model, cost }
    else this.#agreed.value = true
  }

  #begin(wish: EngineWish): () => void {
    const leaving = new AbortController()
    this.model.value = { status: 'loading', progress: null }
    void this.#load({ ...wish, bundle: new URL(wish.bundle, document.baseURI).href }, leaving.signal)
    return () => {
      leaving.abort()
      this.#drop()
    }
  }

  async #load(wish: EngineWish, signal: AbortSignal): Promise<void> {
    const onProgress = (progress: LoadProgress) => {
      if (!signal.aborted && this.engine.peek() === null) this.model.value = { status: 'loading', progress }
    }
    try {
      const engine = await this.#pool.acquire(wish, { signal, onProgress })
      if (signal.aborted) return this.#pool.release(engine)
      this.engine.value = engine
      this.model.value = { status: 'ready' }
      otherModelReady()
    } catch (error) {
      if (!signal.aborted) this.failed('model', error)
    }
  }

  #drop(): void {
    const engine = this.engine.peek()
    this.engine.value = null
    if (engine) this.#pool.release(engine)
  }
}
