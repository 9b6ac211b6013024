/**
 * What `engine.proofread` takes and gives. The result has the shape of the Proofreader API (webmachinelearning/proofreader-api):
 * offsets are UTF-16 code units of the text, half-open. Imports types alone.
 */
import type { Stats } from '../api.ts'
import type { Priority } from '../chat-types.ts'

export type CorrectionType = 'spelling' | 'punctuation' | 'capitalization' | 'preposition' | 'missing-words' | 'grammar'

export interface ProofreadCorrection {
  startIndex: number
  endIndex: number
  /** What stands in the place of [startIndex, endIndex): '' where that goes, behind an empty range where words are missing. */
  correction: string
  types: CorrectionType[]
  /** A short sentence in English. */
  explanation: string
}

/** `corrections` ascend and do not overlap; all of them applied to the text give `correctedInput`. */
export interface ProofreadResult {
  correctedInput: string
  corrections: ProofreadCorrection[]
}

/**
 * Why a sentence was not asked about (`no-words`, `not-english`, `too-long`), why its whole answer was dropped (`cut-off`,
 * `answers-text`, `length`, `rewrites`), or why one correction was: it changes a number, a name, a link, code, a quotation
 * or a word to be kept, or the model gives it too little (`low-confidence`).
 */
export type GuardReason =
  | 'no-words'
  | 'not-english'
  | 'too-long'
  | 'cut-off'
  | 'answers-text'
  | 'length'
  | 'rewrites'
  | 'number'
  | 'name'
  | 'link'
  | 'code'
  | 'quote'
  | 'kept-word'
  | 'low-confidence'

/** Why something is corrected. Of every code the English sentence is the `explanation`. */
export type ReasonCode =
  | 'apostrophe'
  | 'article-missing'
  | 'capital-letters'
  | 'fits-better'
  | 'instead'
  | 'missing'
  | 'misspelling'
  | 'mixed-up'
  | 'not-needed'
  | 'one-word'
  | 'other-form'
  | 'preposition'
  | 'punctuation'
  | 'repeated'
  | 'separate-words'
  | 'word-order'
  | 'written-so'

/** The explanation for pages in other languages: its code, and the words that it names, '' where there are none. */
export interface CorrectionReason {
  code: ReasonCode
  original: string
  replacement: string
}

export interface SentenceCorrection extends ProofreadCorrection {
  reason: CorrectionReason
  /** Log-probability gain in nats: of the answer with this edit over the sentence without it. */
  confidence: number
  /** Set where it is not among the result's corrections. */
  guardedBecause?: GuardReason
}

/** One sentence, as soon as it is known; sentences without words in them are not told of. */
export interface ProofreadSentence {
  startIndex: number
  endIndex: number
  text: string
  /** False for the last sentence of a text where nothing says yet that it has ended. */
  complete: boolean
  /** Every edit of the model, those that were dropped too. */
  corrections: SentenceCorrection[]
  /** Why the whole sentence has none. */
  guardedBecause?: GuardReason
  /** Whether the model had answered this sentence before. */
  cached: boolean
  /** Of the model's answer, guessed tokens among it; null where it was not asked now. */
  stats: Stats | null
}

export interface ProofreadOptions {
  signal?: AbortSignal
  /** Nats of gain from which on a correction counts, beside the margins of its kind; without it what the bundle says. */
  threshold?: number
  /** Words never to be changed: a personal dictionary. */
  keep?: readonly string[]
  /** Sentences from this offset on come first, those before it afterwards: what the reader sees. */
  startAt?: number
  /** `background` without it: an answer that is waited for goes first. */
  priority?: Priority
  /** Called for each sentence when it is known. */
  onSentence?: (sentence: ProofreadSentence) => void
}
