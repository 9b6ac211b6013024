/**
 * Requests and answers of chat and completion in OpenAI's shapes, with settings of our own beside them. Imports nothing.
 * Times are milliseconds, text offsets UTF-16 code units.
 */

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
  /** Of a last message, the assistant's: the answer begins with it already, and goes on behind it. */
  prefix?: boolean
}

/**
 * A JSON Schema (2020-12, or draft 7 where it says the same). Every answer is JSON that satisfies it; not every JSON text
 * that does can come: members are written in the order of `properties`, those that the schema does not name only where
 * `additionalProperties` is given, and white space is one space at most behind a comma or colon.
 *
 * Supported: `type`, `enum`, `const`, `properties`, `required`, `additionalProperties`, `minProperties`, `maxProperties`,
 * `items`, `prefixItems`, `minItems`, `maxItems`, `minLength`, `maxLength`, `pattern`, `minimum`, `maximum`,
 * `exclusiveMinimum`, `exclusiveMaximum`, `multipleOf` (whole numbers), `anyOf`, `allOf`, `oneOf` (where no two options
 * can both hold), `$ref` within the schema, recursion; of `format`: date, time, date-time, duration, email, hostname,
 * ipv4, ipv6, uuid, uri (others promise nothing, as the specification has it). Every other keyword is refused by name.
 */
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
 * object, or text that a JavaScript regular expression (with the flag `u`) matches from beginning to end; references to
 * groups are refused, and look-around but for lookaheads at the very beginning. Of JSON Schema, what cannot be promised is
 * refused by name (`not`, `if`, `uniqueItems`, `patternProperties`, …). Where `max_tokens` comes near, what can still be completed is completed; `length` as
 * the reason of the end means that there was too little room even for the shortest answer.
 */
export type ResponseFormat =
  | { type: 'text' }
  | { type: 'json_object' }
  | {
      type: 'json_schema'
      json_schema: { name?: string; description?: string; schema: JsonSchema; strict?: boolean | null }
    }
  | { type: 'regex'; pattern: string }

/** How a model writes calls of tools: in `<tool_call>` tags, as bare JSON, or as a list of them behind `[TOOL_CALLS]`. */
export type ToolFormat = 'hermes' | 'llama3' | 'mistral'

/**
 * `stop`: the model ended its turn, a stop string came, or what `response_format` asks for is whole; `length`: max_tokens
 * or the context was reached; `tool_calls`: the model waits for the results of its calls.
 */
export type FinishReason = 'stop' | 'length' | 'tool_calls'

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
  /**
   * Ids of the tokens that the answer begins with already: it goes on behind exactly these, as if it had just written
   * them. They count as its own for penalties and `max_tokens`, and are not told again.
   */
  prefix_tokens?: readonly number[]
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

/** What of a request to come changes its count; `response_format` changes nothing, but is refused as the request would be. */
export type CountOptions = Pick<ChatRequest, 'max_tokens' | 'tools' | 'tool_choice' | 'response_format'>

export interface ScoreRequest {
  /**
   * A text that the continuations follow, a conversation whose next answer they are, or a text of a task that the model was
   * trained for ('grammar'), asked as its bundle says.
   */
  prompt: string | readonly ChatMessageParam[] | { task: string; text: string }
  continuations: readonly string[]
  /** Counts how likely each is to be all that is said, too; for a text false without it, else true. */
  withEnd?: boolean
  priority?: Priority
  signal?: AbortSignal
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
  /** Its number in the model's vocabulary. */
  token_id: number
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
