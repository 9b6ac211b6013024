/** The engine's one error type. Messages are whole sentences: what happened, why, what to do next. */

export type ErrorCode =
  | 'no-model'
  | 'bad-manifest'
  | 'download'
  | 'integrity'
  | 'quota'
  | 'out-of-memory'
  | 'device-lost'
  | 'unsupported'
  | 'bad-request'
  | 'internal'

export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
