/** Old and new of a correction side by side, what cannot be seen made visible. */
import type { Shown } from './spoken.ts'

export function Change({ shown: { original, replacement } }: { shown: Shown }) {
  return (
    <span class="mark-change">
      <del>{visible(original)}</del>
      <span aria-hidden="true"> → </span>
      <ins>{visible(replacement)}</ins>
    </span>
  )
}

/** A mark in place of each space, new line and tab; read out, they are what they are. */
function visible(text: string) {
  return Array.from(text.matchAll(/[^\s]+|\s/gu), ([part], index) =>
    /\s/u.test(part) ? (
      <span key={index} class="mark-space" data-space={SIGNS[part] ?? '␣'}>
        {part === '\n' ? ' ' : part}
      </span>
    ) : (
      <span key={index}>{part}</span>
    ),
  )
}

const SIGNS: Readonly<Record<string, string>> = { ' ': '·', '\n': '↵', '\t': '⇥', '\u00a0': '⍽' }
