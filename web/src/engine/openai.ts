/** OpenAI's shapes for chat and completion around any source of text; knows neither workers nor models. */
import type {
  ChatChunk,
  ChatCompletion,
  ChatLogprobs,
  ChatRequest,
  Completion,
  CompletionChunk,
  CompletionLogprobs,
  CompletionRequest,
  Engine,
  EngineInfo,
  SamplingOptions,
  Stats,
  TokenCount,
  ToolCallDelta,
} from './api.ts'
import { aborted } from './link.ts'
import {
  chatLogprobs,
  completionLogprobs,
  joinedCalls,
  joinedCompletionLogprobs,
  newId,
  now,
  usage,
} from './openai-shapes.ts'
import type {
  Calls,
  CountArgs,
  GenerateArgs,
  GenerateResult,
  ReadingName,
  TextEvent,
  TokenInfoWithTop,
} from './protocol.ts'
import { chatArgs, completionArgs, countArgs, textArgs, textsArgs } from './request.ts'
import { ToolParser } from './tool-parser.ts'

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

interface Piece {
  text: string
  infos: TokenInfoWithTop[]
  /** Of the last piece only. */
  result: GenerateResult | null
}

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
    for await (const { text, infos } of run.events) if (text || infos.length > 0) yield { text, infos, result: null }
    const result = await run.result
    if (signal?.aborted) throw aborted(signal.reason)
    yield { text: '', infos: [], result }
  }

  async function* chatStream(request: ChatRequest): AsyncGenerator<ChatChunk> {
    const model = parts.info.bundle.id
    const head = { id: newId('chatcmpl'), object: 'chat.completion.chunk', created: now(), model } as const
    const { args, toolFormat } = chatArgs(request, parts.info)
    const parser = toolFormat && new ToolParser(toolFormat, () => newId('call'))
    yield { ...head, choices: [{ index: 0, delta: { role: 'assistant' }, finish_reason: null }] }
    for await (const { text, infos, result } of pieces(args, request)) {
      const { text: content, calls } = parser ? (result ? parser.end() : parser.push(text)) : { text, calls: [] }
      const logprobs = infos.length > 0 ? { logprobs: chatLogprobs(infos) } : {}
      if (content || infos.length > 0)
        yield { ...head, choices: [{ index: 0, delta: { content }, finish_reason: null, ...logprobs }] }
      for (const call of calls)
        yield { ...head, choices: [{ index: 0, delta: { tool_calls: [call] }, finish_reason: null }] }
      if (!result) continue
      const called = parser && parser.count > 0 && result.finishReason === 'stop'
      const reason = called ? 'tool_calls' : result.finishReason
      yield { ...head, choices: [{ index: 0, delta: {}, finish_reason: reason }], usage: usage(result.stats) }
    }
  }

  async function* completionStream(request: CompletionRequest): AsyncGenerator<CompletionChunk> {
    const head = { id: newId('cmpl'), object: 'text_completion', created: now(), model: parts.info.bundle.id } as const
    let offset = 0
    for await (const { text, infos, result } of pieces(completionArgs(request, parts.info), request)) {
      const logprobs = infos.length > 0 ? { logprobs: completionLogprobs(infos, offset) } : {}
      offset += infos.reduce((length, info) => length + info.text.length, 0)
      if (!result) yield { ...head, choices: [{ index: 0, text, finish_reason: null, ...logprobs }] }
      else {
        const choices: CompletionChunk['choices'] = [{ index: 0, text: '', finish_reason: result.finishReason }]
        yield { ...head, choices, usage: usage(result.stats) }
      }
    }
  }

  async function chatWhole(request: ChatRequest): Promise<ChatCompletion> {
    let content = ''
    const deltas: ToolCallDelta[] = []
    const logprobs: ChatLogprobs = { content: [], refusal: null }
    for await (const chunk of chatStream(request)) {
      const [{ delta, finish_reason, logprobs: more }] = chunk.choices
      content += delta.content ?? ''
      deltas.push(...(delta.tool_calls ?? []))
      logprobs.content.push(...(more?.content ?? []))
      if (finish_reason === null || !chunk.usage) continue
      const calls = deltas.length > 0 ? { tool_calls: joinedCalls(deltas) } : {}
      const message = { role: 'assistant', content, ...calls } as const
      const { id, created, model } = chunk
      return {
        ...{ id, object: 'chat.completion', created, model, usage: chunk.usage },
        choices: [{ index: 0, message, finish_reason, ...(request.logprobs ? { logprobs } : {}) }],
      }
    }
    throw aborted(request.signal?.reason) // the stream ends with a reason or throws
  }

  async function completionWhole(request: CompletionRequest): Promise<Completion> {
    let text = ''
    const logprobs: CompletionLogprobs[] = []
    for await (const chunk of completionStream(request)) {
      const [{ text: more, finish_reason, logprobs: some }] = chunk.choices
      text += more
      if (some) logprobs.push(some)
      if (finish_reason === null || !chunk.usage) continue
      const asked = typeof request.logprobs === 'number' ? { logprobs: joinedCompletionLogprobs(logprobs) } : {}
      return { ...chunk, choices: [{ index: 0, text, finish_reason, ...asked }], usage: chunk.usage }
    }
    throw aborted(request.signal?.reason)
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
    countTokens: async (input, options = {}) => count(countArgs(input, options, parts.info)),
    stats: () => last,
    dispose,
  }
}
