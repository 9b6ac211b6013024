/** What the page and the worker with Harper's rules say to each other. */

/** English as it is written where. */
export type Dialect = 'American' | 'British' | 'Australian' | 'Canadian' | 'Indian'

export interface ToHarper {
  id: number
  sentence: string
  dialect: Dialect
}

/** One of Harper's lints; places are UTF-16 code units of the sentence, half-open (harper.js has counted so already). */
export interface Lint {
  rule: string
  /** Harper's `LintKind`. */
  kind: string
  message: string
  start: number
  end: number
  suggestions: readonly { kind: 'replace' | 'remove' | 'insert-after'; text: string }[]
}

export type FromHarper = { id: number; lints: Lint[] } | { id: number; failed: string }

/** Of findings that lie over each other Harper gives one: that a sentence is long would hide every mistake in it. */
export const RULES_OFF = { LongSentences: false }
