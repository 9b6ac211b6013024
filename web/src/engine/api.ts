/**
 * The engine's public types: what `/slm.js` offers and what the UI and the tasks use. Imports nothing but errors' types.
 * Shapes of chat and completion are OpenAI's; sizes are bytes, times milliseconds, speeds tokens per second.
 */
import type { MemoryBudget } from './memory.ts'

export type Device = 'webgpu' | 'cpu'
export type Role = 'system' | 'user' | 'assistant' | 'tool'

/** A call of a tool that the model asks for. `arguments` is JSON. */
export interface ToolCall {
  id: string
  type: 'function'
  function: { name: string; arguments: string }
}

export interface ChatMessage {
  role: Role
  content: string
  /** Of an assistant's message. */
  tool_calls?: ToolCall[]
  /** Of a tool's message: which call it answers. */
  tool_call_id?: string
}

export interface TextPart {
  type: 'text'
  text: string
}

/** A message as requests take it: `developer` is `system` by another name, parts of text are joined. */
export interface ChatMessageParam {
  role: Role | 'developer'
  content?: string | readonly TextPart[] | null
  tool_calls?: readonly ToolCall[]
  tool_call_id?: string
  name?: string
}

/** A JSON Schema (2020-12, or draft 7). What is supported is told in docs/api.md; the rest is refused by name. */
export type JsonSchema = boolean | { [keyword: string]: unknown }

/** A function that the model may ask to be called. */
export interface Tool {
  type: 'function'
  function: {
    name: string
    description?: string
    /** A schema of type `object`; without it the function takes no arguments. */
    parameters?: JsonSchema
    /** Arguments always satisfy the schema where a call is asked for; with it they do so for `tool_choice: 'auto'` too. */
    strict?: boolean | null
  }
}

/** `auto` lets the model decide, `required` makes it call a tool, a name makes it call that one. */
export type ToolChoice = 'none' | 'auto' | 'required' | { type: 'function'; function: { name: string } }

/**
 * The shape of an answer. Whatever the model would rather say, nothing else comes: JSON that satisfies a schema, any JSON
 * object, or text that a JavaScript regular expression matches from beginning to end.
 */
export type ResponseFormat =
  | { type: 'text' }
  | { type: 'json_object' }
  | {
      type: 'json_schema'
      json_schema: { name?: string; description?: string; schema: JsonSchema; strict?: boolean | null }
    }
  | { type: 'regex'; pattern: string }

/** How a model writes calls of tools: in `<tool_call>` tags, or as bare JSON. */
export type ToolFormat = 'hermes' | 'llama3'

/** Steps of a load, in order. `self-test` is the first run of the model, compared with PyTorch's answer. */
export type LoadPhase = 'manifest' | 'runtime' | 'download' | 'session' | 'self-test' | 'ready'

export interface LoadProgress {
  phase: LoadPhase
  /** Bytes of this variant's files received so far, and in all (0 until the manifest is read). */
  loadedBytes: number
  totalBytes: number
  elapsedMs: number
  /** What the loader is doing, for people: "Downloading model.onnx.data". */
  detail: string
}

export interface EngineOptions {
  /** URL of the bundle folder, absolute or relative to the page: `/models/smollm2-135m-instruct/`. */
  bundle: string
  /** `auto` takes WebGPU where an adapter works and passes the self-test, else the CPU. */
  device?: 'auto' | Device
  /** A variant of the manifest by name; without it the best one for the device. */
  variant?: string
  /** CPU threads; without it min(4, logical cores), and 1 where the page is not cross-origin isolated. */
  threads?: number
  /** Shared by engines that live side by side: where one does not fit, those used longest ago are unloaded until used again. */
  memory?: MemoryBudget
  signal?: AbortSignal
  onProgress?: (progress: LoadProgress) => void
}

/** A step back from a better device or variant, and why: shown to the user, never silent. */
export interface Fallback {
  from: string
  to: string
  reason: string
}

export interface BundleInfo {
  id: string
  name: string
  description: string
  licence: string
  family: string
  parameters: number
}

export interface SelfTest {
  passed: boolean
  /** Largest |Δlogit| against PyTorch over the manifest's reference logits, and how much was allowed. */
  maxLogitError: number
  allowedLogitError: number
  ms: number
}

/** What a model is: `decoder` chats and continues, `encoder-decoder` answers a text, `encoder` reads one. */
export type Architecture = 'decoder' | 'encoder-decoder' | 'encoder'
export type EncoderTask = 'text-classification' | 'token-classification' | 'embeddings'

/** The words that a model such as T5 wants before a text: `translate English to German: `. */
export interface TaskPrefix {
  task: string
  prefix: string
}

export interface GenerationDefaults {
  temperature: number
  top_p: number
  top_k: number
  repetition_penalty: number
  max_tokens: number
}

