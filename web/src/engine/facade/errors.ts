/** The engine's errors as the exceptions that a browser's own language model throws. */
import { EngineError, type ErrorCode } from '../errors.ts'

/** A prompt does not fit, whatever is left out: https://github.com/whatwg/webidl/pull/1465 */
export class QuotaExceeded extends DOMException {
  /** Tokens that were asked for, and those that there were. */
  readonly requested: number
  readonly quota: number

  constructor(requested: number, quota: number) {
    const message = `The prompt takes ${requested} tokens, and ${quota} are left. Shorten it, or make a new session.`
    super(message, 'QuotaExceededError')
    this.requested = requested
    this.quota = quota
  }
}

const NAMES: Record<ErrorCode, string> = {
  'no-model': 'NetworkError',
  'bad-manifest': 'NetworkError',
  download: 'NetworkError',
  integrity: 'NetworkError',
  quota: 'QuotaExceededError',
  'out-of-memory': 'OperationError',
  'device-lost': 'OperationError',
  unsupported: 'NotSupportedError',
  'bad-request': 'NotSupportedError',
  internal: 'OperationError',
}

export function domError(error: unknown): unknown {
  return error instanceof EngineError ? new DOMException(error.message, NAMES[error.code]) : error
}

export function notSupported(message: string): DOMException {
  return new DOMException(message, 'NotSupportedError')
}
