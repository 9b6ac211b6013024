/** The engine's one error type. Messages are whole sentences: what happened, why, what to do next. */
import { type Reason, SENTENCES, wording } from './sentences.ts'

export { type Reason, SENTENCES, type Sentences, wording } from './sentences.ts'

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
  /** The same as the message, as kinds with their facts: for pages that say it in another language. */
  readonly reasons: readonly Reason[]

  /** @param what a sentence only where it is for programmers: a wrong argument, a state that cannot be */
  constructor(code: ErrorCode, what: Reason | readonly Reason[] | string, options?: ErrorOptions) {
    const reasons = typeof what === 'string' ? [{ kind: 'plain', said: what } as const] : [what].flat()
    super(inEnglish(reasons), options)
    this.code = code
    this.reasons = reasons
  }
}

/** What consoles and other pages read. */
export function inEnglish(reasons: readonly Reason[]): string {
  return wording(reasons, SENTENCES)
}