export interface EngineInfo {
  bundle: BundleInfo
  architecture: Architecture
  /** Of an encoder: what its reading gives, and so which of `embed`, `classify` and `tag` works. Null elsewhere. */
  encoderTask: EncoderTask | null
  prefixes: TaskPrefix[]
  variant: string
  device: Device
  /** Which code computes: `ort-webgpu-jspi`, `ort-webgpu-asyncify`, `ort-wasm`, `fake`. */
  backend: string
  /** GPU as the browser names it, null on the CPU. */
  adapter: string | null
  threads: number
  contextLength: number
  /** How the model calls tools, null where its chat template has no place for them. */
  toolFormat: ToolFormat | null
  defaults: GenerationDefaults
  downloadBytes: number
  loadMs: number
  selfTest: SelfTest
  fallbacks: Fallback[]
}

/**
 * `stop`: the model ended its turn, a stop string came, or what `response_format` asks for is whole; `length`: max_tokens
 * or the context was reached; `tool_calls`: the model waits for the results of its calls.
 */
export type FinishReason = 'stop' | 'length' | 'tool_calls'
export type StopReason = 'end-of-turn' | 'stop-string' | 'max-tokens' | 'context-full' | 'cancelled' | 'error'

export interface Stats {
  promptTokens: number
  /** Prompt tokens whose KV was already there: not computed again. */
  cachedTokens: number
  outputTokens: number
  /** From the start of the job to the first token. */
  timeToFirstTokenMs: number
  prefillMs: number
  decodeMs: number
  /** Decode speed; 0 where fewer than two tokens came. */
  tokensPerSecond: number
  stopReason: StopReason
  /** Oldest messages that were left out because the conversation did not fit. */
  droppedMessages: number
  /** Tokens guessed by copying, and how many of them were right; both 0 without speculation. */
  draftedTokens: number
  acceptedTokens: number
  /** How often another worker had to go on with the answer, because the first one died or its GPU went away. */
  recoveries: number
}

/** What a prompt comes to, told before it is sent. */
export interface TokenCount {
  /** Of the whole prompt, with what the chat format adds. */
  tokens: number
  contextLength: number
  /** How many tokens an answer may have behind it; 0 where the prompt does not fit. */
  room: number
  /** What `context_policy: 'drop-oldest'` would leave out, and what would remain; nothing where all fits. */
  dropped: { messages: number; tokens: number; room: number }
}

export interface PrefillProgress {
  /** Tokens of the prompt that are read, those taken from the cache included. */
  prefilledTokens: number
  promptTokens: number
  cachedTokens: number
}

/** `background` work (a suggestion while somebody types) yields to `interactive` work (an answer that is waited for). */
export type Priority = 'interactive' | 'background'

/** What to do with a conversation that does not fit: refuse it, or leave out its oldest turns but keep its system message. */
export type ContextPolicy = 'error' | 'drop-oldest'

export interface SamplingOptions {
  /** 0 is greedy. */
  temperature?: number
  top_p?: number
  /** 0 is off. */
  top_k?: number
  /** Keeps the tokens at least this likely, compared with the likeliest one; 0 is off. */
  min_p?: number
  /** 1 is off. Of prompt and answer. */
  repetition_penalty?: number
  /** −2 to 2, 0 is off: taken off the logit of every token that the answer has already. */
  presence_penalty?: number
  /** −2 to 2, 0 is off: the same, times how often the answer has it. */
  frequency_penalty?: number
  /** Token id → −100 to 100, added to its logit. */
  logit_bias?: Record<string, number>
  /** Same bundle, settings, seed and backend give the same text; without it each run draws a new one. */
  seed?: number
  max_tokens?: number
  /** OpenAI's newer name of `max_tokens`. */
  max_completion_tokens?: number
  /** With less room than the answer needs (`max_tokens`), JSON is brought to its end early rather than cut off. */
  response_format?: ResponseFormat
  /** The bundle's id, where it is given. */
  model?: string
  /** One answer a call: more are not supported. */
  n?: 1 | null
  /** For OpenAI's bookkeeping: without effect here. */
  user?: string
  metadata?: Record<string, string> | null
  store?: boolean | null
  /** Up to 4 texts that end the answer; they are not part of it. */
  stop?: string | string[]
  /** `interactive` without it. A background job pauses at its next token while others wait, and goes on afterwards. */
  priority?: Priority
  /** `copy` guesses tokens by copying from the prompt and checks several at once: the same text, sooner where it copies. */
  speculate?: 'off' | 'copy'
  /** A text much like the answer to come, such as the one to be corrected: copied from like the prompt. */
  prediction?: { type: 'content'; content: string }
  /** Called while the prompt is read. */
  onProgress?: (progress: PrefillProgress) => void
  signal?: AbortSignal
}

export interface ChatRequest extends SamplingOptions {
  messages: readonly ChatMessageParam[]
  tools?: readonly Tool[]
  /** `auto` without it. */
  tool_choice?: ToolChoice
  /** False for one call at most. */
  parallel_tool_calls?: boolean
  /** Log probabilities of the answer's tokens, and of so many likeliest ones beside each (0 to 20). */
  logprobs?: boolean
  top_logprobs?: number
  /** `error` without it. */
  context_policy?: ContextPolicy
  stream?: boolean
}

