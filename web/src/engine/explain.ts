/** Turns whatever was thrown into an EngineError with a sentence for people. */
import { EngineError, type ErrorCode } from './errors.ts'

const OUT_OF_MEMORY = /bad_alloc|out of memory|failed to allocate|allocation failed|cannot enlarge memory|memory\.grow/i
const DEVICE_LOST = /device (is|was) lost|lost device|external instance reference no longer exists/i

/** @param what the thing that did not work, as the beginning of a sentence: "The model could not be started" */
export function explain(error: unknown, what: string): EngineError {
  if (error instanceof EngineError) return error
  const said = error instanceof Error ? error.message : String(error)
  const code = codeOf(said)
  return new EngineError(code, `${what} (${said}). ${ADVICE[code]}`, { cause: error })
}

function codeOf(message: string): 'out-of-memory' | 'device-lost' | 'internal' {
  if (OUT_OF_MEMORY.test(message)) return 'out-of-memory'
  return DEVICE_LOST.test(message) ? 'device-lost' : 'internal'
}

const ADVICE = {
  'out-of-memory': 'Close other tabs, or choose a smaller model.',
  'device-lost': 'Reload the page to start the graphics adapter again.',
  internal: 'Reload the page; if it happens again, please report it.',
} satisfies Partial<Record<ErrorCode, string>>
