/** Why something is corrected, in English: a sentence for each code. Pages in other languages have their own. */
import type { CorrectionReason, ReasonCode } from './types.ts'

const SENTENCES: Readonly<Record<ReasonCode, (old: string, fresh: string) => string>> = {
  apostrophe: (_, fresh) => `Apostrophe: “${fresh}”.`,
  'article-missing': (_, fresh) => `The article “${fresh}” is missing.`,
  'capital-letters': (_, fresh) => `Capital letters: “${fresh}”.`,
  'fits-better': (old, fresh) => `“${fresh}” fits better than “${old}”.`,
  instead: (old, fresh) => `“${fresh}” instead of “${old}”.`,
  missing: (_, fresh) => `“${fresh}” is missing.`,
  misspelling: (old, fresh) => `“${old}” may be a misspelling of “${fresh}”.`,
  'mixed-up': (old, fresh) => `“${old}” and “${fresh}” are easily mixed up.`,
  'not-needed': old => `“${old}” is not needed.`,
  'one-word': (_, fresh) => `“${fresh}” is written as one word.`,
  'other-form': (_, fresh) => `Another form of the word: “${fresh}”.`,
  preposition: (old, fresh) => `“${fresh}” is the preposition that belongs here, not “${old}”.`,
  punctuation: (_, fresh) => `Punctuation: “${fresh}”.`,
  repeated: old => `“${old}” is repeated.`,
  'separate-words': (_, fresh) => `“${fresh}” is written as separate words.`,
  'word-order': (_, fresh) => `Order of the words: “${fresh}”.`,
  'written-so': (_, fresh) => `“${fresh}” is how this is written.`,
}

export function explained({ code, original, replacement }: CorrectionReason): string {
  return SENTENCES[code](original, replacement)
}
