/** What the built-in evaluation measured of a model's suggestions, on text that calibrated nothing: for the slider. */
import MEASURED from './autocomplete-measured.json'

/** At word borders, as shares of 1. */
export interface TradeOff {
  minConfidence: number
  /** Of the borders, how many get a suggestion. */
  coverage: number
  /** Of the suggestions shown, how many are wholly right. */
  precision: number
  /** Of the borders, how many get a wrong suggestion. */
  wrongShowRate: number
}

interface Entry {
  places: number
  by_threshold: readonly { threshold: number; coverage: number; precision: number; wrong_show_rate: number }[]
}

const ENTRIES: Readonly<Record<string, Entry>> = MEASURED

/** The trade-off of a bundle nearest to a least confidence, and over how many places; null for one never measured. */
export function measuredTradeOff(bundleId: string, minConfidence: number): (TradeOff & { places: number }) | null {
  const entry = ENTRIES[bundleId]
  if (!entry) return null
  const [nearest] = [...entry.by_threshold].sort(
    (a, b) => Math.abs(a.threshold - minConfidence) - Math.abs(b.threshold - minConfidence),
  )
  if (!nearest) return null
  const { threshold, coverage, precision, wrong_show_rate: wrongShowRate } = nearest
  return { minConfidence: threshold, coverage, precision, wrongShowRate, places: entry.places }
}
