/** Words, characters and reading time of a text. Pure, but for counts of lines seen before. */

export interface Counts {
  words: number
  /** Code points, line ends not counted. */
  characters: number
}

/** Silent reading of English non-fiction: Brysbaert 2019, "How many words do we read per minute?". */
const WORDS_PER_MINUTE = 238
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u
const SPACED_WORD = /[\p{L}\p{N}\p{M}]+(?:['’_.-][\p{L}\p{N}\p{M}]+)*/gu
const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' })

export function readingMinutes(words: number): number {
  return words / WORDS_PER_MINUTE
}

export function countLine(line: string): Counts {
  let characters = 0
  for (const _ of line) characters += 1
  if (!UNSPACED.test(line)) return { words: line.match(SPACED_WORD)?.length ?? 0, characters }
  let words = 0
  for (const { isWordLike } of segmenter.segment(line)) words += isWordLike ? 1 : 0
  return { words, characters }
}

/** Counts texts that change a little at a time: only lines that it has not met are counted. */
export class Counter {
  #known = new Map<string, Counts>()

  count(lines: Iterable<string>): Counts {
    const met = new Map<string, Counts>()
    const total = { words: 0, characters: 0 }
    for (const line of lines) {
      const counts = met.get(line) ?? this.#known.get(line) ?? countLine(line)
      met.set(line, counts)
      total.words += counts.words
      total.characters += counts.characters
    }
    this.#known = met
    return total
  }
}