export interface CompletionRequest extends SamplingOptions {
  prompt: string
  /** Log probabilities of the answer's tokens, and of so many likeliest ones beside each (0 to 20). */
  logprobs?: number
  stream?: boolean
}

export interface Usage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
  prompt_tokens_details: { cached_tokens: number }
}

/** A token of the answer as the model saw it, before any sampling setting. */
export interface TokenLogprob {
  token: string
  /** Natural logarithm of its probability. */
  logprob: number
  /** UTF-8, null for special tokens without text. */
  bytes: number[] | null
}

export interface ChatLogprobs {
  content: (TokenLogprob & { top_logprobs: TokenLogprob[] })[]
  refusal: null
}

export interface CompletionLogprobs {
  tokens: string[]
  token_logprobs: number[]
  top_logprobs: Record<string, number>[]
  /** Where each token begins in the answer, in UTF-16 code units. */
  text_offset: number[]
}

/** A piece of a call: `id` and `name` come first, `arguments` in pieces behind one another. */
export interface ToolCallDelta {
  index: number
  id?: string
  type?: 'function'
  function: { name?: string; arguments: string }
}

export interface ChatChunk {
  id: string
  object: 'chat.completion.chunk'
  created: number
  model: string
  choices: [
    {
      index: 0
      delta: { role?: 'assistant'; content?: string; tool_calls?: ToolCallDelta[] }
      finish_reason: FinishReason | null
      /** Where they were asked for. */
      logprobs?: ChatLogprobs
    },
  ]
  /** On the last chunk only. */
  usage?: Usage
}

export interface ChatCompletion {
  id: string
  object: 'chat.completion'
  created: number
  model: string
  choices: [
    {
      index: 0
      message: { role: 'assistant'; content: string; tool_calls?: ToolCall[] }
      finish_reason: FinishReason
      logprobs?: ChatLogprobs
    },
  ]
  usage: Usage
}

export interface CompletionChunk {
  id: string
  object: 'text_completion'
  created: number
  model: string
  choices: [{ index: 0; text: string; finish_reason: FinishReason | null; logprobs?: CompletionLogprobs }]
  usage?: Usage
}

export interface Completion extends CompletionChunk {
  choices: [{ index: 0; text: string; finish_reason: FinishReason; logprobs?: CompletionLogprobs }]
  usage: Usage
}

/** One vector per text, in order. `truncated` tells of each whether its text was longer than the model reads. */
export interface Embeddings {
  vectors: Float32Array[]
  truncated: boolean[]
}

export interface Label {
  label: string
  /** From 0 to 1. */
  score: number
}

/** Every label of the model, best first. */
export interface Classification {
  labels: Label[]
  truncated: boolean
}

/** A span of the text, in UTF-16 code units [start, end). */
export interface Entity extends Label {
  text: string
  start: number
  end: number
}

export interface Tagging {
  entities: Entity[]
  truncated: boolean
}

export interface ReadingOptions {
  signal?: AbortSignal
}

/**
 * What encoder models do. A text longer than the model reads is cut at its end, and the result says so.
 * @throws EngineError 'unsupported' where the model does something else
 */
export interface Readings {
  /** Sentence vectors: texts of like meaning have a large dot product. */
  embed(texts: readonly string[], options?: ReadingOptions): Promise<Embeddings>
  /** Labels for a whole text, such as its sentiment. */
  classify(text: string, options?: ReadingOptions): Promise<Classification>
  /** Labelled spans of a text, such as names of people and places. */
  tag(text: string, options?: ReadingOptions): Promise<Tagging>
}

/**
 * A loaded model. One job runs at a time; later calls wait. Ending a `for await` early, or aborting its signal, stops
 * the job within one token; an abort rejects with an `AbortError`.
 * @throws EngineError from every method; its `code` is closed (see errors.ts)
 */
export interface Engine extends Readings {
  readonly info: EngineInfo
  readonly chat: {
    readonly completions: {
      create(request: ChatRequest & { stream: true }): AsyncIterable<ChatChunk>
      create(request: ChatRequest & { stream?: false }): Promise<ChatCompletion>
    }
  }
  readonly completions: {
    create(request: CompletionRequest & { stream: true }): AsyncIterable<CompletionChunk>
    create(request: CompletionRequest & { stream?: false }): Promise<Completion>
  }
  /**
   * What a conversation or a prompt comes to, without running the model.
   * @param options `max_tokens` as in the request to come; the model's default without it
   */
  countTokens(input: readonly ChatMessage[] | string, options?: { max_tokens?: number }): Promise<TokenCount>
  /** Figures of the last finished job, null before the first. */
  stats(): Stats | null
  /** Ends the worker and gives the memory back; pending jobs reject with an AbortError. */
  dispose(): Promise<void>
}
