/** Stop strings: text that could be the beginning of one is held back, so that no part of it is ever shown. */
export interface StopMatcher {
  /** What may be shown now, and whether a stop string is complete. Nothing may be pushed after that. */
  push(text: string): { text: string; stopped: boolean }
  /** What was held back when the answer ends for another reason. */
  flush(): string
}

export function createStopMatcher(stops: readonly string[]): StopMatcher {
  let held = ''
  return {
    push(text) {
      held += text
      const at = firstIndex(held, stops)
      if (at >= 0) {
        const shown = held.slice(0, at)
        held = ''
        return { text: shown, stopped: true }
      }
      const keep = openLength(held, stops)
      const shown = held.slice(0, held.length - keep)
      held = held.slice(held.length - keep)
      return { text: shown, stopped: false }
    },
    flush() {
      const rest = held
      held = ''
      return rest
    },
  }
}

function firstIndex(text: string, stops: readonly string[]): number {
  const found = stops.map(stop => text.indexOf(stop)).filter(index => index >= 0)
  return found.length === 0 ? -1 : Math.min(...found)
}

/** How many characters at the end of `text` may be the beginning of a stop string. */
function openLength(text: string, stops: readonly string[]): number {
  let longest = 0
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(stop.slice(0, length))) longest = length
    }
  }
  return longest
}
