/** `response_format` of a request as the constraint that the worker holds the answer to. */
import type { ResponseFormat } from './api.ts'
import type { ConstraintSpec, JsonSchema } from './constraint/spec.ts'
import { EngineError } from './errors.ts'
import { wrong } from './wrong.ts'

const TYPES = ['text', 'json_object', 'json_schema', 'regex'] as const

/**
 * Null for any text.
 * @throws EngineError 'bad-request', naming the field
 */
export function responseConstraint(format: ResponseFormat | undefined): ConstraintSpec | null {
  if (format === undefined) return null
  const type = TYPES.find(name => name === Object(format).type)
  if (!type) throw wrong('response_format.type', `one of ${TYPES.join(', ')}`, Object(format).type)
  switch (format.type) {
    case 'text':
      return null
    case 'json_object':
      return { kind: 'json-schema', schema: { type: 'object' }, where: 'response_format' }
    case 'json_schema': {
      const where = 'response_format.json_schema.schema'
      return { kind: 'json-schema', schema: plainSchema(Object(format.json_schema).schema, where), where }
    }
    case 'regex':
      if (typeof format.pattern !== 'string') throw wrong('response_format.pattern', 'a text', format.pattern)
      return { kind: 'regex', pattern: format.pattern, where: 'response_format.pattern' }
  }
}

/**
 * A schema as plain JSON, since a message to the worker carries nothing else.
 * @throws EngineError 'bad-request', naming the field
 */
export function plainSchema(schema: unknown, where: string): JsonSchema {
  if (typeof schema === 'boolean') return schema
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema))
    throw wrong(where, 'a JSON schema', schema)
  try {
    return JSON.parse(JSON.stringify(schema))
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause)
    throw new EngineError('bad-request', `${where}: is not JSON (${said}).`, { cause })
  }
}
