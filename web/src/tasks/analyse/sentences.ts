/** Sentences of a pasted text, in UTF-16 code units. Pure. */

export interface Span {
  /** Half-open: [start, end). */
  start: number
  end: number
  text: string
}

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' })
/** A segmenter takes these for the ends of sentences. */
const ABBREVIATION = /\b(?:Mr|Mrs|Ms|Dr|Prof|St|vs|etc|e\.g|i\.e|No|Inc|Ltd|Co|Jr|Sr|Fig|approx|[A-Z])\.\s*$/

/** Sentences without the white space around them; each line that stands alone is one, too. Empty ones are left out. */
export function sentencesOf(text: string): Span[] {
  const parts: { start: number; end: number }[] = []
  let open = 0
  for (const { index, segment } of segmenter.segment(text)) {
    const end = index + segment.length
    if (ABBREVIATION.test(segment) && end < text.length && !segment.includes('\n')) continue
    parts.push({ start: open, end })
    open = end
  }
  if (open < text.length) parts.push({ start: open, end: text.length })
  return parts.flatMap(({ start, end }) => trimmed(text, start, end))
}

function trimmed(text: string, start: number, end: number): Span[] {
  const raw = text.slice(start, end)
  const inner = raw.trim()
  if (!/[\p{L}\p{N}]/u.test(inner)) return []
  const from = start + raw.indexOf(inner)
  return [{ start: from, end: from + inner.length, text: inner }]
}

/** Words with their places: letters and digits, with what joins them inside ("don't", "3.5", "well-known"). */
export function wordsOf(text: string): Span[] {
  return [...text.matchAll(/[\p{L}\p{N}]+(?:[’'.,:\-–][\p{L}\p{N}]+)*/gu)].map(match => ({
    start: match.index,
    end: match.index + match[0].length,
    text: match[0],
  }))
}
