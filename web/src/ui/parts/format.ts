/** Numbers as people read them: rounded first, then given a unit, so that 59.97 s is a minute and never "60.0 s". Pure. */

export function bytes(count: number): string {
  if (count < 999.5) return `${Math.round(count)} B`
  if (count < 999_500) return `${Math.round(count / 1e3)} kB`
  return count < 999_950_000 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e9).toFixed(2)} GB`
}

export function duration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** Tokens per second: `23.5`, `1,204`. */
export function speed(perSecond: number): string {
  return perSecond < 99.95 ? perSecond.toFixed(1) : Math.round(perSecond).toLocaleString('en')
}

export function parameters(count: number): string {
  return count < 999.5e6 ? `${Math.round(count / 1e6)} M` : `${(count / 1e9).toFixed(1)} B`
}

export function plural(count: number, one: string): string {
  return `${count.toLocaleString('en')} ${one}${count === 1 ? '' : 's'}`
}
