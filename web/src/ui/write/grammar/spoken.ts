/** How a correction is shown and said: whole words, with a word for what cannot be seen. Pure. */
import type { Placed } from '../../../state/grammar/checker.ts'
import type { Text } from '../../../text/en/index.ts'

export interface Shown {
  original: string
  replacement: string
}

const LETTER = /[\p{L}\p{M}\p{N}'’-]/u
const INVISIBLE = /^[\s]+$/u

/** Where only signs or spaces change, the words around them say where. */
export function widened({ finding, checked: { text } }: Placed, replacement = finding.replacements[0] ?? ''): Shown {
  let { from, to } = finding
  const old = text.slice(from, to)
  const isBare = !LETTER.test(old) || !LETTER.test(replacement)
  if (isBare || LETTER.test(text[from - 1] ?? '')) from = wordStart(text, from)
  if (isBare || LETTER.test(text[to] ?? '')) to = wordEnd(text, to)
  return {
    original: text.slice(from, to),
    replacement: text.slice(from, finding.from) + replacement + text.slice(finding.to, to),
  }
}

/** In words for screen readers: an empty side and bare spaces by name. */
export function spoken(placed: Placed, { popup, spaces }: Text['grammar'], replacement?: string): Shown {
  const shown = widened(placed, replacement)
  const say = (text: string, none: string) =>
    text === '' ? none : INVISIBLE.test(text) ? [...text].map(sign => spaces[sign] ?? sign).join(' ') : text
  return { original: say(shown.original, popup.nothing), replacement: say(shown.replacement, popup.remove) }
}

/** To the beginning of the word that ends here, over spaces. */
function wordStart(text: string, at: number): number {
  const before = /[\p{L}\p{M}\p{N}'’-]*[^\p{L}\p{M}\p{N}'’-]*$/u.exec(text.slice(Math.max(0, at - 40), at))?.[0] ?? ''
  return at - before.length
}

function wordEnd(text: string, at: number): number {
  const after = /^[^\p{L}\p{M}\p{N}'’-]*[\p{L}\p{M}\p{N}'’-]*/u.exec(text.slice(at, at + 40))?.[0] ?? ''
  return at + after.length
}
