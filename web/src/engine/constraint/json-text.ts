/** The lexical parts of JSON (RFC 8259) as expressions: characters of strings, literals, separators. */
import { bytesOf, type CodePointSet, complement, intersection, union, utf8Sequences } from './bytes.ts'
import type { Expression, Grammar } from './expression.ts'
import type { JsonValue } from './spec.ts'

/** How a set of characters is written in some kind of text. */
export type CharacterWriter = (set: CodePointSet) => Expression

const CONTROLS: CodePointSet = [[0, 0x1f]]
const QUOTE_AND_BACKSLASH: CodePointSet = [
  [0x22, 0x22],
  [0x5c, 0x5c],
]
const PLAIN = complement(union(CONTROLS, QUOTE_AND_BACKSLASH))
const HEX: CodePointSet = [
  [0x30, 0x39],
  [0x41, 0x46],
  [0x61, 0x66],
]
/** D and d begin surrogates where a digit from 8 on follows. */
const LETTER_D: CodePointSet = [
  [0x44, 0x44],
  [0x64, 0x64],
]

export class JsonText {
  readonly grammar: Grammar
  /** One character inside a string, escaped or not, without surrogate escapes. */
  readonly character: Expression
  /** One character of a string that needs no escape. */
  readonly plainCharacter: Expression
  readonly comma: Expression
  readonly colon: Expression

  constructor(grammar: Grammar) {
    this.grammar = grammar
    this.plainCharacter = this.raw(PLAIN)
    this.character = grammar.choice(this.plainCharacter, this.#escape())
    const space = grammar.optional(grammar.literal(' '))
    this.comma = grammar.sequence(grammar.literal(','), space)
    this.colon = grammar.sequence(grammar.literal(':'), space)
  }

  /** @param content of the string, without its quotes */
  string(content: Expression): Expression {
    const quote = this.grammar.literal('"')
    return this.grammar.sequence(quote, content, quote)
  }

  /** A value written in one way only, without white space. */
  value(value: JsonValue): Expression {
    return this.grammar.literal(bytesOf(JSON.stringify(value)))
  }

  /** The characters as they are, in UTF-8. */
  raw(set: CodePointSet): Expression {
    const { grammar } = this
    const sequences = utf8Sequences(set).map(parts => grammar.sequence(...parts.map(range => grammar.byte([range]))))
    return grammar.choice(...sequences)
  }

  /** The characters as they stand in a string: each in one way only. */
  escaped(set: CodePointSet): Expression {
    const { grammar } = this
    const special = intersection(set, union(CONTROLS, QUOTE_AND_BACKSLASH)).flatMap(([from, to]) =>
      Array.from({ length: to - from + 1 }, (_, index) => {
        const text = JSON.stringify(String.fromCodePoint(from + index))
        return grammar.literal(text.slice(1, -1))
      }),
    )
    return grammar.choice(this.raw(intersection(set, PLAIN)), ...special)
  }

  #escape(): Expression {
    const { grammar } = this
    const hex = grammar.byte(HEX)
    const code = grammar.choice(
      grammar.sequence(grammar.byte(intersection(HEX, complement(LETTER_D))), hex, hex, hex),
      // D800 to DFFF are halves of characters.
      grammar.sequence(grammar.byte(LETTER_D), grammar.byte([[0x30, 0x37]]), hex, hex),
    )
    const short = grammar.byte(
      union(...Array.from('"\\/bfnrt', letter => [[letter.charCodeAt(0), letter.charCodeAt(0)]] as const)),
    )
    return grammar.sequence(grammar.literal('\\'), grammar.choice(short, grammar.sequence(grammar.literal('u'), code)))
  }
}
