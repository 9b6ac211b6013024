/** Chat and completion in OpenAI's shapes, streamed and whole, around any source of text. */
import type {
  ChatChunk,
  ChatCompletion,
  ChatLogprobs,
  ChatRequest,
  Completion,
  CompletionChunk,
  CompletionLogprobs,
  CompletionRequest,
  EngineInfo,
  SamplingOptions,
  Stats,
  ToolCallDelta,
} from './api.ts'
import { aborted } from './link.ts'
import {
  callId,
  chatLogprobs,
  completionLogprobs,
  joinedCalls,
  joinedCompletionLogprobs,
  newId,
  now,
  usage,
} from './openai-shapes.ts'
import type { GenerateArgs, GenerateResult, TextEvent, TokenInfoWithTop } from './protocol.ts'
import { chatArgs, completionArgs } from './request.ts'
import { ToolParser } from './tool-parser.ts'

/** One generation: `events` end when nothing more comes, `result` says how; leaving `events` early cancels the job. */
export interface TextRun {
  events: AsyncIterable<TextEvent>
  result: Promise<GenerateResult>
}

/** How a caller follows a job: `onProgress` is called while the prompt is read. */
export type Following = Pick<SamplingOptions, 'signal' | 'onProgress'>

export type TextSource = (args: GenerateArgs, following: Following) => TextRun

export interface TextParts {
  /** Another one where the engine had to go on with a lesser variant. */
  readonly info: EngineInfo
  source: TextSource
}

interface Piece {
  text: string
  infos: TokenInfoWithTop[]
  /** Of the last piece only. */
  result: GenerateResult | null
}

export class TextApi {
  /** Figures of the last finished job. */
  last: Stats | null = null
  readonly #parts: TextParts

  constructor(parts: TextParts) {
    this.#parts = parts
  }

  async *#pieces(args: GenerateArgs, following: Following): AsyncGenerator<Piece> {
    const { signal } = following
    const run = this.#parts.source(args, following)
    run.result.then(
      ({ stats }) => {
        this.last = stats
      },
      () => {}, // awaited below, unless the reader leaves first
    )
    for await (const { text, infos } of run.events) if (text || infos.length > 0) yield { text, infos, result: null }
    const result = await run.result
    if (signal?.aborted) throw aborted(signal.reason)
    yield { text: '', infos: [], result }
  }

  async *chatStream(request: ChatRequest): AsyncGenerator<ChatChunk> {
    const model = this.#parts.info.bundle.id
    const head = { id: newId('chatcmpl'), object: 'chat.completion.chunk', created: now(), model } as const
    const { args, toolFormat } = chatArgs(request, this.#parts.info)
    const parser = toolFormat && new ToolParser(toolFormat, () => callId(toolFormat))
    yield { ...head, choices: [{ index: 0, delta: { role: 'assistant' }, finish_reason: null }] }
    for await (const { text, infos, result } of this.#pieces(args, request)) {
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

  async *completionStream(request: CompletionRequest): AsyncGenerator<CompletionChunk> {
    const head = {
      id: newId('cmpl'),
      object: 'text_completion',
      created: now(),
      model: this.#parts.info.bundle.id,
    } as const
    let offset = 0
    for await (const { text, infos, result } of this.#pieces(completionArgs(request, this.#parts.info), request)) {
      const logprobs = infos.length > 0 ? { logprobs: completionLogprobs(infos, offset) } : {}
      offset += infos.reduce((length, info) => length + info.text.length, 0)
      if (!result) yield { ...head, choices: [{ index: 0, text, finish_reason: null, ...logprobs }] }
      else {
        const choices: CompletionChunk['choices'] = [{ index: 0, text: '', finish_reason: result.finishReason }]
        yield { ...head, choices, usage: usage(result.stats) }
      }
    }
  }

  async chatWhole(request: ChatRequest): Promise<ChatCompletion> {
    let content = ''
    const deltas: ToolCallDelta[] = []
    const logprobs: ChatLogprobs = { content: [], refusal: null }
    for await (const chunk of this.chatStream(request)) {
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

  async completionWhole(request: CompletionRequest): Promise<Completion> {
    let text = ''
    const logprobs: CompletionLogprobs[] = []
    for await (const chunk of this.completionStream(request)) {
      const [{ text: more, finish_reason, logprobs: some }] = chunk.choices
      text += more
      if (some) logprobs.push(some)
      if (finish_reason === null || !chunk.usage) continue
      const asked = typeof request.logprobs === 'number' ? { logprobs: joinedCompletionLogprobs(logprobs) } : {}
      return { ...chunk, choices: [{ index: 0, text, finish_reason, ...asked }], usage: chunk.usage }
    }
    throw aborted(request.signal?.reason)
  }
}
