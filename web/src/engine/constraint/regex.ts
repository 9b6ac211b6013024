/**
 * JavaScript regular expressions (ECMA-262, with the meaning of the `u` flag) as expressions over bytes. What a regular
 * grammar cannot say is refused: assertions other than ^ and $ at the ends, references to groups.
 */
import { EngineError } from '../errors.ts'
import type { Expression, Grammar } from './expression.ts'
import type { CharacterWriter } from './json-text.ts'
import { type PatternNode, parsePattern } from './pattern.ts'

export interface RegexTarget {
  grammar: Grammar
  /** How characters are written where the text stands. */
  write: CharacterWriter
  /** One character of any kind, for what a search leaves open; null where the whole text must match. */
  anything: Expression | null
}

/** Longest counted repetition: each step of a count is a state of its own. */
const MOST_REPEATS = 10_000

/**
 * @param where the pattern stands, for messages: `response_format.pattern`
 * @throws EngineError 'bad-request' for a pattern that is no pattern, or says what is not supported
 */
export function regexExpression(pattern: string, where: string, target: RegexTarget): Expression {
  const { grammar } = target
  const refuse = (what: string) =>
    new EngineError('bad-request', { kind: 'pattern-unsupported', where, what, pattern: pattern.slice(0, 80) })
  const open = () => (target.anything ? grammar.repeat(target.anything, 0) : grammar.nothing)

  function emit(node: PatternNode): Expression {
    switch (node.kind) {
      case 'set':
        return target.write(node.set)
      case 'sequence':
        return grammar.sequence(...node.parts.map(emit))
      case 'choice':
        return grammar.choice(...node.options.map(emit))
      case 'repeat': {
        const most = node.max === Number.POSITIVE_INFINITY ? node.min : node.max
        if (most > MOST_REPEATS) throw refuse(`a repetition of more than ${MOST_REPEATS}`)
        return grammar.repeat(emit(node.of), node.min, node.max)
      }
      case 'start':
      case 'end':
        throw refuse(`${node.kind === 'start' ? '^' : '$'} elsewhere than at an end`)
    }
  }

  /** A whole alternative: what it does not anchor may have anything around it. */
  function searched(node: PatternNode): Expression {
    if (node.kind === 'choice') return grammar.choice(...node.options.map(searched))
    const parts = node.kind === 'sequence' ? [...node.parts] : [node]
    const [only] = parts
    if (parts.length === 1 && only?.kind === 'choice') return searched(only)
    const atStart = parts[0]?.kind === 'start'
    if (atStart) parts.shift()
    const atEnd = parts.at(-1)?.kind === 'end'
    if (atEnd) parts.pop()
    const inner = parts.map(emit)
    return grammar.sequence(...(atStart ? [] : [open()]), ...inner, ...(atEnd ? [] : [open()]))
  }

  try {
    new RegExp(pattern, 'u')
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause)
    throw new EngineError('bad-request', { kind: 'not-a-pattern', where, said }, { cause })
  }
  return searched(parsePattern(pattern, refuse))
}
