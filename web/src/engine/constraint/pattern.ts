/** Reads a regular expression that the browser has found to be one (flag `u`) into a tree. Groups leave no trace. */
import { ALL_CODE_POINTS, type CodePointSet, complement, HIGHEST_CODE_POINT, union } from './bytes.ts'

export type PatternNode =
  | { kind: 'set'; set: CodePointSet }
  | { kind: 'sequence'; parts: PatternNode[] }
  | { kind: 'choice'; options: PatternNode[] }
  | { kind: 'repeat'; of: PatternNode; min: number; max: number }
  /** What follows begins with this, or must not. */
  | { kind: 'ahead'; of: PatternNode; negated: boolean }
  | { kind: 'start' }
  | { kind: 'end' }

/** What `\p{…}` stands for: found by asking about every character, so never twice. */
const PROPERTIES = new Map<string, CodePointSet>()

type Refuse = (what: string) => Error

const DIGITS: CodePointSet = [[0x30, 0x39]]
const WORD = union(DIGITS, [
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
])
const LINE_ENDS: CodePointSet = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
]
const SPACES = union(
  [
    [0x09, 0x0d],
    [0x20, 0x20],
    [0xa0, 0xa0],
    [0x1680, 0x1680],
    [0x2000, 0x200a],
    [0x2028, 0x2029],
  ],
  [
    [0x202f, 0x202f],
    [0x205f, 0x205f],
    [0x3000, 0x3000],
    [0xfeff, 0xfeff],
  ],
)
const CONTROL_LETTERS: Record<string, number> = { t: 0x09, n: 0x0a, v: 0x0b, f: 0x0c, r: 0x0d, '0': 0x00 }

/** @throws what `refuse` makes of a construct that is not regular */
export function parsePattern(pattern: string, refuse: Refuse): PatternNode {
  return new PatternReader(pattern, refuse).alternatives()
}

class PatternReader {
  readonly #letters: string[]
  readonly #refuse: Refuse
  #at = 0

  constructor(pattern: string, refuse: Refuse) {
    this.#letters = [...pattern]
    this.#refuse = refuse
  }

