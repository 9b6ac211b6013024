/** OpenAI's shapes for chat and completion around any source of text; knows neither workers nor models. */
import type {
  ChatChunk,
  ChatCompletion,
  ChatRequest,
  Completion,
  CompletionChunk,
  CompletionRequest,
  Engine,
  EngineInfo,
  SamplingOptions,
  Stats,
  TokenCount,
  Usage,
} from './api.ts'
import { aborted } from './link.ts'
import type { Calls, CountArgs, GenerateArgs, GenerateResult, ReadingName, TextEvent } from './protocol.ts'
import { chatArgs, completionArgs, countArgs, textArgs, textsArgs } from './request.ts'

/** One generation: `events` end when nothing more comes, `result` says how; leaving `events` early cancels the job. */
export interface TextRun {
  events: AsyncIterable<TextEvent>
  result: Promise<GenerateResult>
}

/** How a caller follows a job: `onProgress` is called while the prompt is read. */
export type Following = Pick<SamplingOptions, 'signal' | 'onProgress'>

export type TextSource = (args: GenerateArgs, following: Following) => TextRun

/** One call of an encoder model. */
export type Reader = <N extends ReadingName>(
  name: N,
  args: Calls[N]['args'],
  signal: AbortSignal | undefined,
) => Promise<Calls[N]['result']>

export interface ApiParts {
  info: EngineInfo
  source: TextSource
  read: Reader
  count: (args: CountArgs) => Promise<TokenCount>
  dispose: () => Promise<void>
}

type Piece = { text: string; result: null } | { text: ''; result: GenerateResult }

export function createApi(parts: ApiParts): Engine {
  const { source, read, count, dispose } = parts
  let last: Stats | null = null

  async function* pieces(args: GenerateArgs, following: Following): AsyncGenerator<Piece> {
    const { signal } = following
    const run = source(args, following)
    run.result.then(
      ({ stats }) => {
        last = stats
      },
      () => {}, // awaited below, unless the reader leaves first
    )
    for await (const { text } of run.events) if (text) yield { text, result: null }
    const result = await run.result
    if (signal?.aborted) throw aborted(signal.reason)
    yield { text: '', result }
  }

  async function* chatStream(request: ChatRequest): AsyncGenerator<ChatChunk> {
    const head = {
      id: newId('chatcmpl'),
      object: 'chat.completion.chunk',
      created: now(),
      model: parts.info.bundle.id,
    } as const
    const args = chatArgs(request)
    yield { ...head, choices: [{ index: 0, delta: { role: 'assistant' }, finish_reason: null }] }
    for await (const { text, result } of pieces(args, request)) {
      if (!result) yield { ...head, choices: [{ index: 0, delta: { content: text }, finish_reason: null }] }
      else {
        const choices: ChatChunk['choices'] = [{ index: 0, delta: {}, finish_reason: result.finishReason }]
        yield { ...head, choices, usage: usage(result.stats) }
      }
    }
  }

  async function* completionStream(request: CompletionRequest): AsyncGenerator<CompletionChunk> {
    const head = { id: newId('cmpl'), object: 'text_completion', created: now(), model: parts.info.bundle.id } as const
    for await (const { text, result } of pieces(completionArgs(request), request)) {
      if (!result) yield { ...head, choices: [{ index: 0, text, finish_reason: null }] }
      else {
        const choices: CompletionChunk['choices'] = [{ index: 0, text: '', finish_reason: result.finishReason }]
        yield { ...head, choices, usage: usage(result.stats) }
      }
    }
  }

  async function whole(args: GenerateArgs, following: Following) {
    let text = ''
    for await (const piece of pieces(args, following)) {
      text += piece.text
      if (piece.result) return { text, ...piece.result }
    }
    throw aborted(following.signal?.reason) // `pieces` ends with a result or throws
  }

  async function chatWhole(request: ChatRequest): Promise<ChatCompletion> {
    const { text, finishReason, stats } = await whole(chatArgs(request), request)
    return {
      ...{ id: newId('chatcmpl'), object: 'chat.completion', created: now(), model: parts.info.bundle.id },
      choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: finishReason }],
      usage: usage(stats),
    }
  }

  async function completionWhole(request: CompletionRequest): Promise<Completion> {
    const { text, finishReason, stats } = await whole(completionArgs(request), request)
    return {
      ...{ id: newId('cmpl'), object: 'text_completion', created: now(), model: parts.info.bundle.id },
      choices: [{ index: 0, text, finish_reason: finishReason }],
      usage: usage(stats),
    }
  }

  // Overloads cannot be written as one arrow: which of the two comes back follows from `stream`.
  function createChat(request: ChatRequest & { stream: true }): AsyncIterable<ChatChunk>
  function createChat(request: ChatRequest & { stream?: false }): Promise<ChatCompletion>
  function createChat(request: ChatRequest): AsyncIterable<ChatChunk> | Promise<ChatCompletion> {
    return request.stream ? chatStream(request) : chatWhole(request)
  }
  function createCompletion(request: CompletionRequest & { stream: true }): AsyncIterable<CompletionChunk>
  function createCompletion(request: CompletionRequest & { stream?: false }): Promise<Completion>
  function createCompletion(request: CompletionRequest): AsyncIterable<CompletionChunk> | Promise<Completion> {
    return request.stream ? completionStream(request) : completionWhole(request)
  }

  return {
    get info() {
      return parts.info // another one where the engine had to go on with a lesser variant
    },
    chat: { completions: { create: createChat } },
    completions: { create: createCompletion },
    embed: async (texts, { signal } = {}) => read('embed', { texts: textsArgs(texts) }, signal),
    classify: async (text, { signal } = {}) => read('classify', { text: textArgs(text) }, signal),
    tag: async (text, { signal } = {}) => read('tag', { text: textArgs(text) }, signal),
    countTokens: async (input, options = {}) => count(countArgs(input, options)),
    stats: () => last,
    dispose,
  }
}

function usage({ promptTokens, outputTokens, cachedTokens }: Stats): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: outputTokens,
    total_tokens: promptTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  }
}

function newId(kind: string): string {
  return `${kind}-${crypto.getRandomValues(new Uint32Array(3)).reduce((id, word) => id + word.toString(36), '')}`
}

function now(): number {
  return Math.floor(Date.now() / 1000)
}
