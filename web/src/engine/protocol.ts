/**
 * Messages between page and worker. A call is answered by any number of events and then exactly one `done` or `fail`.
 * A `cancel` is a wish: the call still ends in one of the two. Imports nothing but types.
 */
import type {
  ChatMessage,
  Classification,
  Device,
  Embeddings,
  EngineInfo,
  Fallback,
  FinishReason,
  LoadProgress,
  Stats,
  Tagging,
} from './api.ts'
import type { ErrorCode } from './errors.ts'

/** A variant that was tried in an earlier worker and must not be tried again, and why. */
export type PassedOver = Pick<Fallback, 'from' | 'reason'>

export interface LoadArgs {
  /** Absolute, with a slash at the end. */
  bundleUrl: string
  device: 'auto' | Device
  variant: string | null
  threads: number | null
  passedOver: PassedOver[]
}

export interface LoadEvent {
  progress: LoadProgress
  /** The variant being loaded, null until it is chosen. */
  variant: string | null
}

export interface Sampling {
  temperature?: number
  top_p?: number
  top_k?: number
  repetition_penalty?: number
  seed?: number
  max_tokens?: number
}

export interface GenerateArgs {
  prompt: { kind: 'chat'; messages: ChatMessage[] } | { kind: 'text'; text: string }
  sampling: Sampling
  stop: string[]
}

export interface TextEvent {
  /** Whole characters only. */
  text: string
}

export interface GenerateResult {
  finishReason: FinishReason
  stats: Stats
}

/** Every call by name: what it takes, what it reports on the way, what it ends with. */
export interface Calls {
  load: { args: LoadArgs; event: LoadEvent; result: EngineInfo }
  generate: { args: GenerateArgs; event: TextEvent; result: GenerateResult }
  embed: { args: { texts: string[] }; event: never; result: Embeddings }
  classify: { args: { text: string }; event: never; result: Classification }
  tag: { args: { text: string }; event: never; result: Tagging }
}

export type CallName = keyof Calls
/** The calls of encoder models. */
export type ReadingName = 'embed' | 'classify' | 'tag'

export type ToWorker =
  | { [N in CallName]: { kind: 'call'; id: number; name: N; args: Calls[N]['args'] } }[CallName]
  | { kind: 'cancel'; id: number }

export type FromWorker =
  | { kind: 'event'; id: number; event: Calls[CallName]['event'] }
  | { kind: 'done'; id: number; result: Calls[CallName]['result'] }
  | Failure

export interface Failure {
  kind: 'fail'
  id: number
  code: ErrorCode
  message: string
  /** True where the call was cancelled before it could end. */
  cancelled: boolean
  /** The variant that failed, where a lesser one may work in a fresh worker. */
  stepDownFrom: string | null
}
