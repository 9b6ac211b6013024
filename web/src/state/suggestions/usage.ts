/**
 * What suggestions have come to for this user: the `Suggester`'s figures, summed over visits, kept in localStorage and
 * nowhere else. Times are milliseconds.
 */

import { siteName } from '../../engine/names.ts'
import type { SuggesterStats } from '../../tasks/autocomplete.ts'

export interface Usage extends SuggesterStats {
  /** ISO 8601. */
  since: string
}

const KEY = siteName('slm-playground.suggestions')
const MOST_KEPT = 2000
/** With fewer outcomes a share says nothing. */
export const ENOUGH_OUTCOMES = 20

const COUNTS = [
  ...['shown', 'accepted', 'partlyAccepted', 'rejected', 'savedCharacters', 'cancelled', 'dropped'],
  ...['typedThrough', 'cacheHits', 'prefetchHits'],
] as const satisfies readonly string[] as readonly CountName[]
type CountName = { [K in keyof SuggesterStats]: SuggesterStats[K] extends number ? K : never }[keyof SuggesterStats]

export function emptyUsage(now = new Date()): Usage {
  return {
    ...{ shown: 0, accepted: 0, partlyAccepted: 0, rejected: 0, savedCharacters: 0, cancelled: 0, dropped: 0 },
    ...{ typedThrough: 0, cacheHits: 0, prefetchHits: 0, suppressed: {}, latenciesMs: [], outcomes: [] },
    since: now.toISOString(),
  }
}

/** Earlier visits and this one. */
export function added(base: Usage, session: SuggesterStats): Usage {
  const sum: Usage = { ...base, suppressed: { ...base.suppressed } }
  for (const name of COUNTS) sum[name] = base[name] + session[name]
  for (const [name, count] of Object.entries(session.suppressed)) {
    const reason = name as keyof Usage['suppressed'] // the keys of a record of reasons
    sum.suppressed[reason] = (sum.suppressed[reason] ?? 0) + count
  }
  sum.latenciesMs = thinned([...base.latenciesMs, ...session.latenciesMs].sort((a, b) => a - b))
  sum.outcomes = [...base.outcomes, ...session.outcomes].slice(-MOST_KEPT)
  return sum
}

/** Evenly from an ascending list, so that its percentiles stay. */
function thinned(ascending: number[]): number[] {
  const step = ascending.length / MOST_KEPT
  return step <= 1 ? ascending : Array.from({ length: MOST_KEPT }, (_, at) => ascending[Math.floor(at * step)] ?? 0)
}

/** @param share 0.5 for the median; null where there is nothing */
export function percentile(ascending: readonly number[], share: number): number | null {
  return ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))] ?? null
}

/** Of the suggestions at least so confident: how many there were, and how many the user took. */
export function ownPrecision(outcomes: Usage['outcomes'], minConfidence: number): { shown: number; accepted: number } {
  const shown = outcomes.filter(({ confidence }) => confidence >= minConfidence)
  return { shown: shown.length, accepted: shown.filter(({ accepted }) => accepted).length }
}

/** For a file: figures only, no text that was written. */
export function usageJson(usage: Usage, model: string | null): string {
  const { latenciesMs, outcomes, suppressed, since } = usage
  const figures = {
    ...{ format: 1, since, saved_at: new Date().toISOString(), model },
    ...{
      shown: usage.shown,
      accepted: usage.accepted,
      partly_accepted: usage.partlyAccepted,
      rejected: usage.rejected,
    },
    ...{ saved_characters: usage.savedCharacters, typed_through: usage.typedThrough },
    ...{ cancelled: usage.cancelled, dropped: usage.dropped },
    ...{ cache_hits: usage.cacheHits, prefetch_hits: usage.prefetchHits, suppressed },
    latency_ms: { count: latenciesMs.length, p50: percentile(latenciesMs, 0.5), p90: percentile(latenciesMs, 0.9) },
    outcomes,
  }
  return `${JSON.stringify(figures, null, 2)}\n`
}

export function saveUsage(usage: Usage): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(usage))
  } catch {
    // Storage is full or forbidden: the figures hold for this page only.
  }
}

/** A damaged entry is as good as none. */
export function readUsage(): Usage {
  const fresh = emptyUsage()
  try {
    const stored: Partial<Usage> = Object(JSON.parse(localStorage.getItem(KEY) ?? '{}'))
    const counts = COUNTS.every(name => typeof stored[name] === 'number')
    const lists = Array.isArray(stored.latenciesMs) && Array.isArray(stored.outcomes)
    return counts && lists && typeof stored.since === 'string' ? { ...fresh, ...stored } : fresh
  } catch {
    return fresh
  }
}
