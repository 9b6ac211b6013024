/** Types of the Prompt API (webmachinelearning/prompt-api, August 2026) as far as the engine has what they stand for. */
import type { JsonSchema } from '../chat-types.ts'

export type Availability = 'unavailable' | 'downloadable' | 'downloading' | 'available'

export interface PromptPart {
  type: string
  value: unknown
}

export interface PromptMessage {
  role: 'system' | 'user' | 'assistant'
  content: string | readonly PromptPart[]
  /** Of a last assistant's message: the answer goes on behind it. */
  prefix?: boolean
}

/** A text is a user's message. */
export type Prompt = string | readonly PromptMessage[]

export interface Expected {
  type: string
  languages?: readonly string[]
}

export type SamplingMode =
  | 'most-predictable'
  | 'predictable'
  | 'slightly-predictable'
  | 'balanced'
  | 'slightly-creative'
  | 'creative'
  | 'most-creative'

export interface CreateCoreOptions {
  expectedInputs?: readonly Expected[]
  expectedOutputs?: readonly Expected[]
  tools?: readonly unknown[]
  samplingMode?: SamplingMode
  /** Unlike a browser's own model, the engine heeds both. */
  temperature?: number
  topK?: number
}

export interface CreateOptions extends CreateCoreOptions {
  initialPrompts?: readonly PromptMessage[]
  /** Called with an EventTarget that fires `downloadprogress`: `loaded` is a share, from 0 to 1. */
  monitor?: (monitor: EventTarget) => void
  /** Destroys the session, also while it is made. */
  signal?: AbortSignal
}

export interface PromptOptions {
  /** A JSON schema, or a regular expression that the whole answer matches. */
  responseConstraint?: Exclude<JsonSchema, boolean> | RegExp
  /** True: the model is not told of the constraint, only held to it. */
  omitResponseConstraintInput?: boolean
  signal?: AbortSignal
}

export interface SignalOptions {
  signal?: AbortSignal
}
