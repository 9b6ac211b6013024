/**
 * Between the editor and the `Suggester`: gives it the page's engine when there is one, the user's settings, pauses and
 * phrase memory, and keeps its figures. Typing never waits for any of it.
 */
import { computed, effect, signal, untracked } from '@preact/signals'
import type { Engine } from '../../engine/api.ts'
import { siteName } from '../../engine/names.ts'
import {
  DEFAULT_SETTINGS,
  PhraseMemory,
  type Shown,
  type Situation,
  Suggester,
  type SuggesterSettings,
} from '../../tasks/autocomplete.ts'
import { text } from '../../text/index.ts'
import { announcement } from '../announce.ts'
import { engine, loadState } from '../engine.ts'
import { inWords } from '../in-words.ts'
import { hasTask } from '../site.ts'
import { changeWriting, type WritingSettings, writing } from './settings.ts'
import { added, emptyUsage, readUsage, saveUsage, type Usage } from './usage.ts'

const PAUSE_MS = 5 * 60_000
const SAVE_AFTER_MS = 2000
const MEMORY_KEY = siteName('slm-playground.phrases')
const NOTHING: Shown = { suggestion: null, silentBecause: null }

export type Availability = 'ready' | 'loading' | 'none' | 'failed'

export interface AssistantOptions {
  /** Whether it suggests, whatever the user's switch says: the typing trial turns it on and off itself. */
  enabled?: () => boolean
  /** Whether figures and phrases are kept. Default true. */
  keeps?: boolean
}

export class Assistant {
  readonly shown = signal<Shown>(NOTHING)
  /** What the engine said when it failed, as a sentence for people. */
  readonly trouble = signal('')
  readonly usage = signal<Usage>(readUsage())
  readonly isPaused = signal(false)
  /** Counts up when the phrases have changed. */
  readonly memoryChanges = signal(0)
  readonly availability = computed((): Availability => {
    const { status } = loadState.value
    if (status === 'ready') return suits(engine.value) ? 'ready' : 'none'
    if (status === 'no-model') return 'none'
    return status === 'starting' || status === 'loading' ? 'loading' : 'failed'
  })
  readonly #options: AssistantOptions
  readonly #listeners = new Set<() => void>()
  readonly #memory: PhraseMemory
  #suggester: Suggester | null = null
  #situation: Situation | null = null
  #base: Usage
  #learnt = false
  #saving: ReturnType<typeof setTimeout> | undefined

  constructor(options: AssistantOptions = {}) {
    this.#options = options
    this.#memory = options.keeps === false ? new PhraseMemory() : readMemory()
    this.#base = this.usage.peek()
  }

