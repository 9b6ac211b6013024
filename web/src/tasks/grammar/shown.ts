/** Which findings of a sentence are shown: sure enough, not dismissed, no names, none over another. Pure. */
import { RULES_GAIN } from './repair.ts'
import type { Finding, Source } from './types.ts'

export interface Wishes {
  source: Source
  /** Nats from which on the model's own corrections are shown. */
  threshold: number
  /** What some kinds of them need beyond it. */
  margins: Readonly<Record<string, number>>
  /** Lower-cased words that are not to be changed: names of this text, the user's dictionary. */
  keep: ReadonlySet<string>
  /** Kinds and rules that are never shown, as `kindKey` writes them. */
  never: ReadonlySet<string>
  /** As `dismissalKey` writes them. */
  dismissed: ReadonlySet<string>
}

/** What is dismissed: this correction of these words between these neighbours, wherever they stand. */
export interface Dismissal {
  before: string
  original: string
  replacement: string
  after: string
}

/** At one place the model's goes first: it has seen what the rules would write there. */
const RANK: Readonly<Record<Source, number>> = { model: 0, both: 1, rules: 2 }

export function shownOf(sentence: string, findings: readonly Finding[], wishes: Wishes): Finding[] {
  const fit = findings.filter(
    finding =>
      isAsked(finding, wishes.source) &&
      isSure(finding, wishes) &&
      !isVariant(sentence.slice(finding.from, finding.to), finding.replacements[0] ?? '') &&
      !kindKeys(finding).some(key => wishes.never.has(key)) &&
      !wishes.dismissed.has(dismissalKey(dismissalOf(sentence, finding))) &&
      !changesKept(sentence, finding, wishes.keep),
  )
  fit.sort((one, other) => RANK[one.foundBy] - RANK[other.foundBy] || one.from - other.from)
  const shown: Finding[] = []
  for (const finding of fit) {
    if (!shown.some(other => overlap(finding, other))) shown.push(finding)
  }
  return shown.sort((one, other) => one.from - other.from || one.to - other.to)
}

function isAsked({ foundBy }: Finding, source: Source): boolean {
  return source === 'both' || foundBy === 'both' || foundBy === source
}

/** Only accents differ, or “ok” is written otherwise: taste, no mistake. */
function isVariant(before: string, after: string): boolean {
  const [one, other] = [before, after].map(text => text.normalize('NFD').replace(/\p{M}/gu, ''))
  return before !== after && (one === other || [before, after].every(word => OKAY.test(word)))
}

const OKAY = /^o(?:k|\.k\.|kay)$/i

/** What a rule says, too, needs less of the model; what no model was asked about counts as it is. */
function isSure({ foundBy, confidence, kinds }: Finding, { threshold, margins }: Wishes): boolean {
  if (confidence === null) return true
  if (foundBy !== 'model') return confidence >= Math.min(RULES_GAIN, threshold)
  return confidence >= threshold + Math.max(...kinds.map(kind => margins[kind] ?? 0), 0)
}

function overlap(one: Finding, other: Finding): boolean {
  if (one.from === other.from && one.to === other.to) return true
  return one.from < other.to && other.from < one.to
}

/** What "never this kind" means for a finding: its rule, and without one its kind. */
export function kindKey({ rule, kind, foundBy }: Pick<Finding, 'rule' | 'kind' | 'foundBy'>): string {
  return foundBy === 'rules' ? `rule:${rule}` : `kind:${kind}`
}

function kindKeys(finding: Finding): string[] {
  return [kindKey(finding), `kind:${finding.kind}`]
}

export function dismissalOf(sentence: string, finding: Finding): Dismissal {
  const { from, to, replacements } = finding
  return {
    before: /\S*\s*$/u.exec(sentence.slice(0, from))?.[0].trim() ?? '',
    original: sentence.slice(from, to),
    replacement: replacements[0] ?? '',
    after: /^\s*\S*/u.exec(sentence.slice(to))?.[0].trim() ?? '',
  }
}

export function dismissalKey({ before, original, replacement, after }: Dismissal): string {
  return [before, original, replacement, after].join('\u0001')
}

const WORD = /[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}'’-]*[\p{L}\p{M}\p{N}])?/gu

function wordsIn(text: string): string[] {
  return (text.match(WORD) ?? []).map(word => word.toLowerCase())
}

/** Whether a word goes that must stay. Other signs around it, or other case, leave it. */
function changesKept(sentence: string, finding: Finding, keep: ReadonlySet<string>): boolean {
  const { from, to } = finding
  const isLetter = (at: number) => /[\p{L}\p{M}\p{N}'’-]/u.test(sentence[at] ?? '')
  let [start, end] = [from, to]
  if (from < to) {
    while (start > 0 && isLetter(start - 1) && isLetter(start)) start--
    while (end < sentence.length && isLetter(end) && isLetter(end - 1)) end++
  }
  const after = `${sentence.slice(start, from)}${finding.replacements[0] ?? ''}${sentence.slice(to, end)}`
  const stays = new Set(wordsIn(after))
  return wordsIn(sentence.slice(start, end)).some(word => !stays.has(word) && isKept(word, keep))
}

function isKept(word: string, keep: ReadonlySet<string>): boolean {
  return keep.has(word) || keep.has(word.replace(/['’]s$/, ''))
}
