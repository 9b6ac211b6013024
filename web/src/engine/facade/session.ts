/** A session of the LanguageModelPrompt API over the engine: a conversation that grows with every prompt. */
import type { Engine } from '../api.ts'
import type { ChatMessage, ChatMessageParam, ChatRequest } from '../chat-types.ts'
import { domError, QuotaExceeded } from './errors.ts'
import { messagesOf, type Shaped, shaped } from './prompts.ts'
import type {
  LanguageModelPrompt,
  LanguageModelPromptOptions,
  LanguageModelSamplingMode,
  LanguageModelSession,
  LanguageModelSignalOptions,
} from './shapes.ts'

export interface SessionParts {
  engine: Engine
  /** Never left out. */
  initial: ChatMessageParam[]
  history: ChatMessageParam[]
  sampling: Pick<ChatRequest, 'temperature' | 'top_k'>
  samplingMode: LanguageModelSamplingMode | null
  /** Called once, when the session is destroyed. */
  release: () => void
  /** Makes another session that holds on to the same engine. */
  fork: (parts: Pick<SessionParts, 'history'>, contextUsage: number) => LanguageModelSession
}

/** Of the context window: room that is made for an answer. */
const ANSWER_SHARE = 1 / 4

export class EngineSession extends EventTarget implements LanguageModelSession {
  oncontextoverflow: ((event: Event) => void) | null = null
  contextUsage: number
  readonly #parts: SessionParts
  readonly #destroyed = new AbortController()
  #history: ChatMessageParam[]
  #tail: Promise<unknown> = Promise.resolve()

  constructor(parts: SessionParts, contextUsage: number) {
    super()
    this.#parts = parts
    this.#history = [...parts.history]
    this.contextUsage = contextUsage
  }

  get contextWindow(): number {
    return this.#parts.engine.info.contextLength
  }

  get samplingMode(): LanguageModelSamplingMode | null {
    return this.#parts.samplingMode
  }

