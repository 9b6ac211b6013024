/** Calls of tools in an answer, read while it arrives. Text around them goes through; a call's own text does not. */
import type { ToolCallDelta, ToolFormat } from './api.ts'

export interface ToolText {
  text: string
  calls: ToolCallDelta[]
}

const OPENING = '<tool_call>'
const CLOSING = '</tool_call>'
/** A call up to its arguments: `{"name": "…", "arguments": `, which Llama calls parameters. */
const HEAD = /^\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"(?:arguments|parameters)"\s*:\s*(?=\{)/
/** What a text that becomes a head may look like so far. */
const HEAD_BEGINNING =
  /^\s*(\{\s*("(n|na|nam|name)?("\s*(:\s*("(?:[^"\\]|\\.)*("\s*(,\s*("\w*("\s*(:\s*)?)?)?)?)?)?)?)?)?)?$/

/** Mistral's calls are a list; the sign before it is a special token, which most often has no text. */
const LIST_SIGN = '[TOOL_CALLS]'
const LIST = /^\s*(?:\[TOOL_CALLS\]\s*)?\[\s*(?=\{)/
const LIST_BEGINNING = /^\s*(?:\[TOOL_CALLS\]\s*)?(?:\[\s*)?$/

type Place = 'text' | 'list' | 'head' | 'arguments' | 'behind'

const FIRST: Record<ToolFormat, Place> = {
  hermes: 'text',
  llama3: 'head', // a call is the whole answer
  mistral: 'list', // as are all of them
}

export class ToolParser {
  readonly #format: ToolFormat
  readonly #newId: () => string
  #place: Place
  /** Not told yet: what may become an opening, or a head. */
  #held = ''
  /** Of the call being read, its text so far: shown as text where it turns out to be none. */
  #raw = ''
  #count = 0
  readonly #json = new ObjectScanner()

  constructor(format: ToolFormat, newId: () => string) {
    this.#format = format
    this.#newId = newId
    this.#place = FIRST[format]
  }

  /** How many calls have begun. */
  get count(): number {
    return this.#count
  }

  push(text: string): ToolText {
    this.#held += text
    const out: ToolText = { text: '', calls: [] }
    while (this.#advance(out));
    return out
  }

  /** What is left when the answer has ended. */
  end(): ToolText {
    const held = this.#place === 'text' && this.#count > 0 ? this.#held.trim() : this.#held
    const isOpen = this.#place === 'list' || (this.#place === 'head' && !this.#isBetween)
    const rest = this.#place === 'text' ? held : isOpen ? this.#raw + held : ''
    this.#held = ''
    return { text: rest, calls: [] }
  }

  /** One step; false where more text is needed. */
  #advance(out: ToolText): boolean {
    switch (this.#place) {
      case 'text':
        return this.#readText(out)
      case 'list':
        return this.#readList(out)
      case 'head':
        return this.#readHead(out)
      case 'arguments':
        return this.#readArguments(out)
      case 'behind':
        return this.#readBehind()
    }
  }

  #readText(out: ToolText): boolean {
    const at = this.#format === 'hermes' ? this.#held.indexOf(OPENING) : -1
    if (at < 0) {
      const keep = this.#format === 'hermes' ? overlap(this.#held, OPENING) : 0
      const isBetween = this.#count > 0 && this.#held.slice(0, this.#held.length - keep).trim() === ''
      if (isBetween) return false
      out.text += this.#held.slice(0, this.#held.length - keep)
      this.#held = this.#held.slice(this.#held.length - keep)
      return false
    }
    out.text += this.#held.slice(0, at).trimEnd()
    this.#raw = OPENING
    this.#held = this.#held.slice(at + OPENING.length)
    this.#place = 'head'
    return true
  }

  /** True between two calls of one list: what comes there is no text. */
  get #isBetween(): boolean {
    return this.#format === 'mistral' && this.#count > 0
  }

  #readList(out: ToolText): boolean {
    const list = LIST.exec(this.#held)
    if (list) {
      this.#raw = list[0]
      this.#held = this.#held.slice(list[0].length)
      this.#place = 'head'
      return true
    }
    if (LIST_BEGINNING.test(this.#held) || LIST_SIGN.startsWith(this.#held.trimStart())) return false
    this.#place = 'text'
    return this.#readText(out)
  }

  #readHead(out: ToolText): boolean {
    const head = HEAD.exec(this.#held)
    const name = head?.[1]
    if (head && name !== undefined) {
      const called = { name: String(JSON.parse(name)), arguments: '' }
      out.calls.push({ index: this.#count++, id: this.#newId(), type: 'function', function: called })
      this.#held = this.#held.slice(head[0].length)
      this.#json.reset()
      this.#place = 'arguments'
      return true
    }
    if (HEAD_BEGINNING.test(this.#held)) return false
    if (this.#isBetween) {
      this.#held = '' // a list that went wrong behind its first calls
      return false
    }
    out.text += this.#raw + this.#held // no call after all
    this.#held = ''
    this.#raw = ''
    this.#place = 'text'
    return false
  }

  #readArguments(out: ToolText): boolean {
    if (this.#held === '') return false
    const end = this.#json.scan(this.#held)
    const piece = end === null ? this.#held : this.#held.slice(0, end)
    if (piece) out.calls.push({ index: this.#count - 1, function: { arguments: piece } })
    this.#held = this.#held.slice(piece.length)
    if (end === null) return false
    this.#place = 'behind'
    return true
  }

  /** What else a call of a list has, such as an id, up to the comma before the next call. */
  #readComma(): boolean {
    const next = /^[^}]*\}\s*,\s*(?=\{)/.exec(this.#held)
    if (!next) return false
    this.#held = this.#held.slice(next[0].length)
    this.#place = 'head'
    return true
  }

  /** The closing brace and tag, which nobody needs. */
  #readBehind(): boolean {
    if (this.#format === 'llama3') {
      this.#held = ''
      return false
    }
    if (this.#format === 'mistral') return this.#readComma()
    const at = this.#held.indexOf(CLOSING)
    if (at < 0) return false
    this.#held = this.#held.slice(at + CLOSING.length).trimStart()
    this.#raw = ''
    this.#place = 'text'
    return true
  }
}

/** Finds where a JSON object ends, over pieces of text. */
class ObjectScanner {
  #depth = 0
  #inString = false
  #escaped = false

  reset(): void {
    this.#depth = 0
    this.#inString = false
    this.#escaped = false
  }

  /** The place behind the object's end, null where it goes on. */
  scan(text: string): number | null {
    for (let at = 0; at < text.length; at++) {
      const letter = text[at]
      if (this.#escaped) this.#escaped = false
      else if (this.#inString && letter === '\\') this.#escaped = true
      else if (letter === '"') this.#inString = !this.#inString
      else if (!this.#inString && letter === '{') this.#depth++
      else if (!this.#inString && letter === '}' && --this.#depth === 0) return at + 1
    }
    return null
  }
}

/** How many characters at the end of `text` are the beginning of `word`. */
function overlap(text: string, word: string): number {
  for (let length = Math.min(text.length, word.length - 1); length > 0; length--) {
    if (text.endsWith(word.slice(0, length))) return length
  }
  return 0
}
