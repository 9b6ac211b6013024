/** The engine's interface around any source of text, vectors and labels; knows neither workers nor models. */
import type {
  ChatChunk,
  ChatCompletion,
  ChatRequest,
  CompleteResult,
  Completion,
  CompletionChunk,
  CompletionRequest,
  Engine,
  TokenCount,
} from './api.ts'
import { completeArgs } from './complete/request.ts'
import { TextApi, type TextParts } from './openai-text.ts'
import { Proofreader } from './proofread/proofreader.ts'
import type { Calls, CompleteArgs, CountArgs, ReadingName, ScoreArgs } from './protocol.ts'
import { countArgs, scoreArgs, textArgs, textsArgs } from './request.ts'

export type { Following, TextRun, TextSource } from './openai-text.ts'

/** One call of an encoder model. */
export type Reader = <N extends ReadingName>(
  name: N,
  args: Calls[N]['args'],
  signal: AbortSignal | undefined,
) => Promise<Calls[N]['result']>

export interface ApiParts extends TextParts {
  read: Reader
  complete: (args: CompleteArgs, signal: AbortSignal | undefined) => Promise<CompleteResult>
  score: (args: ScoreArgs, signal: AbortSignal | undefined) => Promise<number[]>
  count: (args: CountArgs) => Promise<TokenCount>
  dispose: () => Promise<void>
}

export function createApi(parts: ApiParts): Engine {
  const { read, complete, count, dispose } = parts
  const text = new TextApi(parts)
  const proofreader = new Proofreader(parts)

  // Overloads cannot be written as one arrow: which of the two comes back follows from `stream`.
  function createChat(request: ChatRequest & { stream: true }): AsyncIterable<ChatChunk>
  function createChat(request: ChatRequest & { stream?: false }): Promise<ChatCompletion>
  function createChat(request: ChatRequest): AsyncIterable<ChatChunk> | Promise<ChatCompletion> {
    return request.stream ? text.chatStream(request) : text.chatWhole(request)
  }
  function createCompletion(request: CompletionRequest & { stream: true }): AsyncIterable<CompletionChunk>
  function createCompletion(request: CompletionRequest & { stream?: false }): Promise<Completion>
  function createCompletion(request: CompletionRequest): AsyncIterable<CompletionChunk> | Promise<Completion> {
    return request.stream ? text.completionStream(request) : text.completionWhole(request)
  }

  return {
    get info() {
      return parts.info // another one where the engine had to go on with a lesser variant
    },
    chat: { completions: { create: createChat } },
    completions: { create: createCompletion },
    embed: async (texts, { signal } = {}) => read('embed', { texts: textsArgs(texts) }, signal),
    classify: async (input, { signal } = {}) => read('classify', { text: textArgs(input) }, signal),
    tag: async (input, { signal } = {}) => read('tag', { text: textArgs(input) }, signal),
    complete: async request => complete(completeArgs(request), request.signal),
    proofread: (input, options) => proofreader.proofread(input, options),
    score: async request => parts.score(scoreArgs(request), request.signal),
    countTokens: async (input, options = {}) => count(countArgs(input, options, parts.info)),
    stats: () => text.last,
    dispose,
  }
}