  async prompt(input: LanguageModelPrompt, options: LanguageModelPromptOptions = {}): Promise<string> {
    let text = ''
    for await (const piece of this.#answer(input, options)) text += piece
    return text
  }

  promptStreaming(input: LanguageModelPrompt, options: LanguageModelPromptOptions = {}): ReadableStream<string> {
    const left = new AbortController()
    const signal = options.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal
    const pieces = this.#answer(input, { ...options, signal })
    return new ReadableStream<string>({
      async pull(controller) {
        try {
          signal.throwIfAborted() // what has come by now and was not read yet is not wanted any more
          const { value, done } = await pieces.next()
          if (done) controller.close()
          else controller.enqueue(value)
        } catch (error) {
          controller.error(error)
        }
      },
      cancel: reason => left.abort(reason),
    })
  }

  async append(input: LanguageModelPrompt, { signal }: LanguageModelSignalOptions = {}): Promise<void> {
    await this.#inTurn(signal, async stop => {
      const messages = await this.#fit(messagesOf(input, this.#isEmpty))
      // One token of an answer that nobody sees: what counts is that the prompt has been read, and is in the cache.
      await this.#parts.engine.chat.completions.create({ messages, max_tokens: 1, signal: stop })
      this.#history = messages.slice(this.#parts.initial.length)
      this.contextUsage = await this.#count(messages)
    })
  }

  async measureContextUsage(input: LanguageModelPrompt, options: LanguageModelPromptOptions = {}): Promise<number> {
    options.signal?.throwIfAborted()
    this.#destroyed.signal.throwIfAborted()
    const { messages } = shaped(messagesOf(input, this.#isEmpty), options)
    const tokens = await this.#count([...this.#conversation, ...messages])
    options.signal?.throwIfAborted()
    return tokens - this.contextUsage
  }

  async clone({ signal }: LanguageModelSignalOptions = {}): Promise<LanguageModelSession> {
    signal?.throwIfAborted()
    this.#destroyed.signal.throwIfAborted()
    return this.#parts.fork({ history: this.#history }, this.contextUsage)
  }

  destroy(): void {
    if (this.#destroyed.signal.aborted) return
    this.#destroyed.abort(new DOMException('The session was destroyed.', 'AbortError'))
    this.#parts.release()
  }

  get #conversation(): ChatMessageParam[] {
    return [...this.#parts.initial, ...this.#history]
  }

  get #isEmpty(): boolean {
    return this.#conversation.length === 0
  }

  async *#answer(input: LanguageModelPrompt, options: LanguageModelPromptOptions): AsyncGenerator<string> {
    const given = shaped(messagesOf(input, this.#isEmpty), options)
    const pieces: string[] = []
    let wake = () => {}
    let isOver = false
    const job = this.#inTurn(options.signal, async signal => {
      for await (const piece of this.#generate(given, signal)) {
        pieces.push(piece)
        wake()
      }
    })
    const end = () => {
      isOver = true
      wake()
    }
    job.then(end, end)
    while (!isOver || pieces.length > 0) {
      const piece = pieces.shift()
      if (piece !== undefined) yield piece
      else await new Promise<void>(resolve => (wake = resolve))
    }
    await job
  }

  async *#generate({ messages: added, format }: Shaped, signal: AbortSignal): AsyncGenerator<string> {
    const { engine, sampling, initial } = this.#parts
    const messages = await this.#fit(added)
    const last = messages.at(-1)
    const isPrefix = last?.prefix === true
    const room = Math.max(1, this.contextWindow - (await this.#count(messages)))
    const request = { messages, ...sampling, max_tokens: room, ...(format ? { response_format: format } : {}), signal }
    let text = ''
    let reason: string | null = null
    for await (const { choices } of engine.chat.completions.create({ ...request, stream: true })) {
      const [{ delta, finish_reason }] = choices
      reason = finish_reason
      if (!delta.content) continue
      text += delta.content
      yield delta.content
    }
    if (format && reason === 'length')
      throw new DOMException('The answer was cut off before it had the wanted form.', 'SyntaxError')
    const said = isPrefix ? messages.slice(0, -1) : messages
    const answer: ChatMessage = { role: 'assistant', content: `${isPrefix ? last.content : ''}${text}` }
    this.#history = [...said, answer].slice(initial.length)
    this.contextUsage = await this.#count(this.#conversation)
  }

  /** The conversation with what is added, less its oldest turns where all is too long. */
  async #fit(added: ChatMessageParam[]): Promise<ChatMessageParam[]> {
    const { initial, engine } = this.#parts
    const wanted = Math.min(engine.info.defaults.max_tokens, Math.floor(this.contextWindow * ANSWER_SHARE))
    const before = this.#history
    let kept = before
    for (;;) {
      const messages = [...initial, ...kept, ...added]
      const left = this.contextWindow - (await this.#count(messages))
      const isLast = kept.length === 0
      if (left >= wanted || (isLast && left > 0)) {
        if (kept.length < before.length) this.#overflow()
        return messages
      }
      if (isLast)
        throw new QuotaExceeded(
          (await this.#count(messages)) - this.contextUsage,
          this.contextWindow - this.contextUsage,
        )
      const next = kept.findIndex(({ role }, at) => at > 0 && role === 'user')
      kept = next < 0 ? [] : kept.slice(next)
    }
  }

  #overflow(): void {
    const event = new Event('contextoverflow')
    this.dispatchEvent(event)
    this.oncontextoverflow?.(event)
  }

  async #count(messages: readonly ChatMessageParam[]): Promise<number> {
    if (messages.length === 0) return 0
    return (await this.#parts.engine.countTokens(messages)).tokens
  }

  /** Runs jobs one after the other; one that fails does not keep the next one from running. */
  async #inTurn<T>(signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const stop = signal ? AbortSignal.any([signal, this.#destroyed.signal]) : this.#destroyed.signal
    const job = this.#tail.then(() => {
      stop.throwIfAborted()
      return work(stop)
    })
    this.#tail = job.catch(() => {})
    try {
      return await Promise.race([job, aborting(stop)])
    } catch (error) {
      throw stop.aborted ? stop.reason : domError(error)
    }
  }
}

/** Never fulfils; rejects when the signal is aborted. */
function aborting(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
