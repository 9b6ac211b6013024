/**
 * What an editor tells a `Suggester` and what it gets back. Text offsets are UTF-16 code units, times milliseconds.
 * Imports nothing but types.
 */
import type { SilenceReason } from '../engine/api.ts'
import type { PhraseMemory } from './autocomplete-memory.ts'

/** The document around the caret, told after every change of text, caret or state. */
export interface Situation {
  before: string
  after: string
  /** True while a selection is not empty. */
  hasSelection: boolean
  /** True while an input method is composing. */
  isComposing: boolean
}

/** What the editor shows as ghost text at the caret, to be put in as it is. */
export interface Suggestion {
  text: string
  confidence: number
  /** Which of the suggestions this is, and how many there are: Alt+] and Alt+[ go round. */
  index: number
  count: number
  /** True where it came without a run of the model: typed through, cached, prefetched, or from the phrase memory. */
  wasReady: boolean
}

export interface SuggesterSettings {
  enabled: boolean
  /** Least confidence of a shown suggestion, 0 to 1: the assertiveness slider's other end. */
  minConfidence: number
  /** 1 to 8, or up to the end of the sentence. */
  maxWords: number | 'sentence'
  /** Suggestions to look for beside the best, 0 to 4. */
  alternatives: number
  note: string
  /** Look ahead while a suggestion is shown: what comes if it is accepted. */
  prefetch: boolean
}

/** A suggestion to be shown, or null and why there is none; `pending` while the model still thinks. */
export interface Shown {
  suggestion: Suggestion | null
  silentBecause: SilenceReason | 'pending' | null
}

export interface SuggesterStats {
  shown: number
  accepted: number
  /** Accepted word by word, not to the end. */
  partlyAccepted: number
  /** Shown and then typed over with something else, or dismissed. */
  rejected: number
  /** Of accepted text that was not typed. */
  savedCharacters: number
  /** Requests told to stop because the text went on. */
  cancelled: number
  /** Answers that came for an older text and were dropped. */
  dropped: number
  typedThrough: number
  cacheHits: number
  prefetchHits: number
  suppressed: Partial<Record<SilenceReason, number>>
  /** From the last change of the text to the suggestion, of those that took the model: ascending. */
  latenciesMs: number[]
  /** Confidence of every shown suggestion, and whether the user took it: for the user's own calibration. */
  outcomes: { confidence: number; accepted: boolean }[]
}

/** Time, so that tests own it. */
export interface Clock {
  now(): number
  /** Calls `wake` once after so many milliseconds; the answer cancels. */
  after(ms: number, wake: () => void): () => void
}

export interface SuggesterOptions {
  settings?: Partial<SuggesterSettings>
  /** Called whenever what is to be shown changes, with what `shown` returns. */
  onChange: (shown: Shown) => void
  /** An error of the engine, an abort excepted. Nothing is shown then; the next change asks again. */
  onTrouble: (error: unknown) => void
  /** What the user often says: asked first, and taught by what is accepted. Null where the user did not ask for it. */
  memory?: PhraseMemory | null
  clock?: Clock
}
