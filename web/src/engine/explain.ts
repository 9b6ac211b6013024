/** Turns whatever was thrown into an EngineError with a sentence for people. */
import { EngineError, type ErrorCode, type Reason } from './errors.ts'

const OUT_OF_MEMORY = /bad_alloc|out of memory|failed to allocate|allocation failed|cannot enlarge memory|memory\.grow/i
const DEVICE_LOST = /device (is|was) lost|lost device|external instance reference no longer exists/i
const ABORTED = /aborted\(|unreachable|memory access out of bounds/i

/** Errors that are explanations of others. */
const explained = new WeakSet<EngineError>()

/** @param what which thing did not work, and what was said of it */
export function explain(error: unknown, what: (said: string) => Reason): EngineError {
  if (error instanceof EngineError) return error
  const said = error instanceof Error ? error.message : String(error)
  const code = codeOf(said)
  const explanation = new EngineError(code, [what(said), ADVICE[code]], { cause: error })
  explained.add(explanation)
  return explanation
}

/** Whether the runtime is gone for good behind this error: every later run in the same worker would fail too. */
export function isFatal(error: unknown): boolean {
  // Where the engine itself says that memory does not suffice, it has left everything as it was.
  if (error instanceof EngineError && error.code === 'out-of-memory' && !explained.has(error)) return false
  for (let cause = error; cause !== undefined; cause = cause instanceof Error ? cause.cause : undefined) {
    // A number is a C++ exception that nobody caught: the runtime did not unwind.
    if (cause instanceof WebAssembly.RuntimeError || typeof cause === 'number') return true
    const said = cause instanceof Error ? cause.message : ''
    const code = cause instanceof EngineError ? cause.code : codeOf(said)
    if (ABORTED.test(said) || code === 'device-lost' || code === 'out-of-memory') return true
  }
  return false
}

function codeOf(message: string): 'out-of-memory' | 'device-lost' | 'internal' {
  if (OUT_OF_MEMORY.test(message)) return 'out-of-memory'
  return DEVICE_LOST.test(message) ? 'device-lost' : 'internal'
}

const ADVICE = {
  'out-of-memory': { kind: 'free-memory' },
  'device-lost': { kind: 'start-anew' },
  internal: { kind: 'please-report' },
} as const satisfies Partial<Record<ErrorCode, Reason>>
