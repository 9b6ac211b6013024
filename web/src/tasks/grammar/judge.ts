/**
 * The model as judge of the rules: how much likelier it finds the sentence with a rule's correction than as it stands.
 * Measured with an untrained model of this size, that halves the rules' false alarms; capital letters it is blind to.
 */
import type { Engine } from '../../engine/api.ts'
import { fromRule } from './merge.ts'
import type { Finding, RuleFinding } from './types.ts'

const MOST_CANDIDATES = 12
/** Suggestions for a misspelled word that are compared; of other findings the first stands. */
const SPELLINGS = 3

interface Judgement {
  best: number
  gain: number
}

/** Without an engine nothing is judged. @throws EngineError; an AbortError */
export async function judged(
  engine: Engine | null,
  { visible, findings }: { visible: string; findings: readonly RuleFinding[] },
  signal: AbortSignal,
): Promise<Finding[]> {
  const candidates = findings.flatMap((finding, at) =>
    finding.kind === 'capitalization'
      ? []
      : finding.replacements
          .slice(0, finding.kind === 'spelling' ? SPELLINGS : 1)
          .map((text, index) => ({ at, index, sentence: applied(visible, finding, text) })),
  )
  const asked = candidates.slice(0, MOST_CANDIDATES).filter(({ sentence }) => sentence !== '')
  if (!engine || asked.length === 0) return findings.map(finding => fromRule(finding, null))
  const copy = plain(visible)
  const [before = 0, ...after] = await engine.score({
    prompt: { task: 'grammar', text: copy },
    continuations: [copy, ...asked.map(({ sentence }) => sentence)],
    priority: 'background',
    signal,
  })
  const best = new Map<number, Judgement>()
  for (const [place, { at, index }] of asked.entries()) {
    const gain = (after[place] ?? Number.NEGATIVE_INFINITY) - before
    if (gain > (best.get(at)?.gain ?? Number.NEGATIVE_INFINITY)) best.set(at, { best: index, gain })
  }
  return findings.map((finding, at) => fromRule(finding, best.get(at) ?? null))
}

function applied(sentence: string, { from, to }: RuleFinding, text: string): string {
  return plain(`${sentence.slice(0, from)}${text}${sentence.slice(to)}`)
}

/** As the model is shown sentences: single spaces. */
function plain(sentence: string): string {
  return sentence.replace(/\s+/gu, ' ').trim()
}
