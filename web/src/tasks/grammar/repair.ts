/**
 * The model reads a sentence as the rules have repaired it: among words that are spelled it finds more of the rest. What it
 * then finds is traced back to the sentence as it was written. Pure.
 */
import { whyChanged } from '../../engine/client.ts'
import type { Finding } from './types.ts'

/**
 * What a rule finds may be this much less likely to the model than the sentence as it was (nats). Measured on JFLEG's
 * development set and 400 correct sentences: down to here more is repaired, and no further correct sentence changed.
 */
export const RULES_GAIN = -4

/** [from, to) of the sentence gives way to `text`. */
export interface Repair {
  from: number
  to: number
  text: string
  kind: Finding['kind']
}

/** What the rules are sure enough of, from left to right, the first of those that overlap. */
export function repairsOf(findings: readonly Finding[]): Repair[] {
  const sure = findings.filter(({ confidence }) => confidence === null || confidence >= RULES_GAIN)
  const repairs: Repair[] = []
  for (const { from, to, replacements, kind } of sure.sort((a, b) => a.from - b.from || a.to - b.to)) {
    const last = repairs.at(-1)
    const isOver = last && (from < last.to || from === last.from)
    if (!isOver) repairs.push({ from, to, text: replacements[0] ?? '', kind })
  }
  return repairs
}

export function repaired(sentence: string, repairs: readonly Repair[]): string {
  return repairs.reduceRight((whole, { from, to, text }) => whole.slice(0, from) + text + whole.slice(to), sentence)
}

/**
 * A finding of the repaired sentence as one of the sentence itself. One that lies over repairs takes them in, whole; null
 * where it only takes them back.
 */
export function traced(sentence: string, repairs: readonly Repair[], finding: Finding): Finding | null {
  const whole = repaired(sentence, repairs)
  let [from, to, shift, taken] = [finding.from, finding.to, 0, 0]
  let [isOver, isSpelling] = [false, false]
  let moved = 0
  for (const repair of repairs) {
    const [start, end] = [repair.from + moved, repair.from + moved + repair.text.length]
    const longer = repair.text.length - (repair.to - repair.from)
    moved += longer
    if (finding.from < end && finding.to > start) {
      from = Math.min(from, start)
      to = Math.max(to, end)
      taken += longer
      isOver = true
      isSpelling ||= repair.kind === 'spelling'
    } else if (end <= finding.from) shift += longer
  }
  const replacements = finding.replacements.map(
    text => whole.slice(from, finding.from) + text + whole.slice(finding.to, to),
  )
  const place = { from: from - shift, to: to - shift - taken }
  if (replacements[0] === sentence.slice(place.from, place.to)) return null
  // What is in no dictionary is no form of a word, however alike the two are: “writting”, “written”.
  const kind = isSpelling ? 'spelling' : finding.kind
  // The reason names words: those of the sentence as it was written, not what the rules made of them.
  const why = isOver ? whyChanged(sentence, place, replacements[0] ?? '') : null
  return { ...finding, ...place, replacements, kind, ...why }
}
