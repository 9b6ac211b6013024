/** What `slm-export eval grammar` measured for a model, threshold by threshold: the trade-off beside the slider. */
import measurements from './measured.json'

export interface Measured {
  /** With errors in them, and without. */
  sentences: number
  correct_sentences: number
  /** By rising gate (nats): shares, 0 to 1. */
  rows: readonly { gate: number; precision: number; recall: number; correct_changed: number }[]
}

/** Null where nothing was measured for this bundle. */
export function measuredOf(bundleId: string): Measured | null {
  const known: Readonly<Record<string, Measured>> = measurements
  return known[bundleId] ?? null
}
