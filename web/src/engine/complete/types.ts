/**
 * What `engine.complete` takes and gives: a text goes on at a caret, joined exactly, or silence with its reason.
 * Probabilities and confidences are from 0 to 1, times milliseconds. Imports nothing.
 */

/**
 * Why no suggestion is shown. Those that the engine finds: `low-confidence`, `repeats-following` (what stands behind the
 * caret), `repeats-before` (the last words again, or its own), `only-punctuation`, `would-misspell` (a word that the model
 * itself finds odd), `wrong-language` (another script or language than the text), `inside-word` (letters on both sides of the
 * caret), `in-number`, `in-address` (URL, e-mail address, path), `in-code`, `nothing-to-go-on` (no text before the
 * caret), `empty` (the model ends the line or the text here). Those that a `Suggester` adds from what the editor says:
 * `selection`, `composing` (an input method is open), `switched-off`, `dismissed`.
 */
export type SilenceReason =
  | 'low-confidence'
  | 'repeats-following'
  | 'repeats-before'
  | 'only-punctuation'
  | 'would-misspell'
  | 'wrong-language'
  | 'inside-word'
  | 'in-number'
  | 'in-address'
  | 'in-code'
  | 'nothing-to-go-on'
  | 'empty'
  | 'selection'
  | 'composing'
  | 'switched-off'
  | 'dismissed'

export interface CompleteRequest {
  /** The text in front of the caret, as much of it as there is: the engine takes what its context has room for. */
  before: string
  /** The text behind the caret. It is not repeated, and models with fill-in-the-middle tokens read it. */
  after?: string
  /** At most so many words, 1 to 8, or up to the end of the sentence. Default 3. */
  maxWords?: number | 'sentence'
  /**
   * The suggestion is the longest run of words that is at least so likely as a whole; where not even its first word
   * is, the answer is silence. From 0 to 1, default 0.6.
   */
  minConfidence?: number
  /** How many other suggestions to look for, 0 to 4. Default 0: each costs model runs of its own. */
  alternatives?: number
  /** What kind of text this is, in the user's words: "formal e-mails to customers". Read in front of the text. */
  note?: string
  /** How much of `before` the model reads at most, in UTF-16 code units; the cut moves in large steps. Default 3000. */
  contextLength?: number
  /** `background` work (a guess at what comes after an accepted suggestion) waits for everything else. Default `interactive`. */
  priority?: 'interactive' | 'background'
  /** Checked between two runs of the model; an abort rejects with an `AbortError`. */
  signal?: AbortSignal
}

/** A piece of the suggestion as the model made it. */
export interface CompletionToken {
  text: string
  probability: number
}

export interface CompletionAlternative {
  text: string
  confidence: number
}

export interface CompleteStats {
  /** Tokens of the context and of what is being typed. */
  promptTokens: number
  /** Of these, not computed again. */
  cachedTokens: number
  /** Tokens that the model ran to make the suggestion. */
  outputTokens: number
  /** Runs of the model in all. */
  runs: number
  /** From the start of the job, waiting not included, until the first words were known, and in all. */
  prefillMs: number
  totalMs: number
}

export interface CompleteResult {
  /** To be put in at the caret as it is: spaces in front and behind are part of it. '' where silence is better. */
  text: string
  /** How likely all of `text` is right, as measured for this model; of `withheld` where there is silence. */
  confidence: number
  /** The model's own probability of the same, before calibration. */
  probability: number
  /** Of `text`, or of `withheld`. */
  tokens: CompletionToken[]
  /** Best first, none of them equal to `text`. */
  alternatives: CompletionAlternative[]
  /** Letters of the word that is being typed, 0 at a word's border. */
  lettersTyped: number
  /** There exactly where `text` is ''. */
  silentBecause?: SilenceReason
  /** What would have been suggested, for whoever asks why nothing was; '' where there was nothing. */
  withheld: string
  stats: CompleteStats
}
