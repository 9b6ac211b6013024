/** How the user wants corrections, and what they taught them: dictionary, what they dismissed, what they never want. In localStorage. */
import { effect, signal } from '@preact/signals'
import { siteName } from '../../engine/names.ts'
import type { Dialect } from '../../tasks/grammar/harper.ts'
import { type Dismissal, dismissalKey } from '../../tasks/grammar/shown.ts'
import type { Source } from '../../tasks/grammar/types.ts'
import { chosen, sharedArea } from '../shared.ts'

export const SOURCES: readonly Source[] = ['model', 'both', 'rules']
export const DIALECTS: readonly Dialect[] = ['American', 'British', 'Australian', 'Canadian', 'Indian']

export interface GrammarSettings {
  enabled: boolean
  source: Source
  /** Least confidence of the model's corrections, in nats; null leaves it to what the model's bundle says. */
  threshold: number | null
  /** Of the rules' spelling. */
  dialect: Dialect
  /** Words that are never changed, as the user wrote them. */
  dictionary: readonly string[]
  /** Kinds and rules that are never shown, as `kindKey` writes them. */
  never: readonly string[]
  dismissed: readonly Dismissal[]
}

export const GRAMMAR_DEFAULTS: Readonly<GrammarSettings> = {
  ...{ enabled: true, source: 'both', threshold: null, dialect: usualDialect() },
  ...{ dictionary: [], never: [], dismissed: [] },
}

const KEY = siteName('slm-playground.grammar')
/** The oldest go first. */
const MOST_DISMISSED = 1000
const MOST_WORDS = 5000

export const grammar = signal<GrammarSettings>(read())

export function changeGrammar(part: Partial<GrammarSettings>): void {
  grammar.value = { ...grammar.value, ...part }
}

/** Saves every change. */
export function keepGrammarSettings(): () => void {
  return effect(() => {
    try {
      localStorage.setItem(KEY, JSON.stringify(grammar.value))
    } catch {
      // Storage is full or forbidden: the settings hold for this page only.
    }
  })
}

/** @returns false where it was there already */
export function addWord(word: string): boolean {
  const { dictionary } = grammar.peek()
  if (!word || dictionary.some(known => known.toLowerCase() === word.toLowerCase())) return false
  changeGrammar({ dictionary: [...dictionary, word].slice(-MOST_WORDS) })
  return true
}

export function removeWord(word: string): void {
  changeGrammar({ dictionary: grammar.peek().dictionary.filter(known => known !== word) })
}

export function dismiss(dismissal: Dismissal): void {
  const key = dismissalKey(dismissal)
  const others = grammar.peek().dismissed.filter(other => dismissalKey(other) !== key)
  changeGrammar({ dismissed: [...others, dismissal].slice(-MOST_DISMISSED) })
}

export function undismiss(dismissal: Dismissal): void {
  const key = dismissalKey(dismissal)
  changeGrammar({ dismissed: grammar.peek().dismissed.filter(other => dismissalKey(other) !== key) })
}

export function neverAgain(kind: string): void {
  changeGrammar({ never: [...new Set([...grammar.peek().never, kind])] })
}

export function again(kind: string): void {
  changeGrammar({ never: grammar.peek().never.filter(other => other !== kind) })
}

/** What was taught, for a file. */
export function taughtAsJson(): string {
  const { dictionary, never, dismissed } = grammar.peek()
  return `${JSON.stringify({ dictionary, never, dismissed }, null, 2)}\n`
}

/** What other shells share: what was taught word by word, so that two shells' words come together. */
export const sharedGrammar = sharedArea({
  name: 'grammar',
  key: KEY,
  read: () => {
    const { dictionary, never, dismissed, ...choices } = grammar.value
    return {
      ...chosen(choices, GRAMMAR_DEFAULTS, Object.keys(choices)),
      ...Object.fromEntries(dictionary.map(word => [`word:${word}`, true])),
      ...Object.fromEntries(never.map(kind => [`never:${kind}`, true])),
      ...Object.fromEntries(dismissed.map(entry => [`dismissed:${dismissalKey(entry)}`, entry])),
    }
  },
  write: values => {
    const named = (prefix: string) =>
      Object.keys(values).flatMap(name => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []))
    const dismissed = Object.entries(values).flatMap(([name, entry]) => (name.startsWith('dismissed:') ? [entry] : []))
    grammar.value = grammarFrom({ ...values, dictionary: named('word:'), never: named('never:'), dismissed })
  },
  reload: () => {
    grammar.value = read()
  },
})

function read(): GrammarSettings {
  try {
    return grammarFrom(JSON.parse(localStorage.getItem(KEY) ?? '{}'))
  } catch {
    return { ...GRAMMAR_DEFAULTS }
  }
}

/** Stored values of the right type over the defaults: an older or damaged entry must not break the page. */
function grammarFrom(value: unknown): GrammarSettings {
  const known: GrammarSettings = { ...GRAMMAR_DEFAULTS }
  const stored: Record<string, unknown> = Object(value)
  const { enabled, source, threshold, dialect, dictionary, never, dismissed } = stored
  if (typeof enabled === 'boolean') known.enabled = enabled
  known.source = SOURCES.find(one => one === source) ?? known.source
  if (typeof threshold === 'number' && Number.isFinite(threshold)) known.threshold = threshold
  known.dialect = DIALECTS.find(one => one === dialect) ?? known.dialect
  if (Array.isArray(dictionary)) known.dictionary = dictionary.filter(isText)
  if (Array.isArray(never)) known.never = never.filter(isText)
  if (Array.isArray(dismissed)) known.dismissed = dismissed.filter(isDismissal)
  return known
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isDismissal(value: unknown): value is Dismissal {
  const parts: Record<string, unknown> = Object(value)
  return ['before', 'original', 'replacement', 'after'].every(name => isText(parts[name]))
}

function usualDialect(): Dialect {
  const regions: Readonly<Record<string, Dialect>> = {
    ...{ GB: 'British', IE: 'British', NZ: 'Australian', AU: 'Australian' },
    ...{ CA: 'Canadian', IN: 'Indian', ZA: 'British' },
  }
  const english = navigator.languages?.find(tag => /^en-/i.test(tag))
  return regions[english?.slice(3).toUpperCase() ?? ''] ?? 'American'
}
