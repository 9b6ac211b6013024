/**
 * What the model reads for a caret: a window of the text in front, cut where it does not move with every key, as tokens
 * up to a border that later keys leave alone, and the bytes behind that border, which the suggestion has to begin with.
 */
import { bytesOf } from '../constraint/bytes.ts'
import type { FillIn, TextFrame } from './frame.ts'
import type { TokenTable } from './tokens.ts'

export interface PromptText {
  before: string
  after: string
  note: string
  /** Of `before`, UTF-16 code units. */
  contextLength: number
}

export interface Prompt {
  /** Tokens that stand, and behind them those of `pending` as the tokenizer has them. */
  tokens: number[]
  /** How many of them stand. */
  stem: number
  /** The bytes that the model writes again (token healing); '' where everything stands. */
  pending: string
}

/** What is typed in one go and behind the last space: longer than this it is healed at its end only. */
const MOST_PENDING_TOKENS = 6
/** Of the text behind the caret, for models that read it. */
const MOST_AFTER = 400

/** @param maxTokens as many as the model has room for, the suggestion not counted */
export function promptFor(
  text: PromptText,
  { frame, table, maxTokens }: { frame: TextFrame; table: TokenTable; maxTokens: number },
): Prompt {
  let { contextLength } = text
  for (;;) {
    const window = contextWindow(text.before, contextLength)
    const whole = text.note.trim() === '' ? window : `${text.note.trim()}\n\n${window}`
    const { fillIn } = frame
    const prompt = healed(frame.encode(whole), pendingText(window), table)
    const framed = fillIn && text.after !== '' ? filledIn(prompt, fillIn, frame, text.after) : prompt
    if (framed.tokens.length <= maxTokens || contextLength <= 1) return framed
    contextLength = Math.floor(contextLength / 2)
  }
}

/**
 * The end of `text`, at most `limit` long, from a sentence's beginning on. The cut moves in steps of a third of `limit`:
 * between two steps a text that grows keeps its beginning, and so what a model knows of it.
 */
export function contextWindow(text: string, limit: number): string {
  if (text.length <= limit) return text
  const step = Math.max(1, Math.floor(limit / 3))
  const from = Math.ceil((text.length - limit) / step) * step
  const near = text.slice(from, from + step)
  const border = /[.!?…。！？]["'”’)\]]*\s+(?=\S)|\n+/u.exec(near) ?? /\s+/u.exec(near)
  const cut = text.slice(border ? from + border.index + border[0].length : from)
  return /^[\uDC00-\uDFFF]/.test(cut) ? cut.slice(1) : cut
}

/** What a tokenizer may join with letters to come: the last word with the space in front of it, or spaces at the end. */
export function pendingText(text: string): string {
  return /\s+$/.exec(text)?.[0] ?? /[ \u00A0]?\S+$/u.exec(text)?.[0] ?? ''
}

function healed(tokens: number[], pending: string, table: TokenTable): Prompt {
  const wanted = bytesOf(pending).length
  let stem = tokens.length
  let bytes = ''
  while (stem > 0 && bytes.length < wanted && tokens.length - stem < MOST_PENDING_TOKENS) {
    const own = table.bytes(tokens[stem - 1] ?? 0)
    if (own === '') break // a special token stands
    bytes = own + bytes
    stem--
  }
  return { tokens, stem, pending: bytes }
}

/** Fill in the middle: what stands, what follows, and then what is in between, which begins with `pending`. */
function filledIn(prompt: Prompt, fillIn: FillIn, { encodeContinuation }: TextFrame, after: string): Prompt {
  const { prefix, suffix, middle } = fillIn
  const following = encodeContinuation(after.slice(0, MOST_AFTER))
  const stem = [prefix, ...prompt.tokens.slice(0, prompt.stem), suffix, ...following, middle]
  return { tokens: [...stem, ...prompt.tokens.slice(prompt.stem)], stem: stem.length, pending: prompt.pending }
}
