/** Quotations of a sentence, which nobody corrects. Pure. */
import { isWord, type Word } from './words.ts'

/** Marks words between quotation marks as another's: [marks included]. A mark without its fellow quotes nothing. */
export function lockQuotations(words: readonly Word[]): Word[] {
  const locked = words.map(word => ({ ...word }))
  for (const { from, to } of [...doubleQuotations(words), ...singleQuotations(words).closed])
    for (const word of locked.slice(from, to)) word.locked ??= 'quote'
  return locked
}

/** Of words, half-open. */
interface Quotation {
  from: number
  to: number
}

function doubleQuotations(words: readonly Word[]): Quotation[] {
  const found: Quotation[] = []
  let open = -1
  for (const [index, { key }] of words.entries()) {
    if (key !== '"') continue
    if (open >= 0) found.push({ from: open, to: index + 1 })
    open = open < 0 ? index : -1
  }
  return found
}

/** Single quotation marks are known where they are curly: straight ones are apostrophes too often. */
export function singleQuotations(words: readonly Word[]): { closed: Quotation[]; isOpen: boolean } {
  const openings = [...words.keys()].filter(at => opens(words, at))
  const closed: Quotation[] = []
  let isOpen = false
  for (const [index, from] of openings.entries()) {
    const ends = [...words.keys()].slice(from + 2, openings[index + 1]).filter(at => closes(words, at))
    // “dogs’ tails”: the apostrophe of a plural looks the same. A mark that can be nothing else goes first.
    const end = ends.find(at => !isPlural(words, at)) ?? ends[0]
    isOpen = end === undefined
    if (end !== undefined) closed.push({ from, to: end + 1 })
  }
  return { closed, isOpen }
}

/** Words that lack their beginning; programs write the wrong sign in front of them. */
const SHORTENED = /^(?:tis|twas|em|n|cause|til|till|bout|\p{N}+s?)$/iu

function opens(words: readonly Word[], at: number): boolean {
  const [before, word, after] = [words[at - 1], words[at], words[at + 1]]
  if (word?.raw !== '‘' || !after || after.spaced || SHORTENED.test(after.key)) return false
  return !before || word.spaced || !isWord(before.key)
}

function closes(words: readonly Word[], at: number): boolean {
  const [word, after] = [words[at], words[at + 1]]
  return word?.raw === '’' && !word.spaced && (!after || after.spaced || !isWord(after.key))
}

function isPlural(words: readonly Word[], at: number): boolean {
  const [before, after] = [words[at - 1], words[at + 1]]
  return after !== undefined && isWord(after.key) && /s$/i.test(before?.key ?? '')
}
