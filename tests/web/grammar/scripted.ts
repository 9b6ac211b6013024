/** A corrector over a scripted model and scripted rules: who was asked what, and what was told. */
import type { Engine } from '../../../web/src/engine/api.ts'
import { type Checked, Corrector, type Run } from '../../../web/src/tasks/grammar/corrector.ts'
import { findingsOf } from '../../../web/src/tasks/grammar/harper.ts'
import type { RuleChecker, RuleFinding, Source } from '../../../web/src/tasks/grammar/types.ts'
import { fakeEngine, type Script } from '../engine/fake.ts'

/** What the model answers to a sentence, and what the rules would replace in it: [old, new, kind of Harper's]. */
export interface Known {
  answers?: Record<string, string>
  rules?: Record<string, readonly (readonly [string, string, string?])[]>
}

export interface Scene {
  corrector: Corrector
  engine: Engine
  /** Sentences that the model and the rules were asked about. */
  asked: string[]
  ruled: string[]
  troubles: string[]
  /** A whole run; what was told as "old → new (who)". */
  run: (text: string, options?: Partial<Run> & { source?: Source }) => Promise<Told>
}

export interface Told {
  known: Checked[]
  checked: Checked[]
  waiting: string[]
  names: string[]
  progress: string[]
}

export function scene({ answers = {}, rules = {} }: Known = {}, script: Script = {}): Scene {
  const [asked, ruled, troubles]: string[][] = [[], [], []]
  const engine = fakeEngine({
    answer: prompt => {
      if (asked?.at(-1) !== prompt) asked?.push(prompt)
      return (answers[prompt] ?? prompt).split(/(?= )/)
    },
    ...script,
  })
  const checker: RuleChecker = {
    check: async sentence => {
      ruled?.push(sentence)
      return ruleFindings(sentence, rules[sentence] ?? [])
    },
  }
  const corrector = new Corrector((who, error) => troubles?.push(`${who}: ${String(error)}`))
  Object.assign(corrector, { engine, rules: checker })
  return {
    ...{ corrector, engine, asked: asked ?? [], ruled: ruled ?? [], troubles: troubles ?? [] },
    run: (text, options = {}) => told(corrector, text, options),
  }
}

function ruleFindings(
  sentence: string,
  changes: readonly (readonly [string, string, string?])[],
): readonly RuleFinding[] {
  const lints = changes.map(([old, text, kind = 'Spelling']) => {
    const start = [...sentence.slice(0, sentence.indexOf(old))].length
    const end = start + [...old].length
    const suggestions = text.split('|').map(one => ({ kind: 'replace' as const, text: one }))
    return { rule: `Rule${kind}`, kind, message: 'Says why.', start, end, suggestions }
  })
  return findingsOf(sentence, lints)
}

async function told(corrector: Corrector, text: string, options: Partial<Run>): Promise<Told> {
  const seen: Told = { known: [], checked: [], waiting: [], names: [], progress: [] }
  await corrector.run(text, {
    source: 'both',
    signal: new AbortController().signal,
    view: () => ({ from: 0, to: text.length }),
    isOpen: () => false,
    turn: async () => {},
    onKnown: (known, waiting, { names }) => {
      seen.known.push(...known)
      seen.waiting.push(...waiting.map(({ start, end }) => text.slice(start, end)))
      seen.names.push(...names)
    },
    onChecked: one => seen.checked.push(one),
    onProgress: (done, total) => seen.progress.push(`${done}/${total}`),
    ...options,
  })
  return seen
}

export function said(checked: readonly Checked[]): string[] {
  return checked.flatMap(({ text, findings }) =>
    findings.map(({ from, to, replacements, foundBy }) => `${text.slice(from, to)} → ${replacements[0]} (${foundBy})`),
  )
}
