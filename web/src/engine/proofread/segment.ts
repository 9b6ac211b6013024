/** Sentences of a text: the platform's borders (Intl.Segmenter), corrected where abbreviations, quotations and Markdown mislead it. */
import { blocksOf } from './markup.ts'
import { singleQuotations } from './quotations.ts'
import { wordsOf } from './words.ts'

export interface Sentence {
  /** UTF-16 code units of the text, without white space around. */
  start: number
  end: number
  /** The text between them with signs of Markdown masked by spaces. */
  visible: string
  complete: boolean
  /** The beginning of a list's item, which may have a small letter. */
  opensItem: boolean
}

const TITLES =
  /(?:^|[\s("“‘'[])(?:Mr|Mrs|Ms|Mx|Dr|Prof|St|Gen|Col|Capt|Lt|Sgt|Rev|Hon|Gov|Sen|Rep|Pres|Mt|Ft|vs|cf|No|Nos|Fig|Figs|Eq|Sec|Ch|Vol|pp|p|ca|approx|e\.g|i\.e|al)\.$/
/** A name's initial: a single capital at the beginning or behind another capitalised word. "I." ends a sentence. */
const INITIAL = /(?:^|[A-Z][\p{L}'’.-]*\s)[A-HJ-Z]\.$/u
const QUESTION_BEFORE_MORE = /[!?…]["”’)\]]*$/
const LEADS_ON = /^\p{Ll}/u
const ENDED = /[.!?…。！？]["'”’)\]*_~]*$/u
/** Of a quotation or bracket that is closed in a later sentence, how many sentences are joined at most, and how long. */
const MOST_JOINED = 4
const MOST_LENGTH = 600

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' })

export function sentencesOf(text: string, spansOf: (block: string) => readonly Span[] = joined): Sentence[] {
  return blocksOf(text).flatMap(({ start, masked, isItem }) => {
    const end = start + masked.length
    const spans = spansOf(masked)
    return spans.map(({ from, to }, index): Sentence => {
      const visible = masked.slice(from, to)
      const ended = ENDED.test(visible.trimEnd()) || index < spans.length - 1 || /\S|\n/.test(text.slice(end))
      return { start: start + from, end: start + to, visible, complete: ended, opensItem: isItem && index === 0 }
    })
  })
}

/** Of a block, half-open. */
export interface Span {
  from: number
  to: number
}

export function joined(block: string): Span[] {
  const spans: Span[] = []
  let count = 0
  const parts = Array.from(segmenter.segment(block), ({ index, segment }) => trimmed(block, index, segment.length))
  for (const [index, part] of parts.entries()) {
    if (part.from === part.to) continue
    const last = spans.at(-1)
    if (last && belongs(block, { last, part, rest: parts.slice(index), count })) {
      last.to = part.to
      count++
    } else {
      spans.push({ ...part })
      count = 1
    }
  }
  return spans
}

function trimmed(block: string, index: number, length: number): Span {
  const segment = block.slice(index, index + length)
  const from = index + segment.length - segment.trimStart().length
  return { from, to: Math.max(from, index + segment.trimEnd().length) }
}

interface Border {
  last: Span
  part: Span
  rest: readonly Span[]
  count: number
}

/** Whether no sentence ends between the two. */
function belongs(block: string, { last, part, rest, count }: Border): boolean {
  const before = block.slice(last.from, last.to)
  const after = block.slice(part.from, part.to)
  if (TITLES.test(before) || INITIAL.test(before)) return true
  if (QUESTION_BEFORE_MORE.test(before) && LEADS_ON.test(after)) return true
  if (!/\p{L}|\p{N}/u.test(after) && last.to === part.from) return true // signs that cling to the end
  if (count >= MOST_JOINED || before.length > MOST_LENGTH) return false
  const opened = openedBy(before)
  return opened !== null && rest.slice(0, MOST_JOINED).some(({ from, to }) => opened.test(block.slice(from, to)))
}

/** The sign that would close what a sentence has opened and not closed, null where there is none. */
function openedBy(sentence: string): RegExp | null {
  const count = (sign: string) => sentence.split(sign).length - 1
  if (count('“') > count('”')) return /”/
  if (count('"') % 2 === 1) return /"/
  if (sentence.includes('‘') && singleQuotations(wordsOf(sentence)).isOpen) return /’(?![\p{L}\p{N}])/u
  return count('(') > count(')') ? /\)/ : null
}