  alternatives(): PatternNode {
    const options = [this.#sequence()]
    while (this.#take('|')) options.push(this.#sequence())
    const [first] = options
    return options.length === 1 && first ? first : { kind: 'choice', options }
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = []
    for (let next = this.#peek(); next !== undefined && next !== '|' && next !== ')'; next = this.#peek()) {
      parts.push(this.#quantified(this.#atom()))
    }
    const [first] = parts
    return parts.length === 1 && first ? first : { kind: 'sequence', parts }
  }

  #quantified(of: PatternNode): PatternNode {
    const counts = this.#quantifier()
    if (!counts) return of
    this.#take('?') // lazy: the same texts
    return { kind: 'repeat', of, ...counts }
  }

  #quantifier(): { min: number; max: number } | null {
    if (this.#take('*')) return { min: 0, max: Number.POSITIVE_INFINITY }
    if (this.#take('+')) return { min: 1, max: Number.POSITIVE_INFINITY }
    if (this.#take('?')) return { min: 0, max: 1 }
    if (!this.#take('{')) return null
    const min = this.#number()
    const max = this.#take(',') ? (this.#peek() === '}' ? Number.POSITIVE_INFINITY : this.#number()) : min
    this.#take('}')
    return { min, max }
  }

  #atom(): PatternNode {
    const letter = this.#next()
    if (letter === '(') return this.#group()
    if (letter === '[') return { kind: 'set', set: this.#characterClass() }
    if (letter === '.') return { kind: 'set', set: complement(LINE_ENDS) }
    if (letter === '^') return { kind: 'start' }
    if (letter === '$') return { kind: 'end' }
    if (letter !== '\\') return { kind: 'set', set: single(letter) }
    const after = this.#peek() ?? ''
    if (after === 'b' || after === 'B') throw this.#refuse(`\\${after}`)
    if (/[1-9k]/.test(after)) throw this.#refuse('a reference to a group')
    return { kind: 'set', set: this.#escape() }
  }

  #group(): PatternNode {
    if (this.#take('?')) {
      const ahead = this.#take('=') ? { negated: false } : this.#take('!') ? { negated: true } : null
      if (ahead) return { kind: 'ahead', of: this.#inner(), ...ahead }
      if (this.#take('<')) {
        if (this.#peek() === '=' || this.#peek() === '!') throw this.#refuse('a lookbehind')
        while (this.#next() !== '>');
      } else if (!this.#take(':')) {
        throw this.#refuse('a group with flags')
      }
    }
    return this.#inner()
  }

  #inner(): PatternNode {
    const inner = this.alternatives()
    this.#take(')')
    return inner
  }

  #characterClass(): CodePointSet {
    const negated = this.#take('^')
    const members: CodePointSet[] = []
    while (!this.#take(']')) {
      const from = this.#member()
      const isRange = this.#peek() === '-' && this.#letters[this.#at + 1] !== ']'
      if (!isRange) {
        members.push(from)
        continue
      }
      this.#next()
      members.push([[from[0]?.[0] ?? 0, this.#member()[0]?.[0] ?? 0]])
    }
    const set = union(...members)
    return negated ? complement(set) : set
  }

  #member(): CodePointSet {
    const letter = this.#next()
    if (letter !== '\\') return single(letter)
    if (this.#take('b')) return [[0x08, 0x08]]
    return this.#escape()
  }

  /** What a backslash stands for, behind it. */
  #escape(): CodePointSet {
    const letter = this.#next()
    const control = CONTROL_LETTERS[letter]
    if (control !== undefined) return [[control, control]]
    switch (letter) {
      case 'd':
        return DIGITS
      case 'D':
        return complement(DIGITS)
      case 'w':
        return WORD
      case 'W':
        return complement(WORD)
      case 's':
        return SPACES
      case 'S':
        return complement(SPACES)
      case 'p':
      case 'P':
        return this.#property(letter)
      case 'c':
        return code((this.#next().codePointAt(0) ?? 0) % 32)
      case 'x':
        return code(Number.parseInt(this.#next() + this.#next(), 16))
      case 'u':
        return code(this.#unicode())
      default:
        return single(letter)
    }
  }

  #unicode(): number {
    if (this.#take('{')) {
      let digits = ''
      for (let next = this.#next(); next !== '}'; next = this.#next()) digits += next
      return Number.parseInt(digits, 16)
    }
    const unit = this.#fourHex()
    const isLead = unit >= 0xd800 && unit <= 0xdbff
    if (isLead && this.#peek() === '\\' && this.#letters[this.#at + 1] === 'u') {
      this.#at += 2
      return 0x10000 + ((unit - 0xd800) << 10) + (this.#fourHex() - 0xdc00)
    }
    return unit
  }

  #fourHex(): number {
    return Number.parseInt(this.#next() + this.#next() + this.#next() + this.#next(), 16)
  }

  /** `\p{…}`: the browser knows which characters those are. */
  #property(letter: 'p' | 'P'): CodePointSet {
    let name = ''
    for (let next = this.#next(); next !== '}'; next = this.#next()) name += next
    const source = `\\${letter}${name}}`
    const known = PROPERTIES.get(source)
    if (known) return known
    const test = new RegExp(source, 'u')
    const found: [number, number][] = []
    for (const [from, to] of ALL_CODE_POINTS) {
      for (let at = from; at <= to; at++) {
        if (!test.test(String.fromCodePoint(at))) continue
        const last = found.at(-1)
        if (last?.[1] === at - 1) last[1] = at
        else found.push([at, at])
      }
    }
    PROPERTIES.set(source, found)
    return found
  }

  #number(): number {
    let digits = ''
    while (/\d/.test(this.#peek() ?? '')) digits += this.#next()
    return Number(digits)
  }

  #peek(): string | undefined {
    return this.#letters[this.#at]
  }

  #next(): string {
    return this.#letters[this.#at++] ?? ''
  }

  #take(letter: string): boolean {
    if (this.#peek() !== letter) return false
    this.#at++
    return true
  }
}

function single(letter: string): CodePointSet {
  return code(letter.codePointAt(0) ?? 0)
}

function code(point: number): CodePointSet {
  return [[point, Math.min(point, HIGHEST_CODE_POINT)]]
}
