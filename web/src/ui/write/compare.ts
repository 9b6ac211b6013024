/** Two texts side by side in one: what only the older has, what only the newer has; long equal stretches folded. */
import { type ChangeObject, diffLines, diffWordsWithSpace } from 'diff'

export type Piece =
  | { kind: 'same' | 'removed' | 'added'; text: string }
  /** So many equal lines are left out here. */
  | { kind: 'folded'; lines: number }

/** Texts that differ nearly everywhere are shown as one replaced by the other after this long. */
const MOST_MS = 2000
/** Longer changed stretches are not compared word by word. */
const MOST_CHARACTERS = 20_000
const LINES_AROUND = 2

/** In small steps that leave the page room to answer. */
export async function compareTexts(older: string, newer: string): Promise<Piece[]> {
  const lines = await changes(done => diffLines(older, newer, { callback: done, timeout: MOST_MS }))
  if (!lines) return whole(older, newer)
  const pieces: Piece[] = []
  for (let at = 0; at < lines.length; at++) {
    const [change, next] = [lines[at], lines[at + 1]]
    if (!change) continue
    if (change.removed && next?.added) {
      pieces.push(...(await wordByWord(change.value, next.value)))
      at += 1
    } else pieces.push(pieceOf(change))
  }
  return pieces.flatMap((piece, index) => fold(piece, index === 0, index === pieces.length - 1))
}

async function wordByWord(older: string, newer: string): Promise<Piece[]> {
  if (older.length + newer.length > MOST_CHARACTERS) return whole(older, newer)
  const words = await changes(done => diffWordsWithSpace(older, newer, { callback: done, timeout: MOST_MS }))
  return words ? words.map(pieceOf) : whole(older, newer)
}

type Changes = ChangeObject<string>[]

function changes(start: (done: (found: Changes | undefined) => void) => void): Promise<Changes | undefined> {
  return new Promise(resolve => start(resolve))
}

function whole(older: string, newer: string): Piece[] {
  const pieces: Piece[] = [
    { kind: 'removed', text: older },
    { kind: 'added', text: newer },
  ]
  return pieces.filter(piece => piece.kind !== 'folded' && piece.text)
}

function pieceOf({ value, added, removed }: ChangeObject<string>): Piece {
  return { kind: added ? 'added' : removed ? 'removed' : 'same', text: value }
}

function fold(piece: Piece, isFirst: boolean, isLast: boolean): Piece[] {
  if (piece.kind !== 'same') return [piece]
  const lines = piece.text.split(/(?<=\n)/)
  const [head, tail] = [isFirst ? 0 : LINES_AROUND, isLast ? 0 : LINES_AROUND]
  const left = lines.length - head - tail
  if (left <= LINES_AROUND) return [piece]
  const shown = (part: string[]): Piece[] => (part.length ? [{ kind: 'same', text: part.join('') }] : [])
  return [...shown(lines.slice(0, head)), { kind: 'folded', lines: left }, ...shown(lines.slice(lines.length - tail))]
}
