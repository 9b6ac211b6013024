/**
 * Page side of the engine: starts a worker, steps down the ladder of variants where one fails, and offers the result
 * as an `Engine`. A runtime cannot be started twice in one worker, so each step of the ladder is a fresh one.
 */
import type { Engine, EngineInfo, EngineOptions } from './api.ts'
import { EngineError } from './errors.ts'
import { aborted, StepDown, WorkerLink } from './link.ts'
import { createApi, type Following, type TextRun } from './openai.ts'
import type { Calls, GenerateArgs, LoadArgs, PassedOver, ReadingName, TextEvent } from './protocol.ts'

/** Tests bring a worker of their own. */
export type WorkerFactory = () => Worker

const startWorker: WorkerFactory = () =>
  new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'slm-engine' })

/**
 * Loads a bundle and returns when it has passed its self-test.
 * @throws EngineError, whose `code` says what kind of trouble; an AbortError where `signal` aborts
 */
export async function createEngine(options: EngineOptions, makeWorker: WorkerFactory = startWorker): Promise<Engine> {
  const passedOver: PassedOver[] = []
  let failure: StepDown | null = null
  const wanted = loadArgs(options)
  for (;;) {
    const link = new WorkerLink(makeWorker())
    try {
      const info = await load(link, { ...wanted, passedOver: [...passedOver] }, options)
      return engineOver(link, info)
    } catch (error) {
      link.close(aborted())
      if (!(error instanceof StepDown)) throw failure ? lastStep(failure, error) : error
      failure = error
      passedOver.push({ from: error.variant, reason: error.message }) // one candidate fewer: the ladder ends
    }
  }
}

/** Nothing is left to try: the message has every reason, the code is that of the last thing that failed. */
function lastStep(failure: StepDown, error: unknown): unknown {
  if (!(error instanceof EngineError) || error.code !== 'unsupported') return error
  return new EngineError(failure.code, error.message, { cause: failure })
}

function loadArgs({ bundle, device, variant, threads }: EngineOptions): Omit<LoadArgs, 'passedOver'> {
  const url = parseUrl(bundle)
  if (!url) throw new EngineError('bad-request', `"${bundle}" is not the address of a bundle folder.`)
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new EngineError('bad-request', `threads: expected a whole number of at least 1, found ${threads}.`)
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return { bundleUrl: url.href, device: device ?? 'auto', variant: variant ?? null, threads: threads ?? null }
}

function parseUrl(bundle: string): URL | null {
  return URL.canParse(bundle, document.baseURI) ? new URL(bundle, document.baseURI) : null
}

async function load(link: WorkerLink, args: LoadArgs, { signal, onProgress }: EngineOptions): Promise<EngineInfo> {
  if (signal?.aborted) throw aborted(signal.reason)
  let trying: string | null = null
  const stop = () => link.close(aborted(signal?.reason)) // nothing in a worker that still loads is worth keeping
  signal?.addEventListener('abort', stop)
  try {
    const call = link.call('load', args, ({ progress, variant }) => {
      trying = variant
      onProgress?.(progress)
    })
    return await call.result
  } catch (error) {
    // A worker that died while it tried a variant could not say so itself.
    if (trying && error instanceof EngineError && link.crashed) throw new StepDown(error.code, error.message, trying)
    throw error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

function engineOver(link: WorkerLink, info: EngineInfo): Engine {
  return createApi({
    info,
    source: (args, following) => textRun(link, args, following),
    read: (name, args, signal) => reading(link, { name, args }, signal),
    async dispose() {
      link.close(aborted(new DOMException('The engine was disposed of.', 'AbortError')))
    },
  })
}

/** One call of an encoder model. An abort is heeded between texts and rejects with an AbortError. */
async function reading<N extends ReadingName>(
  link: WorkerLink,
  { name, args }: { name: N; args: Calls[N]['args'] },
  signal: AbortSignal | undefined,
): Promise<Calls[N]['result']> {
  if (signal?.aborted) throw aborted(signal.reason)
  const call = link.call(name, args, () => {})
  signal?.addEventListener('abort', call.cancel)
  try {
    const result = await call.result
    if (signal?.aborted) throw aborted(signal.reason)
    return result
  } finally {
    signal?.removeEventListener('abort', call.cancel)
  }
}

/** One generation as a stream of text. Leaving it early, or aborting, cancels the job in the worker. */
function textRun(link: WorkerLink, args: GenerateArgs, { signal, onProgress }: Following): TextRun {
  if (signal?.aborted) return { events: nothing(), result: Promise.reject(aborted(signal.reason)) }
  const queue: TextEvent[] = []
  let wake = () => {}
  let open = true
  const call = link.call('generate', args, event => {
    if (event.kind === 'text') {
      queue.push(event)
      wake()
    } else if (event.kind === 'prefill') onProgress?.(event)
  })
  const close = () => {
    open = false
    signal?.removeEventListener('abort', call.cancel)
    wake()
  }
  call.result.then(close, close)
  signal?.addEventListener('abort', call.cancel)
  async function* events() {
    try {
      while (open || queue.length > 0) {
        const next = queue.shift()
        if (next !== undefined) yield next
        else await new Promise<void>(resolve => (wake = resolve))
      }
    } finally {
      if (open) call.cancel()
    }
  }
  return { events: events(), result: call.result }
}

async function* nothing(): AsyncGenerator<TextEvent> {}
