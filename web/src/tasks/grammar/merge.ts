/** The model's corrections and the rules' as findings. Pure. */
import type { SentenceCorrection } from '../../engine/api.ts'
import type { SentenceFacts } from '../../engine/client.ts'
import type { Finding, RuleFinding } from './types.ts'

/** Corrections of the model that its guards let pass; how much it must gain is asked later. */
export function fromModel(corrections: readonly SentenceCorrection[]): Finding[] {
  return corrections
    .filter(({ guardedBecause }) => !guardedBecause || guardedBecause === 'low-confidence')
    .map(({ startIndex, endIndex, correction, types, explanation, reason, confidence }) => ({
      ...{ from: startIndex, to: endIndex, replacements: [correction] },
      ...{ kind: types[0] ?? 'grammar', kinds: types, explanation, reason },
      ...{ foundBy: 'model', rule: '', confidence },
    }))
}

/**
 * What the rules may say: not within links, code and quotations, and a name that they do not know is no mistake, nor is a word
 * with accents ("purée"). Nor is a capital letter too many: "DFAS" and a question's first word are what they would make small. Items of lists
 * may begin with a small letter.
 */
export function allowed(sentence: string, found: readonly RuleFinding[], facts: SentenceFacts): RuleFinding[] {
  return found.filter(({ from, to, kind, replacements }) => {
    if (kind === 'capitalization' && /\S\.$/.test(sentence.slice(0, from))) return false // “docs.rs”, “main.py”
    const isFirst = !/[\p{L}\p{N}]/u.test(sentence.slice(0, from))
    if (kind === 'capitalization' && isFirst && facts.opensItem && !/^I(?!\p{L})/u.test(replacements[0] ?? ''))
      return false
    if (kind === 'capitalization' && capitalsIn(replacements[0] ?? '') < capitalsIn(sentence.slice(from, to)))
      return false
    if (facts.locked.some(lock => lock.from < to && from < lock.to)) return false
    if (kind !== 'spelling') return true
    const word = sentence.slice(from, to)
    return !/\p{M}/u.test(word.normalize('NFD')) && (isFirst || !/^\p{Lu}/u.test(word))
  })
}

/** Judged: of both where the model, too, finds it likelier than the sentence as it was. */
export function fromRule(finding: RuleFinding, judged: { best: number; gain: number } | null): Finding {
  const { replacements } = finding
  const best = replacements[judged?.best ?? 0]
  const ordered = best === undefined ? replacements : [best, ...replacements.filter(text => text !== best)]
  return {
    ...finding,
    kinds: [finding.kind],
    replacements: ordered,
    foundBy: judged && judged.gain >= 0 ? 'both' : 'rules',
    confidence: judged?.gain ?? null,
  }
}

/**
 * A correction of the masked sentence as one of the sentence itself: signs of Markdown at its ends stay, one that lies
 * over signs in its middle is null. Deletions shrink to what they delete.
 */
export function fitted(raw: string, visible: string, finding: Finding): Finding | null {
  let { from, to } = finding
  const isMasked = (at: number) => raw[at] !== visible[at]
  if (finding.replacements.every(text => text === '')) {
    while (from < to && isMasked(from)) from++
    while (to > from && isMasked(to - 1)) to--
  }
  for (let at = from; at < to; at++) if (isMasked(at)) return null
  return { ...finding, from, to }
}

function capitalsIn(text: string): number {
  return text.match(/\p{Lu}/gu)?.length ?? 0
}
