/** The model's corrections and the rules' of one sentence as one list. Pure. */
import type { SentenceCorrection } from '../../engine/api.ts'
import type { SentenceFacts } from '../../engine/client.ts'
import type { Finding, RuleFinding } from './types.ts'

interface Edit {
  from: number
  to: number
  text: string
}

/** Without what both begin and end with: two say the same where these are equal. */
export function least(sentence: string, { from, to, text }: Edit): Edit {
  const before = sentence.slice(from, to)
  const most = Math.min(before.length, text.length)
  let head = 0
  while (head < most && before[head] === text[head]) head++
  let tail = 0
  while (tail < most - head && before.at(-1 - tail) === text.at(-1 - tail)) tail++
  return { from: from + head, to: to - tail, text: text.slice(head, text.length - tail) }
}

/** Corrections of the model that its guards let pass; how much it must gain is asked later. */
export function fromModel(corrections: readonly SentenceCorrection[]): Finding[] {
  return corrections
    .filter(({ guardedBecause }) => !guardedBecause || guardedBecause === 'low-confidence')
    .map(({ startIndex, endIndex, correction, types, explanation, confidence }) => ({
      ...{ from: startIndex, to: endIndex, replacements: [correction] },
      ...{ kind: types[0] ?? 'grammar', kinds: types, explanation, foundBy: 'model', rule: '', confidence },
    }))
}

/**
 * What the rules may say: not within links, code and quotations, and a name that they do not know is no mistake. Nor is a
 * capital letter too many: "DFAS" and a question's first word are what they would make small.
 */
export function allowed(sentence: string, found: readonly RuleFinding[], facts: SentenceFacts): RuleFinding[] {
  return found.filter(({ from, to, kind, replacements }) => {
    if (kind === 'capitalization' && capitalsIn(replacements[0] ?? '') < capitalsIn(sentence.slice(from, to)))
      return false
    if (facts.locked.some(lock => lock.from < to && from < lock.to)) return false
    const isFirst = !/[\p{L}\p{N}]/u.test(sentence.slice(0, from))
    return !(kind === 'spelling' && !isFirst && /^\p{Lu}/u.test(sentence.slice(from, to)))
  })
}

export interface Agreement {
  /** Of the model, said to be of both where a rule says the same. */
  model: Finding[]
  /** Of the rules alone. */
  rules: RuleFinding[]
}

export function agreement(sentence: string, model: readonly Finding[], rules: readonly RuleFinding[]): Agreement {
  const left = new Set(rules)
  const both = model.map(finding => {
    const mine = least(sentence, { ...finding, text: finding.replacements[0] ?? '' })
    const same = rules.find(({ from, to, replacements }) =>
      replacements.some(text => equal(mine, least(sentence, { from, to, text }))),
    )
    if (!same) return finding
    left.delete(same)
    const { rule, explanation } = same
    // What is in no dictionary is no form of a word, however alike the two are: “writting”, “writing”.
    const kind = same.kind === 'spelling' ? same.kind : finding.kind
    return { ...finding, foundBy: 'both' as const, kind, rule, explanation: explanation || finding.explanation }
  })
  return { model: both, rules: [...left] }
}

function equal(one: Edit, other: Edit): boolean {
  return one.from === other.from && one.to === other.to && one.text === other.text
}

export function fromRule(finding: RuleFinding, judged: { best: number; gain: number } | null): Finding {
  const { replacements } = finding
  const best = replacements[judged?.best ?? 0]
  const ordered = best === undefined ? replacements : [best, ...replacements.filter(text => text !== best)]
  return {
    ...finding,
    kinds: [finding.kind],
    replacements: ordered,
    foundBy: 'rules',
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
