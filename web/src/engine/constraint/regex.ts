/**
 * JavaScript regular expressions (ECMA-262, with the meaning of the `u` flag) as expressions over bytes. What a regular
 * grammar cannot say is refused: assertions other than ^ and $ at the ends and lookaheads at the beginning, references to
 * groups.
 */
import { EngineError } from '../errors.ts'
import { Automaton } from './automaton.ts'
import { ALL_CODE_POINTS } from './bytes.ts'
import type { Expression, Grammar } from './expression.ts'
import { meet } from './intersection.ts'
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
  // Beside a lookahead each character is written in one way only, so that none is seen as another.
  const oneWay = () => grammar.repeat(target.write(ALL_CODE_POINTS), 0)

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
      case 'ahead':
        throw refuse('a lookahead elsewhere than at the beginning, behind ^,')
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
    const ahead = atStart || target.anything === null ? aheadOf(parts) : []
    const atEnd = parts.at(-1)?.kind === 'end'
    if (atEnd) parts.pop()
    const inner = parts.map(emit)
    const rest = ahead.length > 0 && target.anything ? oneWay() : open()
    const text = grammar.sequence(...(atStart ? [] : [open()]), ...inner, ...(atEnd ? [] : [rest]))
    if (ahead.length === 0) return text
    const side = new Automaton(grammar)
    return ahead.reduce((so, { of, negated }) => meet(side, [so, beginning(of)], negated), text)
  }

  /** Whole texts that begin as a lookahead at their beginning says. */
  function beginning(node: PatternNode): Expression {
    if (node.kind === 'choice') return grammar.choice(...node.options.map(beginning))
    const parts = node.kind === 'sequence' ? [...node.parts] : [node]
    const [only] = parts
    if (parts.length === 1 && only?.kind === 'choice') return beginning(only)
    if (parts[0]?.kind === 'start') parts.shift()
    const atEnd = parts.at(-1)?.kind === 'end'
    if (atEnd) parts.pop()
    return grammar.sequence(...parts.map(emit), ...(atEnd ? [] : [oneWay()]))
  }

  return searched(parsePattern(checked(pattern, where), refuse))
}

type Ahead = Extract<PatternNode, { kind: 'ahead' }>

/** Takes the lookaheads off the front. */
function aheadOf(parts: PatternNode[]): Ahead[] {
  const found: Ahead[] = []
  for (let first = parts[0]; first?.kind === 'ahead'; first = parts[0]) {
    found.push(first)
    parts.shift()
  }
  return found
}

/**
 * The pattern as the flag `u` has it: many were written without.
 * @throws EngineError 'bad-request' for one that is none either way
 */
function checked(pattern: string, where: string): string {
  try {
    new RegExp(pattern, 'u')
    return pattern
  } catch (cause) {
    const plain = pattern.replace(/\\(.)/gsu, (whole, sign) => withoutNeed(sign) ?? whole)
    if (isPattern(plain)) return plain
    const said = cause instanceof Error ? cause.message : String(cause)
    throw new EngineError('bad-request', { kind: 'not-a-pattern', where, said }, { cause })
  }
}

/** A sign that needs no backslash, as in `\@`; the flag `u` forbids it there. Null for all others. */
function withoutNeed(sign: string): string | null {
  if (sign === '-') return '\\x2d' // between brackets a range without
  return sign !== '_' && /[\w^$\\.*+?()[\]{}|/]/.test(sign) ? null : sign
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text, 'u') !== null
  } catch {
    return false
  }
}
