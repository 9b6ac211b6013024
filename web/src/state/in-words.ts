/** Errors as the page says them: in its language wherever kind and facts are known, else in their own words. */
import { EngineError, type Reason, wording } from '../engine/errors.ts'
import { text } from '../text/index.ts'
import { ServerError } from './server.ts'

/** What went wrong, in the page's language as it is now. */
export function inWords(error: unknown): string {
  if (error instanceof EngineError) return reasonsInWords(error.reasons)
  if (error instanceof ServerError) return text.value.server(error)
  return error instanceof Error ? error.message : String(error)
}

export function reasonsInWords(reasons: readonly Reason[]): string {
  return wording(
    reasons.map(reason => ('where' in reason ? { ...reason, where: placeInWords(reason.where) } : reason)),
    text.value.engine,
  )
}

/** Where a request has the shape of an answer, people have typed a schema or a pattern. */
function placeInWords(where: string): string {
  const { schema, pattern } = text.value.controls.format
  const [, field, within = ''] = /^response_format\.(json_schema\.schema|pattern)(?:\.(.*))?$/s.exec(where) ?? []
  if (!field) return where
  const name = field === 'pattern' ? pattern : schema
  return within ? `${name}, ${within}` : name
}
