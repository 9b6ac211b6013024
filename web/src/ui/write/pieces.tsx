/** Two texts in one: what went, what came, how much stayed. */
import { language, text } from '../../text/index.ts'
import type { Piece } from './compare.ts'

export interface PiecesProps {
  pieces: readonly Piece[]
  /** Of the whole, and of its parts that are only in the older and only in the newer text. */
  label: string
  removed: string
  added: string
}

export function Pieces({ pieces, label, removed, added }: PiecesProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    <section class="write-difference" aria-label={label} tabIndex={0}>
      {pieces.map((piece, index) => (
        <Part key={index} piece={piece} removed={removed} added={added} />
      ))}
    </section>
  )
}

function Part({ piece, removed, added }: { piece: Piece } & Pick<PiecesProps, 'removed' | 'added'>) {
  const words = text.value.write
  if (piece.kind === 'folded') {
    return <span class="write-folded">{words.unchangedLines(piece.lines.toLocaleString(language.value))}</span>
  }
  if (piece.kind === 'removed') return <del title={removed}>{piece.text}</del>
  if (piece.kind === 'added') return <ins title={added}>{piece.text}</ins>
  return <span>{piece.text}</span>
}
