/** Calls of a model as the page sees them: streams of events and results, which an abort ends and a dying worker does not. */
import type { Host } from './host.ts'
import { aborted } from './link.ts'
import type { Following, TextRun } from './openai.ts'
import type { Calls, GenerateArgs, GenerateEvent, GenerateResult, ReadingName, TextEvent } from './protocol.ts'

/** One call that gives no text. An abort is heeded between texts and rejects with an AbortError. */
export async function readingRun<N extends ReadingName | 'count' | 'complete' | 'score'>(
  host: Host,
  { name, args }: { name: N; args: Calls[N]['args'] },
  signal: AbortSignal | undefined,
): Promise<Calls[N]['result']> {
  return host.attempt(async link => {
    const call = link.call(name, args, () => {})
    if (signal?.aborted) call.cancel() // it came while the worker was waited for
    signal?.addEventListener('abort', call.cancel)
    try {
      const result = await call.result
      if (signal?.aborted) throw aborted(signal.reason)
      return result
    } finally {
      signal?.removeEventListener('abort', call.cancel)
    }
  }, signal)
}

/** One generation as a stream of events. Leaving it early, or aborting, cancels the job in the worker. */
export function textRun(host: Host, args: GenerateArgs, { signal, onProgress }: Following): TextRun {
  const queue: TextEvent[] = []
  const left = new AbortController()
  let wake = () => {}
  let open = true
  const memory = new ResumableAnswer(args)
  const result = host.attempt(async (link, deaths) => {
    const call = link.call('generate', memory.args(), event => {
      memory.note(event)
      if (event.kind === 'text') {
        queue.push(event)
        wake()
      } else if (event.kind === 'prefill') onProgress?.(event)
    })
    const stop = signal ? AbortSignal.any([signal, left.signal]) : left.signal
    if (stop.aborted) call.cancel()
    stop.addEventListener('abort', call.cancel)
    try {
      return memory.result(await call.result, deaths)
    } finally {
      stop.removeEventListener('abort', call.cancel)
    }
  }, signal)
  const close = () => {
    open = false
    wake()
  }
  result.then(close, close)
  async function* events() {
    try {
      while (open || queue.length > 0) {
        const next = queue.shift()
        if (next !== undefined) yield next
        else await new Promise<void>(resolve => (wake = resolve))
      }
    } finally {
      if (open) left.abort()
    }
  }
  return { events: events(), result }
}

/** What is known of an answer: enough for another worker to go on with it exactly where the page's text ends. */
class ResumableAnswer {
  readonly #args: GenerateArgs
  #prompt: number[] | null = null
  #droppedMessages = 0
  readonly #tokens: number[] = []

  constructor(args: GenerateArgs) {
    const seed = args.sampling.seed ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0
    this.#args = { ...args, sampling: { ...args.sampling, seed } }
    this.#tokens.push(...args.resume)
  }

  args(): GenerateArgs {
    if (this.#prompt === null) return this.#args
    return { ...this.#args, prompt: { kind: 'tokens', tokens: this.#prompt }, resume: this.#tokens }
  }

  note(event: GenerateEvent): void {
    if (event.kind === 'start') {
      if (this.#prompt === null) this.#droppedMessages = event.droppedMessages
      this.#prompt ??= event.prompt
    } else if (event.kind === 'text') this.#tokens.push(...event.tokens)
  }

  result({ stats, ...result }: GenerateResult, deaths: number): GenerateResult {
    return { ...result, stats: { ...stats, droppedMessages: this.#droppedMessages, recoveries: deaths } }
  }
}
