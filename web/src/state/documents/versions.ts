/** When a document's text is worth a version of its own, and which old versions may go. Pure; times are milliseconds. */

/**
 * `opened`: as it was when a session began. `interval`: ten minutes of work. `cut`: just before much was removed.
 * `restored`: just before an older one came back. `file`: as written to a file. `other-tab`: what another tab had saved.
 */
export type VersionReason = 'manual' | 'opened' | 'interval' | 'cut' | 'restored' | 'file' | 'other-tab'

export interface VersionMark {
  id: number
  at: number
  reason: VersionReason
  characters: number
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const INTERVAL_MS = 10 * MINUTE
/** Removing so much at once is a moment that people want to go back to. */
const CUT_CHARACTERS = 400
const CUT_SHARE = 0.4
const MOST_VERSIONS = 100
/** Of all versions of one document: about 40 MB on disk. */
const MOST_CHARACTERS = 20_000_000

export interface SaveMoment {
  /** The text of the last save, and the one to be saved now. */
  before: string
  after: string
  /** Since the last version; null where there is none. */
  sinceVersionMs: number | null
}

/** Which text should be kept as a version when `after` is saved over `before`. */
export function versionDue({
  before,
  after,
  sinceVersionMs,
}: SaveMoment): { reason: 'cut' | 'interval'; text: string } | null {
  const lost = before.length - after.length
  if (lost >= CUT_CHARACTERS && lost >= CUT_SHARE * before.length) return { reason: 'cut', text: before }
  if (sinceVersionMs !== null && sinceVersionMs < INTERVAL_MS) return null
  return after.trim() && after !== before ? { reason: 'interval', text: after } : null
}

/**
 * Versions that may be removed: of the last hour none, of the last day all but one an hour, before that all but one a
 * day, and the oldest beyond the limits. Those that the user made stay.
 */
export function spare(versions: readonly VersionMark[], now: number): VersionMark[] {
  const newestFirst = [...versions].sort((a, b) => b.at - a.at)
  const taken = new Set<string>()
  const gone: VersionMark[] = []
  let kept = 0
  let characters = 0
  for (const version of newestFirst) {
    const age = now - version.at
    const slot =
      age < HOUR
        ? `v${version.id}`
        : age < DAY
          ? `h${Math.floor(version.at / HOUR)}`
          : `d${Math.floor(version.at / DAY)}`
    const fits = kept < MOST_VERSIONS && characters + version.characters <= MOST_CHARACTERS
    if (version.reason !== 'manual' && (taken.has(slot) || !fits)) {
      gone.push(version)
      continue
    }
    taken.add(slot)
    kept += 1
    characters += version.characters
  }
  return gone
}
