/**
 * Messages between page and worker. A call is answered by any number of events and then exactly one `done` or `fail`.
 * A `cancel` is a wish: the call still ends in one of the two. Imports nothing but types.
 */
import type {
  ChatMessage,
  Classification,
  CompleteRequest,
  CompleteResult,
  ContextPolicy,
  Device,
  Embeddings,
  EngineInfo,
  Fallback,
  FinishReason,
  LoadProgress,
  PrefillProgress,
  Priority,
  SamplingOptions,
  Stats,
  Tagging,
  TokenCount,
  Tool,
} from './api.ts'
import type { ConstraintSpec } from './constraint/spec.ts'
import type { ErrorCode, Reason } from './errors.ts'
import type { RequestNote } from './requests.ts'

/** A variant (`cpu-int8`; `cpu-int8/simd` on the engine's own kernels) that was tried in an earlier worker and must not be tried again, and why. */
export type PassedOver = Pick<Fallback, 'from' | 'reasons'>

export interface LoadArgs {
  /** Absolute, with a slash at the end. */
  bundleUrl: string
  device: 'auto' | Device
  variant: string | null
  backend: 'ort' | 'simd' | null
  threads: number | null
  /** Keep the files on the browser's private disk. */
  keep: boolean
  passedOver: PassedOver[]
}

export interface LoadEvent {
  progress: LoadProgress
  /** The variant being loaded, null until it is chosen. */
  variant: string | null
  /** What it is expected to take while it runs, 0 until it is chosen. */
  memoryBytes: number
}

/** How tokens are picked, and how many. */
export type Sampling = Pick<
  SamplingOptions,
  | 'temperature'
  | 'top_p'
  | 'top_k'
  | 'min_p'
  | 'repetition_penalty'
  | 'presence_penalty'
  | 'frequency_penalty'
  | 'logit_bias'
  | 'seed'
  | 'max_tokens'
>

/** Text is tokenized by the worker; `tokens` are taken as they are. */
export type PlainPrompt =
  /** `prefix`: what the answer begins with already. */
  | { kind: 'chat'; messages: ChatMessage[]; tools: Tool[]; prefix: string }
  | { kind: 'text'; text: string }
  | { kind: 'tokens'; tokens: number[] }

/** `task`: what the model is asked is said by its bundle. */
export type Prompt = PlainPrompt | { kind: 'task'; task: string; text: string }

export interface GenerateArgs {
  prompt: Prompt
  sampling: Sampling
  stop: string[]
  priority: Priority
  contextPolicy: ContextPolicy
  /** How many likeliest tokens to report beside each token of the answer, 0 to 20; null for no log probabilities. */
  topLogprobs: number | null
  /** Guess tokens by copying from the prompt, and from `draft`, a text much like the answer; null for plain decoding. */
  speculation: { draft: string | null } | null
  /** The shape that the whole answer must have, null for any. */
  constraint: ConstraintSpec | null
  /** Tokens that the answer has already, given by the caller or reported by an earlier worker: it goes on behind them. */
  resume: number[]
}

/** One token of the answer as the model saw it, before any sampling setting. */
export interface TokenInfo {
  id: number
  /** As the tokenizer spells it alone; U+FFFD where it holds part of a character. */
  text: string
  /** UTF-8, [] for special tokens without text. */
  bytes: number[]
  /** Natural logarithm of its probability. */
  logprob: number
}

export interface TokenInfoWithTop extends TokenInfo {
  /** The likeliest tokens at this place, best first: as many as were asked for. */
  top: TokenInfo[]
}

export interface TextEvent {
  kind: 'text'
  /** Whole characters only; '' where a token completes none. */
  text: string
  /** The tokens behind this event, in order: of the text, or held back as the possible beginning of a stop string. */
  tokens: number[]
  /** Of those tokens, where log probabilities were asked for; else []. */
  infos: TokenInfoWithTop[]
}

/** Before the first text: after each chunk of the prompt. */
export interface PrefillEvent extends PrefillProgress {
  kind: 'prefill'
}

/** Once, before anything else: the prompt as tokens, for a worker that has to go on with this answer. */
export interface StartEvent {
  kind: 'start'
  prompt: number[]
  droppedMessages: number
}

export type GenerateEvent = StartEvent | PrefillEvent | TextEvent

export interface CountArgs {
  prompt: Prompt
  /** Null for the model's default. */
  maxTokens: number | null
  /** Checked as the request to come would check it, null for any answer. */
  constraint: ConstraintSpec | null
}

/** A request with its defaults, and without what stays on the page. */
export type CompleteArgs = Required<Omit<CompleteRequest, 'signal'>>

export interface ScoreArgs {
  prompt: Prompt
  /** Answers that the model might give. */
  continuations: string[]
  /** Whether it also counts how likely each is to be all that is said: the end of the turn behind it. */
  withEnd: boolean
  /** Leaves out the tokens that all continuations begin with: cheaper, and exact for what is compared. */
  differences: boolean
  priority: Priority
}

export interface GenerateResult {
  finishReason: FinishReason
  stats: Stats
}

/** Every call by name: what it takes, what it reports on the way, what it ends with. */
export interface Calls {
  load: { args: LoadArgs; event: LoadEvent; result: EngineInfo }
  generate: { args: GenerateArgs; event: GenerateEvent; result: GenerateResult }
  complete: { args: CompleteArgs; event: never; result: CompleteResult }
  /** Log probability of each continuation (proofread/score.ts). */
  score: { args: ScoreArgs; event: never; result: number[] }
  count: { args: CountArgs; event: never; result: TokenCount }
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
  /** Give back the memory of sequences beside the present one. */
  | { kind: 'unpark' }

export type FromWorker =
  | { kind: 'event'; id: number; event: Calls[CallName]['event'] }
  | { kind: 'done'; id: number; result: Calls[CallName]['result'] }
  | Failure
  /** First of all: this worker holds the Web Lock of that name until it ends, however it ends. */
  | { kind: 'alive'; lock: string }
  /** The GPU went away; nothing can run in this worker any more. */
  | { kind: 'lost'; reason: Reason }
  /** After a job that changed it: what sequences beside the present one take. */
  | { kind: 'parked'; bytes: number }
  /** What this worker asked the network for. */
  | { kind: 'requests'; requests: RequestNote[] }

export interface Failure {
  kind: 'fail'
  id: number
  code: ErrorCode
  reasons: Reason[]
  /** True where the call was cancelled before it could end. */
  cancelled: boolean
  /** True where nothing can run in this worker any more. */
  fatal: boolean
  /** The variant that failed, where a lesser one may work in a fresh worker. */
  stepDownFrom: string | null
}
