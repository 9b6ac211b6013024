/** A constraint's description as an expression. */
import { EngineError } from '../errors.ts'
import { bytesOf } from './bytes.ts'
import type { Expression, Grammar } from './expression.ts'
import { JsonSchemaGrammar } from './json-schema.ts'
import { JsonText } from './json-text.ts'
import { regexExpression } from './regex.ts'
import type { ConstraintSpec } from './spec.ts'

export interface Compiled {
  root: Expression
  /** One character inside a JSON string. */
  stringCharacter: Expression
}

/** @throws EngineError 'bad-request', naming what is not supported and where */
export function compile(spec: ConstraintSpec, grammar: Grammar): Compiled {
  const text = new JsonText(grammar)
  const root = expressionOf(spec, text)
  grammar.settle(root)
  if (root.cost === Number.POSITIVE_INFINITY) {
    throw new EngineError('bad-request', { kind: 'shape-impossible' })
  }
  return { root, stringCharacter: text.character }
}

function expressionOf(spec: ConstraintSpec, text: JsonText): Expression {
  const { grammar } = text
  switch (spec.kind) {
    case 'json-schema': {
      const placed = { schema: spec.schema, where: spec.where }
      return new JsonSchemaGrammar(placed, text).of(placed)
    }
    case 'regex': {
      const write = (set: Parameters<JsonText['raw']>[0]) => text.raw(set)
      return regexExpression(spec.pattern, spec.where, { grammar, write, anything: null })
    }
    case 'text':
      return grammar.literal(bytesOf(spec.text))
    case 'sequence':
      return grammar.sequence(...spec.parts.map(part => expressionOf(part, text)))
    case 'choice':
      return grammar.choice(...spec.options.map(option => expressionOf(option, text)))
    case 'list': {
      const item = expressionOf(spec.of, text)
      const next = grammar.sequence(grammar.literal(bytesOf(spec.separator)), item)
      return grammar.sequence(item, grammar.repeat(next, 0))
    }
    case 'text-before':
      return textBefore(bytesOf(spec.opening), expressionOf(spec.behind, text), grammar)
  }
}

/** The automaton of Knuth, Morris and Pratt for `opening`, without its last step: one rule for each length matched. */
function textBefore(opening: string, behind: Expression, grammar: Grammar): Expression {
  const letters = [...new Set(opening)]
  const codes = letters.map(letter => letter.charCodeAt(0)).sort((a, b) => a - b)
  const others = [-1, ...codes]
    .map((code, at) => [code + 1, (codes[at] ?? 256) - 1] as const)
    .filter(([a, b]) => a <= b)
  const rules: Expression[] = Array.from({ length: opening.length }, (_, matched) =>
    grammar.rule(() => {
      const steps = letters.map(letter => {
        const next = matchedAfter(opening, opening.slice(0, matched) + letter)
        return next === opening.length
          ? grammar.never
          : grammar.sequence(grammar.literal(letter), rules[next] ?? grammar.never)
      })
      const other = grammar.sequence(grammar.byte(others), rules[0] ?? grammar.never)
      return grammar.choice(grammar.nothing, behind, other, ...steps)
    }),
  )
  return rules[0] ?? behind
}

/** How long a beginning of `opening` the end of `text` is. */
function matchedAfter(opening: string, text: string): number {
  let length = Math.min(opening.length, text.length)
  while (!text.endsWith(opening.slice(0, length))) length--
  return length
}
