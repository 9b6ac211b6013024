/**
 * Changes of words as edits of a text. The text's own white space stays: an answer only says where a space belongs between
 * words that it brings. Pure; offsets are UTF-16 code units, half-open.
 */
import type { Change } from './align.ts'
import type { Word } from './words.ts'

export interface Edit {
  start: number
  end: number
  text: string
}

/**
 * @param words with their places in `text`
 * @param change of these words
 */
export function editOf(text: string, words: readonly Word[], change: Change): Edit {
  const before = words[change.from - 1]
  const after = words[change.to]
  const first = words[change.from]
  const last = words[change.to - 1]
  const said = change.words.map(({ shown, spaced }, index) => (spaced && index > 0 ? ` ${shown}` : shown)).join('')
  const space = { before: change.words[0]?.spaced ?? false, after: change.spacedAfter }
  if (change.from === change.to || !first || !last) return insertion({ text, before, after }, said, space)
  if (said !== '') return { start: first.start, end: last.end, text: said }
  return deletion({ text, before, after }, { start: first.start, end: last.end }, space.after)
}

interface Around {
  text: string
  before: Word | undefined
  after: Word | undefined
}

function insertion({ text, before, after }: Around, said: string, space: { before: boolean; after: boolean }): Edit {
  if (!after) {
    const end = before?.end ?? 0
    return { start: end, end, text: before && space.before ? ` ${said}` : said }
  }
  const spaced = `${said}${space.after ? ' ' : ''}`
  if (!before) return { start: after.start, end: after.start, text: spaced }
  const isApart = /\s/.test(text.slice(before.end, after.start))
  if (isApart && !space.before) return { start: before.end, end: before.end, text: said } // clings to the word before it
  const start = after.start
  return { start, end: start, text: isApart ? spaced : `${space.before ? ' ' : ''}${spaced}` }
}

/** What is deleted takes the space on one side with it, so that one stays. */
function deletion({ text, before, after }: Around, { start, end }: Omit<Edit, 'text'>, spacedAfter: boolean): Edit {
  const left = text.slice(before?.end ?? start, start)
  const right = text.slice(end, after?.start ?? end)
  if (!before) return { start, end: isSpace(right) && after ? after.start : end, text: '' }
  if (!after) return { start: isSpace(left) ? before.end : start, end, text: '' }
  if (left === '' && right === '') return { start, end, text: spacedAfter ? ' ' : '' }
  if (left === '' || !/\s/.test(left)) return { start, end, text: '' }
  if (right === '') return { start: spacedAfter || !isSpace(left) ? start : before.end, end, text: '' }
  // Of two spaces the plain one goes: the other may be a line's end.
  if (left === ' ' && isSpace(left)) return { start: before.end, end, text: '' }
  return { start, end: isSpace(right) ? after.start : end, text: '' }
}

/** Only white space: other signs between words are not ours to delete. */
function isSpace(gap: string): boolean {
  return gap !== '' && /^\s+$/.test(gap)
}

/** @param edits ascending, not overlapping */
export function applied(text: string, edits: readonly Edit[]): string {
  let result = ''
  let end = 0
  for (const edit of edits) {
    result += text.slice(end, edit.start) + edit.text
    end = edit.end
  }
  return result + text.slice(end)
}
