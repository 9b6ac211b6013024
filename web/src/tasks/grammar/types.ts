/** What the correction of a text finds, whoever finds it. Places are UTF-16 code units, half-open. */
import type { CorrectionType } from '../../engine/api.ts'

/** Who is asked. */
export type Source = 'model' | 'both' | 'rules'

/** The kinds of corrections in the order in which people are shown them. */
export const KINDS: readonly CorrectionType[] = [
  'spelling',
  'grammar',
  'punctuation',
  'capitalization',
  'preposition',
  'missing-words',
]

/** One correction, placed in its sentence. */
export interface Finding {
  from: number
  to: number
  /** What may stand there instead, best first; '' where it goes. At least one. */
  replacements: readonly string[]
  kind: CorrectionType
  /** All kinds that it is of, `kind` first. */
  kinds: readonly CorrectionType[]
  /** A short sentence in English. */
  explanation: string
  foundBy: Source
  /** Name of the rule that found it, '' where none did. */
  rule: string
  /** Nats that the model gives it over the sentence as it was; null where no model was asked. */
  confidence: number | null
}

/** What the rules say of a sentence. */
export interface RuleFinding {
  from: number
  to: number
  replacements: readonly string[]
  kind: CorrectionType
  explanation: string
  rule: string
}

/** Rules that look at one sentence at a time. Rejects where they cannot be had. */
export interface RuleChecker {
  check(sentence: string): Promise<readonly RuleFinding[]>
}
