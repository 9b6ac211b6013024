/**
 * How a first piece grows into whole words: the likeliest token at each step, and at every word's end the question how
 * likely it is that the word ends there.
 */

import type { Opening } from './healing.ts'
import { isUnspaced, isWordCharacter, lastCharacter, SENTENCE_END, wordsOf } from './letters.ts'
import type { Reader, Work } from './reader.ts'
import { KIND, type TokenTable, utf8, wholeText } from './tokens.ts'
import type { CompletionToken } from './types.ts'

/** A place where the suggestion may end: whole words, and how likely all of it is. */
export interface Ending {
  text: string
  probability: number
  tokens: CompletionToken[]
}

export interface Growth {
  /** In order, each one longer than the one before. */
  endings: Ending[]
  /** All that came, also the beginning of a word that was given up. */
  text: string
  probability: number
  tokens: CompletionToken[]
}

export interface GrowthLimits {
  maxWords: number
  /** True where what is this probable is not worth going on with; `ending` counts the endings found so far. */
  isTooUnlikely: (probability: number, ending: number) => boolean
  /** True where a word ends behind `text`, though `next` has no space in front. */
  runsTogether: (text: string, next: string) => boolean
  maxTokens: number
}

export async function grow(
  opening: Opening,
  { reader, table, work, limits }: { reader: Reader; table: TokenTable; work: Work; limits: GrowthLimits },
): Promise<Growth> {
  const path = [...opening.standing, opening.token]
  let bytes = opening.bytes
  let log = Math.log(opening.probability)
  const pieces: { bytes: string; probability: number }[] = [{ bytes, probability: opening.probability }]
  const endings: Ending[] = []
  for (;;) {
    const text = wholeText(bytes)
    if (text !== null && isSentenceEnd(text)) {
      endings.push({ text, probability: Math.exp(log), tokens: shown(pieces) })
      break
    }
    if (
      limits.isTooUnlikely(Math.exp(log), endings.length) ||
      pieces.length >= limits.maxTokens ||
      endsLine(utf8(bytes))
    )
      break
    const [row] = await reader.after(path, path.length, work)
    if (!row) break
    const closing = text === null ? 0 : closingProbability(text, row)
    const inner = row.best(KIND.inside, KIND.partial)
    const isSplit = text !== null && inner >= 0 && limits.runsTogether(text, utf8(table.bytes(inner)))
    const closes = closing > 0 && (inner < 0 || isSplit || closing >= Math.exp(row.log(inner)))
    if (closes && text !== null) {
      const probability = Math.exp(log) * closing
      endings.push({ text, probability, tokens: shown(pieces) })
      if (wordsOf(text).length >= limits.maxWords || limits.isTooUnlikely(probability, endings.length)) break
    }
    const next = closes
      ? row.best(KIND.border, KIND.end, ...openKinds(text))
      : row.best(KIND.inside, KIND.partial, KIND.border, KIND.end)
    const own = table.bytes(next)
    if (next < 0 || own === '') break // the model ends here
    log += row.log(next)
    path.push(next)
    bytes += own
    pieces.push({ bytes: own, probability: Math.exp(row.log(next)) })
  }
  return { endings, text: utf8(bytes), probability: Math.exp(log), tokens: shown(pieces) }
}

/** How likely the word at the end of `text` is whole; 0 where no word is there. */
function closingProbability(text: string, row: { mass(kind: number): number }): number {
  const last = lastCharacter(text)
  if (isUnspaced(last)) return 1 - row.mass(KIND.partial)
  if (!isWordCharacter(last)) return 0
  return row.mass(KIND.border) + row.mass(KIND.end)
}

/** Behind a character of an unspaced script every letter begins a word of its own. */
function openKinds(text: string | null): number[] {
  return text !== null && isUnspaced(lastCharacter(text)) ? [KIND.inside, KIND.partial] : []
}

function isSentenceEnd(text: string): boolean {
  return SENTENCE_END.test(text) && wordsOf(text).length > 0
}

function endsLine(text: string): boolean {
  return text.includes('\n') || text.includes('\r')
}

function shown(pieces: readonly { bytes: string; probability: number }[]): CompletionToken[] {
  return pieces.map(({ bytes, probability }) => ({ text: utf8(bytes), probability }))
}
