/** Numbers as people read them, in the page's language: rounded first, then given a unit, so that 59.97 s is a minute and never "60.0 s". */
import { language } from '../../text/index.ts'

export function bytes(count: number): string {
  if (count < 999.5) return `${Math.round(count)} B`
  if (count < 999_500) return `${Math.round(count / 1e3)} kB`
  return count < 999_950_000 ? `${decimal(count / 1e6, 1)} MB` : `${decimal(count / 1e9, 2)} GB`
}

export function duration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${decimal(ms / 1000, 1)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** Tokens per second: `23.5`, `1,204`. */
export function speed(perSecond: number): string {
  return perSecond < 99.95 ? decimal(perSecond, 1) : whole(perSecond)
}

export function parameters(count: number): string {
  if (count >= 999.5e6) return `${decimal(count / 1e9, 1)} B`
  return count < 9.5e6 ? `${decimal(count / 1e6, 1)} M` : `${Math.round(count / 1e6)} M`
}

/** `1,204`, in German `1.204`. */
export function whole(count: number): string {
  return Math.round(count).toLocaleString(language.value)
}

/** `3.50`, in German `3,50`. */
export function decimal(value: number, digits: number): string {
  return value.toLocaleString(language.value, { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
