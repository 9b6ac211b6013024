/**
 * What of a text is prose: blocks without the signs of Markdown, code, tables and HTML. Signs are masked with spaces, so
 * that every offset stays what it was (UTF-16 code units).
 */

/** A paragraph, heading or item of a list; `masked` stands at `start` of the text and is as long as what it stands for. */
export interface Block {
  start: number
  masked: string
  isItem: boolean
}

interface Line {
  start: number
  text: string
}

const FENCE = /^\s{0,3}(?:>\s?)*\s*(`{3,}|~{3,})/
const RULE = /^\s*(?:[-*_=]\s*){3,}$/
const TABLE = /^\s*\|/
const HTML = /^\s*<[/!]?[a-zA-Z-][^>]*>\s*$/
/** A line that is only indented code: text that is merely indented has no such signs. */
const CODE_LINE = /^(?: {4}|\t).*[{}();=<>]/
const DEFINITION = /^\s*\[[^\]]+\]:\s/
/** Quotation, then heading, list or task. Lists count in figures, letters and Roman numerals; “A.” is a name's initial. */
const PREFIX =
  /^\s*(?:>\s?)*\s*(?:#{1,6}\s+|(?<item>(?:[-*+•‣◦–]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{2,5}|[IVX]{2,5})\)|(?:\d{1,3}|[a-z]|[ivx]{2,5}|[IVX]{2,5})\.)\s+(?:\[[ xX]\]\s+)?))?/
/** From so many characters on a line without an end of a sentence was wrapped rather than ended. */
const WRAPPED = 60

export function blocksOf(text: string): Block[] {
  const blocks: Block[] = []
  let lines: Block[] = []
  const close = () => {
    const masked = lines.reduce((joined, line) => joined.padEnd(line.start - (lines[0]?.start ?? 0)) + line.masked, '')
    const [{ start, isItem } = { start: 0, isItem: false }] = lines
    if (masked.trim() !== '') blocks.push({ start, masked: maskInline(masked), isItem })
    lines = []
  }
  for (const line of proseLines(text)) {
    if (line === null) {
      close()
      continue
    }
    const begun = PREFIX.exec(line.text)
    const prefix = begun?.[0] ?? ''
    const content = line.text.slice(prefix.length)
    const last = lines.at(-1)?.masked
    if (last === undefined || !goesOn(last, { content, isNew: /[^\s>]/.test(prefix) })) close()
    lines.push({ start: line.start + prefix.length, masked: content, isItem: begun?.groups?.item !== undefined })
  }
  close()
  return blocks
}

/** Whether a line belongs to the sentence before it: it was wrapped, by hand or by a program. */
function goesOn(last: string, { content, isNew }: { content: string; isNew: boolean }): boolean {
  if (isNew || content.trim() === '') return false
  if (/^\s*\p{Ll}/u.test(content)) return true
  return last.length >= WRAPPED && !/[.!?…:]["'”’)\]*_]*\s*$/.test(last)
}

/** Lines of prose; null where a block ends. */
function* proseLines(text: string): Generator<Line | null> {
  let fence: string | null = null
  let isMatter = /^---\s*(\r?\n|$)/.test(text)
  let isFirst = true
  for (const line of linesOf(text)) {
    const mark = FENCE.exec(line.text)?.[1] ?? null
    if (isMatter) {
      if (!isFirst && /^(---|\.\.\.)\s*$/.test(line.text)) isMatter = false
    } else if (fence !== null) {
      if (mark?.startsWith(fence) && line.text.trim().replace(/^[>\s]*/, '') === mark) fence = null
    } else if (mark !== null) {
      fence = mark
      yield null
    } else if (isProse(line.text)) yield line
    else yield null
    isFirst = false
  }
}

function isProse(line: string): boolean {
  if (line.trim() === '') return false
  return ![RULE, TABLE, HTML, CODE_LINE, DEFINITION].some(kind => kind.test(line))
}

function* linesOf(text: string): Generator<Line> {
  let start = 0
  for (const { index, 0: end } of text.matchAll(/\r\n|[\n\r\u2028\u2029\u0085]/g)) {
    yield { start, text: text.slice(start, index) }
    start = index + end.length
  }
  yield { start, text: text.slice(start) }
}

const CODE_SPAN = /(?<!`)(`+)(?!`)[^\n]*?(?<!`)\1(?!`)/g
/** Pictures go; of links the address and the brackets do; emphasis and HTML tags lose their signs. */
const SIGNS = [
  /!\[[^[\]\n]*\]\([^)\n]{0,2000}\)/g,
  /\[(?=[^[\]\n]+\]\([^)\n]{0,2000}\))/g,
  /\]\([^)\n]{0,2000}\)/g,
  /<\/?[a-zA-Z][^<>\n]*>/g,
  /\*+(?=\S)|(?<=\S)\*+/g,
  /(?<![\p{L}\p{N}_])_+(?=\S)|(?<=\S)_+(?![\p{L}\p{N}_])/gu,
  /~~/g,
]
const ADDRESS = /(?:https?:\/\/|www\.)[^\s<>"”’)\]]+/gu

/** Spaces for inline signs, but for those inside of code and addresses. */
function maskInline(block: string): string {
  const kept = [...block.matchAll(CODE_SPAN), ...block.matchAll(ADDRESS)].map(({ index, 0: span }) => ({
    from: index,
    to: index + span.length,
  }))
  let masked = block
  for (const sign of SIGNS) {
    masked = masked.replace(sign, (found: string, ...rest: unknown[]) => {
      const at = rest.find(value => typeof value === 'number') ?? 0
      // An address inside of `](…)` goes with it; a sign inside of code or of a bare address is none.
      const isInside = kept.some(({ from, to }) => at >= from && at + found.length <= to)
      return isInside ? found : ' '.repeat(found.length)
    })
  }
  return masked
}
