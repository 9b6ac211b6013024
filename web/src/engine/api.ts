/**
 * The engine's public types: what `/slm.js` offers and what the UI and the tasks use. Imports nothing but errors' types.
 * Shapes of chat and completion are OpenAI's; sizes are bytes, times milliseconds, speeds tokens per second.
 */
import type {
  ChatChunk,
  ChatCompletion,
  ChatMessageParam,
  ChatRequest,
  Completion,
  CompletionChunk,
  CompletionRequest,
  CountOptions,
  ScoreRequest,
  ToolFormat,
} from './chat-types.ts'
import type { CompleteRequest, CompleteResult } from './complete/types.ts'
import type { Reason } from './errors.ts'
import type { MemoryBudget } from './memory.ts'
import type { ProofreadOptions, ProofreadResult } from './proofread/types.ts'

export type * from './chat-types.ts'
export type * from './complete/types.ts'
export type * from './proofread/types.ts'

export type Device = 'webgpu' | 'cpu'

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
  /**
   * Which code computes: `simd`, the engine's own kernels for decoder models on the CPU, or `ort`, ONNX Runtime. Without
   * it `simd` where the bundle has a program for it and it passes the self-test, else `ort`; with it that one or an error.
   */
  backend?: 'ort' | 'simd'
  /**
   * Keep the model on the browser's private disk, for when its server is gone (the default). `false` where the server is on
   * this machine and has it anyway: weights are then read from there each time and stored once.
   */
  keep?: boolean
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
  /** In English. */
  reason: string
  /** The same as kinds with their facts, for pages in another language. */
  reasons: readonly Reason[]
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
  /**
   * Largest |Δlogit| against PyTorch over the manifest's reference logits, and how much was allowed; on the engine's own
   * CPU kernels the root mean square over the whole test answer.
   */
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

/** What one token costs on our own CPU kernels: what its speed is measured against (`Roofline`). */
export interface TokenWork {
  /** Bytes of weights that are read for a token that is computed alone. */
  weightBytes: number
  /** Bytes of keys and values that are read for each token before it. */
  positionBytes: number
  /** Multiply-adds with weights for a token of a prompt; the vocabulary's come once, after the last one. */
  promptProducts: number
}

/** What a device can do at most with our own CPU kernels and so many threads. */
export interface Roofline {
  threads: number
  /** `simd128` or `relaxed`. */
  build: string
  /** Memory, read in order by all threads together. */
  readBytesPerSecond: number
  /** Multiply-adds with weights in the cache. */
  productsPerSecond: number
}

export interface EngineInfo {
  bundle: BundleInfo
  architecture: Architecture
  /** Of an encoder: what its reading gives, and so which of `embed`, `classify` and `tag` works. Null elsewhere. */
  encoderTask: EncoderTask | null
  prefixes: TaskPrefix[]
  variant: string
  device: Device
  /** Which code computes: `ort-webgpu-jspi`, `ort-webgpu-asyncify`, `ort-wasm`, `simd-relaxed`, `simd-simd128`, `fake`. */
  backend: string
  /** GPU as the browser names it, null on the CPU. */
  adapter: string | null
  threads: number
  contextLength: number
  /** Null where other code than our own CPU kernels computes. */
  work: TokenWork | null
  /** How the model calls tools, null where its chat template has no place for them. */
  toolFormat: ToolFormat | null
  defaults: GenerationDefaults
  /**
   * Whether the model was trained to correct sentences, the gain in nats from which on it is believed, and what kinds of
   * corrections must gain beyond that.
   */
  proofreading: { trained: boolean; threshold: number; margins: Readonly<Record<string, number>> }
  downloadBytes: number
  loadMs: number
  selfTest: SelfTest
  fallbacks: Fallback[]
}

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

/** One vector per text, in order. `truncated` tells of each whether its text was longer than the model reads. */
export interface Embeddings {
  vectors: Float32Array[]
  truncated: boolean[]
  /** Of all texts, special tokens included. */
  promptTokens: number
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
   * How the text goes on at a caret: whole words that join exactly, or silence with its reason. Reads raw text, also
   * with a chat model. What it has in common with the last call is not computed again.
   * @throws EngineError 'unsupported' for a model that does not continue text, 'bad-request' for options out of range
   */
  complete(request: CompleteRequest): Promise<CompleteResult>
  /**
   * Mistakes of a text and what would repair them, in the shape of the browsers' Proofreader API: sentence by sentence, code,
   * addresses and quotations left alone. Sentences that were asked about before are answered without the model.
   * @throws EngineError 'unsupported' for a model that does not write, 'bad-request' for options out of range; an AbortError
   */
  proofread(text: string, options?: ProofreadOptions): Promise<ProofreadResult>
  /**
   * How likely the model finds each of several continuations of one prompt: natural logarithms, summed over their tokens.
   * For choosing among answers that are known (Brown et al. 2020, section 2.4) and for ranking texts by how well they
   * lead to a question (Ponte & Croft 1998).
   */
  score(request: ScoreRequest): Promise<number[]>
  /**
   * What a conversation or a prompt comes to, without running the model.
   * @param options as in the request to come: the model's default of `max_tokens`, and no tools, without them
   */
  countTokens(input: readonly ChatMessageParam[] | string, options?: CountOptions): Promise<TokenCount>
  /** Figures of the last finished job, null before the first. */
  stats(): Stats | null
  /** Ends the worker and gives the memory back; pending jobs reject with an AbortError. */
  dispose(): Promise<void>
}
