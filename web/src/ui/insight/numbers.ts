/** Numbers in the page's language. */
import { language } from '../../text/index.ts'

export function count(value: number): string {
  return value.toLocaleString(language.value)
}

export function fixed(value: number, digits: number): string {
  return value.toLocaleString(language.value, { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** A share as people read it: 61.2, 0.4, 0.001; what is smaller is said to be below that. */
export function percent(share: number): string {
  if (share === 0) return '0'
  const hundredths = share * 100
  if (hundredths >= 0.95) return fixed(hundredths, 1)
  if (hundredths >= 0.001) return hundredths.toLocaleString(language.value, { maximumSignificantDigits: 1 })
  return `< ${fixed(0.001, 3)}`
}