  /** Follows engine and settings; the returned function ends that. */
  start(): () => void {
    const stops = [
      effect(() => {
        const current = engine.value
        untracked(() => this.#hire(suits(current) ? current : null))
        return () => untracked(() => this.#hire(null))
      }),
      effect(() => {
        const settings = this.#settings(writing.value)
        const memory = writing.value.remembers && this.#options.keeps !== false ? this.#memory : null
        untracked(() => this.#suggester?.configure(settings, memory))
      }),
      effect(() => this.#followPause(writing.value.pausedUntil)),
    ]
    return () => {
      for (const stop of stops) stop()
      this.#keep()
    }
  }

  #settings({ enabled, minConfidence, length, note }: WritingSettings): Partial<SuggesterSettings> {
    const isOn = hasTask('autocomplete') && (this.#options.enabled?.() ?? (enabled && !this.isPaused.value))
    return { enabled: isOn, maxWords: length, note: note.trim(), minConfidence: orDefault(minConfidence) }
  }

  #hire(current: Engine | null): void {
    if (this.#suggester) {
      this.#base = added(this.#base, this.#suggester.stats)
      this.#suggester.dispose()
    }
    this.#suggester = null
    this.trouble.value = ''
    this.#show(NOTHING)
    if (!current) return
    this.#suggester = new Suggester(current, {
      settings: this.#settings(writing.value),
      memory: writing.value.remembers && this.#options.keeps !== false ? this.#memory : null,
      onChange: shown => this.#show(shown),
      onTrouble: error => {
        this.trouble.value = inWords(error)
      },
    })
    if (this.#situation) this.#suggester.update(this.#situation)
  }

  #followPause(until: number): (() => void) | undefined {
    const left = until - Date.now()
    this.isPaused.value = left > 0
    if (left <= 0) return undefined
    const timer = setTimeout(() => changeWriting({ pausedUntil: 0 }), left)
    return () => clearTimeout(timer)
  }

  #show(shown: Shown): void {
    this.shown.value = shown
    if (shown.suggestion) this.trouble.value = ''
    for (const listener of this.#listeners) listener()
    this.#saving ??= setTimeout(() => this.#keep(), SAVE_AFTER_MS)
  }

  #keep(): void {
    clearTimeout(this.#saving)
    this.#saving = undefined
    this.usage.value = this.#suggester ? added(this.#base, this.#suggester.stats) : this.#base
    if (this.#options.keeps === false) return
    saveUsage(this.usage.peek())
    if (this.#learnt) this.#saveMemory()
  }

  resetUsage(): void {
    this.#base = emptyUsage()
    this.#suggester?.resetStats()
    this.#keep()
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  get ghost(): string {
    return this.shown.peek().suggestion?.text ?? ''
  }

  get pending(): boolean {
    return this.shown.peek().silentBecause === 'pending'
  }

  /** Null where nobody types: what is known stays, and is shown again when they come back to the same place. */
  tell(situation: Situation | null): void {
    if (!situation) return
    this.#situation = situation
    this.#suggester?.update(situation)
  }

  take(unit: 'all' | 'word'): string {
    const taken = this.#suggester?.accept(unit) ?? ''
    if (taken && writing.peek().remembers) {
      this.#learnt = true
      this.memoryChanges.value += 1
    }
    return taken
  }

  dismiss(): void {
    this.#suggester?.dismiss()
  }

  turn(by: 1 | -1): void {
    this.#suggester?.cycle(by)
  }

  trigger(): void {
    this.#suggester?.request()
  }

  toggle(): void {
    const { enabled } = writing.peek()
    changeWriting({ enabled: !enabled, pausedUntil: 0 })
    announcement.value = text.peek().suggest.switched(!enabled)
  }

  pause(): void {
    changeWriting({ pausedUntil: Date.now() + PAUSE_MS })
    announcement.value = text.peek().suggest.pausedSaid
  }

  /** On request only: a suggestion that reads itself out would talk over every pause. */
  read(): void {
    const { suggest } = text.peek()
    announcement.value = '' // the same words again are read again
    queueMicrotask(() => {
      announcement.value = this.ghost ? suggest.read(this.ghost.trim()) : suggest.nothingToRead
    })
  }

  /** Least confidence of what is shown, as it stands now. */
  get minConfidence(): number {
    return orDefault(writing.value.minConfidence)
  }

  get phrases(): ReturnType<PhraseMemory['list']> {
    void this.memoryChanges.value // read: the caller shows them again when they change
    return this.#memory.list()
  }

  forget(phrase: string | null): void {
    if (phrase === null) this.#memory.clear()
    else this.#memory.forget(phrase)
    this.#saveMemory()
    this.memoryChanges.value += 1
  }

  #saveMemory(): void {
    this.#learnt = false
    try {
      localStorage.setItem(MEMORY_KEY, JSON.stringify(this.#memory))
    } catch {
      // Storage is full or forbidden: the phrases hold for this page only.
    }
  }
}

function orDefault(minConfidence: number | null): number {
  return minConfidence ?? DEFAULT_SETTINGS.minConfidence
}

/** A model that goes on with a text. */
function suits(current: Engine | null): current is Engine {
  return current?.info.architecture === 'decoder'
}

function readMemory(): PhraseMemory {
  try {
    return PhraseMemory.from(JSON.parse(localStorage.getItem(MEMORY_KEY) ?? 'null'))
  } catch {
    return new PhraseMemory()
  }
}
