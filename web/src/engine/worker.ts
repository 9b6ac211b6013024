/**
 * The workers' entry: owns the model, gives it to one call at a time, and ends each in `done` or `fail`.
 * One worker loads one model once; another variant or another model takes another worker. By another name the same script
 * keeps files (keeper-worker.ts): both need most of what the other needs, and a worker's script shares nothing with the page's.
 */
import { type Completion, complete, openCompletion } from './complete/complete.ts'
import { EngineError } from './errors.ts'
import { explain, isFatal } from './explain.ts'
import { keepFiles } from './keeper-worker.ts'
import { type LoadedModel, loadModel, VariantFailure } from './load.ts'
import { KEEPER_NAME, siteName } from './names.ts'
import { countTokens, produce, score } from './produce.ts'
import type { CallName, Calls, Failure, FromWorker, GenerateEvent, LoadArgs, LoadEvent, ToWorker } from './protocol.ts'
import { readWith } from './read.ts'
import { watchRequests } from './requests.ts'
import { Scheduler, type Turn } from './scheduler.ts'

type WorkCall = Exclude<Extract<ToWorker, { kind: 'call' }>, { name: 'load' }>
type WorkResult = Calls[WorkCall['name']]['result']

let model: LoadedModel | null = null
/** What completion keeps of the model, made when it is first asked for. */
let completion: Completion | null = null
const scheduler = new Scheduler()
const cancels = new Map<number, AbortController>()
/** Set when the GPU went away: nothing can run any more. */
let lost: EngineError | null = null
/** What waits for a lost GPU may wait for ever: these end it. */
const running = new Set<(error: EngineError) => void>()

if (self.name === KEEPER_NAME) keepFiles()
else runModel()

function runModel(): void {
  self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
    if (data.kind === 'cancel') cancels.get(data.id)?.abort()
    else if (data.kind === 'unpark') void unpark()
    else void answer(data)
  }
  announce()
  watchRequests('worker', requests => post({ kind: 'requests', requests }))
}

/** Holds a lock for as long as this worker lives: whoever waits for it learns when a worker ends that cannot say so. */
function announce(): void {
  const lock = siteName(`slm-engine-${crypto.randomUUID()}`)
  const held = navigator.locks?.request(lock, () => {
    post({ kind: 'alive', lock })
    return new Promise(() => {})
  })
  held?.catch(() => {}) // refused by a browser that keeps nothing for this page: then only errors tell that it ended
}

async function answer(call: Extract<ToWorker, { kind: 'call' }>): Promise<void> {
  const { id } = call
  const cancel = new AbortController()
  cancels.set(id, cancel)
  try {
    const report = (event: Calls[CallName]['event']) => post({ kind: 'event', id, event })
    const { signal } = cancel
    const result = call.name === 'load' ? await load(call.args, report, signal) : await run(call, report, signal)
    tellParked()
    post({ kind: 'done', id, result })
  } catch (error) {
    tellParked()
    post(failure(id, error, cancel.signal.aborted))
  } finally {
    cancels.delete(id)
  }
}

async function load(args: LoadArgs, report: (event: LoadEvent) => void, signal: AbortSignal) {
  if (model) throw new EngineError('internal', 'This worker has loaded a model already.')
  model = await loadModel(args, report, signal)
  void model.deviceLost.then(reason => {
    lost = new EngineError('device-lost', reason)
    for (const fail of running) fail(lost)
    post({ kind: 'lost', reason })
  })
  return model.info
}

async function run(call: WorkCall, report: (event: GenerateEvent) => void, signal: AbortSignal): Promise<WorkResult> {
  if (!model) throw new EngineError('no-model', 'No model is loaded.')
  if (lost) throw lost
  const { info, deviceLost } = model
  const work = perform(model, call, { report, signal })
  return new Promise((resolve, reject) => {
    running.add(reject)
    const end = () => running.delete(reject)
    work
      .then(resolve)
      .finally(end)
      .catch(async error => {
        if (info.device === 'webgpu' && explained(error).code === 'internal') await within(LOSS_NEWS_MS, deviceLost)
        reject(lost ?? error)
      })
  })
}

/** Told after each job that changed it, so that the page's budget of memory counts it. */
let parkedBytes = 0

function tellParked(): void {
  const bytes = model?.context?.parkedBytes ?? 0
  if (bytes !== parkedBytes) post({ kind: 'parked', bytes })
  parkedBytes = bytes
}

/** In its turn: a job may be about to take one of them back. */
async function unpark(): Promise<void> {
  const { signal } = new AbortController()
  await scheduler.run({ priority: 'interactive', signal }, async () => model?.context?.unpark())
  tellParked()
}

async function perform(
  loaded: LoadedModel,
  call: WorkCall,
  { report, signal }: { report: (event: GenerateEvent) => void; signal: AbortSignal },
): Promise<WorkResult> {
  if (call.name === 'count') return countTokens(loaded, call.args) // needs no turn: it runs no model
  const priority = 'priority' in call.args ? call.args.priority : 'interactive'
  return scheduler.run({ priority, signal }, async ({ giveWay }: Turn): Promise<WorkResult> => {
    if (call.name === 'generate') return produce(loaded, { args: call.args, report, signal, giveWay })
    if (call.name === 'score') return score(loaded, { args: call.args, signal, giveWay })
    if (call.name === 'complete') {
      completion ??= openCompletion(loaded)
      return complete(completion, {
        args: call.args,
        turn: { signal, giveWay },
        contextLength: loaded.info.contextLength,
      })
    }
    return readWith(loaded, call, signal)
  })
}

/** A run fails the moment the GPU goes away; the browser says why a little later, on a busy machine seconds later. */
const LOSS_NEWS_MS = 5000

async function within(ms: number, news: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise(resolve => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([news, late])
  clearTimeout(timer)
}

function failure(id: number, error: unknown, cancelled: boolean): Failure {
  const { code, reasons } = explained(error)
  const stepDownFrom = error instanceof VariantFailure ? error.variant : null
  return { kind: 'fail', id, code, reasons: [...reasons], cancelled, fatal: isFatal(error), stepDownFrom }
}

function explained(error: unknown): EngineError {
  return explain(error, said => ({ kind: 'call-failed', said }))
}

function post(message: FromWorker): void {
  self.postMessage(message)
}
