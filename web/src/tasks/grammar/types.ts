/** What the correction of a text finds, whoever finds it. Places are UTF-16 code units, half-open. */
import type { CorrectionReason, CorrectionType, ReasonCode } from '../../engine/api.ts'

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

/** What a correction says of itself, for pages in any language; a rule says more in its `explanation`. */
export interface Reason extends Omit<CorrectionReason, 'code'> {
  code: ReasonCode | 'not-in-dictionary'
}

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
  /** The same in a form that every language has words for; null where only spaces change. */
  reason: Reason | null
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
  reason: Reason | null
  rule: string
}

/** Rules that look at one sentence at a time. Rejects where they cannot be had. */
export interface RuleChecker {
  check(sentence: string): Promise<readonly RuleFinding[]>
}
