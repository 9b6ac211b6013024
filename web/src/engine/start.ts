/**
 * Starts a worker and has it load a bundle, and steps down the ladder of variants where one fails. A runtime cannot be
 * started twice in one worker, so each step of the ladder is a fresh one.
 */
import type { EngineInfo, EngineOptions } from './api.ts'
import { EngineError } from './errors.ts'
import { aborted, StepDown, WorkerLink } from './link.ts'
import type { LoadArgs, LoadEvent, PassedOver } from './protocol.ts'

/** Tests bring a worker of their own. */
export type WorkerFactory = () => Worker

export interface Started {
  link: WorkerLink
  info: EngineInfo
}

export interface Start {
  wanted: Omit<LoadArgs, 'passedOver'>
  /** Grows with every variant that fails here. */
  passedOver: PassedOver[]
  makeWorker: WorkerFactory
  signal: AbortSignal | undefined
  /** @throws where this variant must not be loaded: that ends the start */
  onEvent: (event: LoadEvent) => void
}

/** @throws EngineError, whose `code` says what kind of trouble; an AbortError where `signal` aborts */
export async function start(options: Start): Promise<Started> {
  let failure: StepDown | null = null
  for (;;) {
    const link = new WorkerLink(options.makeWorker())
    try {
      return { link, info: await load(link, options) }
    } catch (error) {
      link.close(aborted())
      if (!(error instanceof StepDown)) throw failure ? lastStep(failure, error) : error
      failure = error
      options.passedOver.push({ from: error.variant, reasons: [...error.reasons] }) // one candidate fewer: the ladder ends
    }
  }
}

/** Nothing is left to try: the message has every reason, the code is that of the last thing that failed. */
function lastStep(failure: StepDown, error: unknown): unknown {
  if (!(error instanceof EngineError) || error.code !== 'unsupported') return error
  return new EngineError(failure.code, error.reasons, { cause: failure })
}

/** @throws EngineError 'bad-request' */
export function loadArgs({
  bundle,
  device,
  variant,
  backend,
  threads,
  keep,
}: EngineOptions): Omit<LoadArgs, 'passedOver'> {
  const url = parseUrl(bundle)
  if (!url) throw new EngineError('bad-request', `"${bundle}" is not the address of a bundle folder.`)
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new EngineError('bad-request', `threads: expected a whole number of at least 1, found ${threads}.`)
  }
  if (backend !== undefined && !['ort', 'simd'].includes(backend)) {
    throw new EngineError('bad-request', `backend: expected "ort" or "simd", found ${JSON.stringify(backend)}.`)
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  const wishes = { device: device ?? 'auto', variant: variant ?? null, backend: backend ?? null } as const
  return { bundleUrl: url.href, ...wishes, threads: threads ?? null, keep: keep ?? true }
}

function parseUrl(bundle: string): URL | null {
  const base = globalThis.document?.baseURI
  return URL.canParse(bundle, base) ? new URL(bundle, base) : null
}

async function load(link: WorkerLink, { wanted, passedOver, signal, onEvent }: Start): Promise<EngineInfo> {
  if (signal?.aborted) throw aborted(signal.reason)
  let trying: string | null = null
  const stop = () => link.close(aborted(signal?.reason)) // nothing in a worker that still loads is worth keeping
  signal?.addEventListener('abort', stop)
  try {
    const call = link.call('load', { ...wanted, passedOver: [...passedOver] }, event => {
      trying = event.variant
      try {
        onEvent(event)
      } catch (error) {
        link.close(error instanceof Error ? error : new EngineError('internal', String(error)))
      }
    })
    return await call.result
  } catch (error) {
    // A worker that died while it tried a variant could not say so itself.
    if (trying && error instanceof EngineError && link.crashed) throw new StepDown(error.code, error.reasons, trying)
    throw error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}
