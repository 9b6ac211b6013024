/**
 * From a model's own probability of a suggestion to how often such suggestions are right, as `slm-export eval autocomplete
 * --fit` measured it for a bundle on text that a person wrote. Without a measurement it is the probability itself.
 */
import CALIBRATIONS from './calibrations.json'

/** (probability, share that was right), both ascending; straight lines in between. */
type Points = readonly (readonly number[])[]

export interface Calibration {
  /** By letters typed of the first word: 0, 1, 2, 3 and more. */
  by_letters: readonly Points[]
}

const MEASURED: Readonly<Record<string, Calibration>> = CALIBRATIONS

export function calibrationOf(bundleId: string): Calibration | null {
  return MEASURED[bundleId] ?? null
}

export function calibrated(probability: number, lettersTyped: number, calibration: Calibration | null): number {
  const all = calibration?.by_letters ?? []
  const points = all[Math.min(lettersTyped, all.length - 1)]
  if (!points || points.length === 0) return probability
  let [lowX = 0, lowY = 0] = [0, 0]
  for (const [x = 1, y = 1] of points) {
    if (probability <= x) return x === lowX ? y : lowY + ((y - lowY) * (probability - lowX)) / (x - lowX)
    lowX = x
    lowY = y
  }
  return lowY + (1 - lowY) * (lowX < 1 ? (probability - lowX) / (1 - lowX) : 1)
}
