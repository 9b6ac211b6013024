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
  return wording(reasons, text.value.engine)
}
