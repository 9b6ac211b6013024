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
    throw new EngineError('bad-request', 'No finite text has the wanted format: it contradicts itself, or has no end.')
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
  }
}
