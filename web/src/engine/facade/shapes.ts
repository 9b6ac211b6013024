/** Types of the LanguageModelPrompt and Proofreader APIs (webmachinelearning/prompt-api, August 2026) as far as the engine has what they stand for. */
import type { JsonSchema } from '../chat-types.ts'
import type { ProofreadCorrection } from '../proofread/types.ts'

export type Availability = 'unavailable' | 'downloadable' | 'downloading' | 'available'

export interface LanguageModelMessageContent {
  type: string
  value: unknown
}

export interface LanguageModelMessage {
  role: 'system' | 'user' | 'assistant'
  content: string | readonly LanguageModelMessageContent[]
  /** Of a last assistant's message: the answer goes on behind it. */
  prefix?: boolean
}

/** A text is a user's message. */
export type LanguageModelPrompt = string | readonly LanguageModelMessage[]

export interface LanguageModelExpected {
  type: string
  languages?: readonly string[]
}

export type LanguageModelSamplingMode =
  | 'most-predictable'
  | 'predictable'
  | 'slightly-predictable'
  | 'balanced'
  | 'slightly-creative'
  | 'creative'
  | 'most-creative'

export interface LanguageModelCreateCoreOptions {
  expectedInputs?: readonly LanguageModelExpected[]
  expectedOutputs?: readonly LanguageModelExpected[]
  tools?: readonly unknown[]
  samplingMode?: LanguageModelSamplingMode
  /** Unlike a browser's own model, the engine heeds both. */
  temperature?: number
  topK?: number
}

export interface LanguageModelCreateOptions extends LanguageModelCreateCoreOptions {
  initialPrompts?: readonly LanguageModelMessage[]
  /** Called with an EventTarget that fires `downloadprogress`: `loaded` is a share, from 0 to 1. */
  monitor?: (monitor: EventTarget) => void
  /** Destroys the session, also while it is made. */
  signal?: AbortSignal
}

export interface LanguageModelPromptOptions {
  /** A JSON schema, or a regular expression that the whole answer matches. */
  responseConstraint?: Exclude<JsonSchema, boolean> | RegExp
  /** True: the model is not told of the constraint, only held to it. */
  omitResponseConstraintInput?: boolean
  signal?: AbortSignal
}

export interface LanguageModelSignalOptions {
  signal?: AbortSignal
}

export interface LanguageModelApi {
  /** Whether a session can be had, and whether that takes a download. */
  availability(options?: LanguageModelCreateCoreOptions): Promise<Availability>
  /**
   * A session with the model, which is loaded for the first one and shared by all.
   * @throws DOMException 'NotSupportedError', 'NetworkError', 'QuotaExceededError', 'AbortError'
   */
  create(options?: LanguageModelCreateOptions): Promise<LanguageModelSession>
}

/**
 * A conversation that grows with every prompt. Fires `contextoverflow` where its oldest turns had to be left out.
 * @throws DOMException from every method: 'AbortError', 'NotSupportedError' for what the model or a schema lacks,
 *   'QuotaExceededError' (with `requested` and `quota`, in tokens) for a prompt that never fits, 'SyntaxError',
 *   'OperationError'
 */
export interface LanguageModelSession extends EventTarget {
  oncontextoverflow: ((event: Event) => void) | null
  /** Tokens of the conversation so far. */
  readonly contextUsage: number
  /** Tokens that a conversation may have. */
  readonly contextWindow: number
  /** Null where temperature or topK were given. */
  readonly samplingMode: LanguageModelSamplingMode | null
  /** The whole answer. Prompts are answered one after the other; one that is aborted leaves no trace. */
  prompt(input: LanguageModelPrompt, options?: LanguageModelPromptOptions): Promise<string>
  /** The answer in pieces, one behind the other. */
  promptStreaming(input: LanguageModelPrompt, options?: LanguageModelPromptOptions): ReadableStream<string>
  /** Adds messages and has the model read them ahead of the next prompt. */
  append(input: LanguageModelPrompt, options?: LanguageModelSignalOptions): Promise<void>
  /** Tokens that a prompt would add. Changes nothing. */
  measureContextUsage(input: LanguageModelPrompt, options?: LanguageModelPromptOptions): Promise<number>
  /** Another session that goes on from here on its own. */
  clone(options?: LanguageModelSignalOptions): Promise<LanguageModelSession>
  /** Ends what is going on, and lets the model go where no other session uses it. */
  destroy(): void
}

/** As in the Proofreader API (webmachinelearning/proofreader-api). */
export interface ProofreaderCreateCoreOptions {
  /** Without it corrections have no `types`. */
  includeCorrectionTypes?: boolean
  /** Without it corrections have no `explanation`. */
  includeCorrectionExplanations?: boolean
  correctionExplanationLanguage?: string
  expectedInputLanguages?: readonly string[]
}

export interface ProofreaderCreateOptions extends ProofreaderCreateCoreOptions {
  /** Called with an EventTarget that fires `downloadprogress`: `loaded` is a share, from 0 to 1. */
  monitor?: (monitor: EventTarget) => void
  /** Destroys the proofreader, also while it is made. */
  signal?: AbortSignal
}

export interface ProofreaderResult {
  correctedInput: string
  corrections: (Omit<ProofreadCorrection, 'types' | 'explanation'> &
    Partial<Pick<ProofreadCorrection, 'types' | 'explanation'>>)[]
}

export interface ProofreaderApi {
  /** Whether a proofreader can be had, and whether that takes a download. */
  availability(options?: ProofreaderCreateCoreOptions): Promise<Availability>
  /**
   * A proofreader; the model is loaded for the first one and shared by all.
   * @throws DOMException 'NotSupportedError', 'NetworkError', 'AbortError'
   */
  create(options?: ProofreaderCreateOptions): Promise<ProofreaderSession>
}

export interface ProofreaderSession {
  readonly includeCorrectionTypes: boolean
  readonly includeCorrectionExplanations: boolean
  readonly correctionExplanationLanguage: string | null
  readonly expectedInputLanguages: readonly string[] | null
  /** @throws DOMException 'AbortError', 'NotSupportedError', 'OperationError' */
  proofread(input: string, options?: { signal?: AbortSignal }): Promise<ProofreaderResult>
  /** Ends what is going on, and lets the model go where no other proofreader uses it. */
  destroy(): void
}
