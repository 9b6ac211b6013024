/** The error of a request's field that is not as it should be. */
import { EngineError } from './errors.ts'

export function wrong(field: string, expected: string, found: unknown): EngineError {
  const shown = found === undefined ? 'nothing' : JSON.stringify(found)?.slice(0, 80)
  return new EngineError('bad-request', `${field}: expected ${expected}, found ${shown}.`)
}
