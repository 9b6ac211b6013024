/** Page side of the protocol: calls with events, and a worker that may die at any time without leaving a call open. */
import { EngineError, type ErrorCode, type Reason } from './errors.ts'
import type { CallName, Calls, Failure, FromWorker, ToWorker } from './protocol.ts'
import { tellRequests } from './requests.ts'

/** A failed load that a fresh worker may repeat with a lesser variant. */
export class StepDown extends EngineError {
  readonly variant: string

  constructor(code: ErrorCode, reasons: readonly Reason[], variant: string) {
    super(code, reasons)
    this.variant = variant
  }
}

interface Pending {
  onEvent: (event: never) => void
  resolve: (result: never) => void
  reject: (error: Error) => void
}

export interface OpenCall<R> {
  result: Promise<R>
  /** Asks the worker to stop; `result` still settles, within one token. */
  cancel: () => void
}

export class WorkerLink {
  readonly #worker: Worker
  readonly #pending = new Map<number, Pending>()
  #nextId = 1
  /** Why no more calls are possible, null while they are. */
  #closed: Error | null = null
  #crashed = false
  readonly #watch = new AbortController()
  /** Told how much memory sequences take that the worker keeps beside the present one. */
  onParked: (bytes: number) => void = () => {}

  constructor(worker: Worker) {
    this.#worker = worker
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(data)
    worker.onerror = event => {
      event.preventDefault() // reported through the calls below
      this.#die(stopped(event.message ?? '')) // a script that does not come raises an event without a message
    }
    worker.onmessageerror = () => {
      this.#die(new EngineError('internal', { kind: 'answer-unreadable' }))
    }
  }

  /** True where the worker died of itself, or can do nothing any more. */
  get crashed(): boolean {
    return this.#crashed
  }

  get isOpen(): boolean {
    return this.#closed === null
  }

  call<N extends CallName>(
    name: N,
    args: Calls[N]['args'],
    onEvent: (event: Calls[N]['event']) => void,
  ): OpenCall<Calls[N]['result']> {
    const id = this.#nextId++
    if (this.#closed) return { result: Promise.reject(this.#closed), cancel: () => {} }
    const result = new Promise<Calls[N]['result']>((resolve, reject) => {
      this.#pending.set(id, { onEvent, resolve, reject })
    })
    // The name and its arguments belong together by this method's signature, which the union cannot express.
    this.#post({ kind: 'call', id, name, args } as ToWorker)
    return { result, cancel: () => this.#post({ kind: 'cancel', id }) }
  }

  /** Asks the worker to give that memory back, between two jobs. */
  unpark(): void {
    this.#post({ kind: 'unpark' })
  }

  /** Ends the worker; every open call, and every later one, rejects with `reason`. */
  close(reason: Error): void {
    if (this.#closed) return
    this.#closed = reason
    this.#worker.terminate()
    this.#watch.abort()
    for (const { reject } of this.#pending.values()) reject(reason)
    this.#pending.clear()
  }

  #die(reason: Error): void {
    this.#crashed ||= this.#closed === null
    this.close(reason)
  }

  /** The worker's lock is free when it has ended: a worker that the browser ends raises no event. */
  #watchLock(name: string): void {
    navigator.locks.request(name, { signal: this.#watch.signal }, () => this.#die(stopped(''))).catch(() => {}) // closed
  }

  #post(message: ToWorker): void {
    if (!this.#closed) this.#worker.postMessage(message)
  }

  #receive(message: FromWorker): void {
    if (message.kind === 'alive') this.#watchLock(message.lock)
    else if (message.kind === 'parked') this.onParked(message.bytes)
    else if (message.kind === 'requests') tellRequests(message.requests)
    else if (message.kind === 'lost') this.#die(new EngineError('device-lost', message.reason))
    else this.#settle(message)
  }

  #settle(message: Extract<FromWorker, { id: number }>): void {
    const pending = this.#pending.get(message.id)
    if (!pending) return
    // `id` ties events and results to the call that fixed their types.
    if (message.kind === 'event') {
      pending.onEvent(message.event as never)
      return
    }
    this.#pending.delete(message.id)
    if (message.kind === 'done') pending.resolve(message.result as never)
    else {
      const error = errorOf(message)
      pending.reject(error)
      if (message.fatal) this.#die(error)
    }
  }
}

function stopped(why: string): EngineError {
  return new EngineError('internal', { kind: 'engine-stopped', said: why })
}

export function aborted(reason?: unknown): Error {
  if (reason instanceof DOMException && reason.name === 'AbortError') return reason
  return new DOMException('The engine was told to stop.', 'AbortError')
}

function errorOf({ code, reasons, cancelled, stepDownFrom }: Failure): Error {
  if (cancelled) return aborted()
  return stepDownFrom === null ? new EngineError(code, reasons) : new StepDown(code, reasons, stepDownFrom)
}
