/**
 * The worker's entry: owns the model, answers calls one at a time and in order, and ends each in `done` or `fail`.
 * One worker loads one model once; another variant or another model takes another worker.
 */
import type { TokenCount } from './api.ts'
import { EngineError } from './errors.ts'
import { explain } from './explain.ts'
import { generate } from './generate.ts'
import { type LoadedModel, loadModel, VariantFailure } from './load.ts'
import type {
  CallName,
  Calls,
  CountArgs,
  Failure,
  FromWorker,
  GenerateArgs,
  GenerateEvent,
  GenerateResult,
  LoadArgs,
  Prompt,
  ToWorker,
} from './protocol.ts'
import { cannotWrite, readWith } from './read.ts'
import type { TextCodec } from './tokenizer.ts'

type WorkCall = Exclude<Extract<ToWorker, { kind: 'call' }>, { name: 'load' }>
type WorkResult = Calls[WorkCall['name']]['result']
type Reporter<N extends CallName> = (event: Calls[N]['event']) => void

let model: LoadedModel | null = null
let tail: Promise<unknown> = Promise.resolve()
const cancels = new Map<number, AbortController>()
/** Set when the GPU went away: nothing can run any more. */
let lost: EngineError | null = null
let failRunning: (error: EngineError) => void = () => {}

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === 'cancel') {
    cancels.get(data.id)?.abort()
    return
  }
  const cancel = new AbortController()
  cancels.set(data.id, cancel)
  const job = tail.then(() => answer(data, cancel.signal)).finally(() => cancels.delete(data.id))
  tail = job.catch(() => {}) // one failure must not poison the next job
}

async function answer(call: Extract<ToWorker, { kind: 'call' }>, signal: AbortSignal): Promise<void> {
  const { id } = call
  try {
    const report = (event: Calls[CallName]['event']) => post({ kind: 'event', id, event })
    const result = call.name === 'load' ? await load(call.args, report, signal) : await run(call, report, signal)
    post({ kind: 'done', id, result })
  } catch (error) {
    post(failure(id, error, signal.aborted))
  }
}

async function load(args: LoadArgs, report: Reporter<'load'>, signal: AbortSignal) {
  if (model) throw new EngineError('internal', 'This worker has loaded a model already.')
  model = await loadModel(args, report, signal)
  void model.deviceLost.then(sentence => {
    lost = new EngineError('device-lost', sentence)
    failRunning(lost)
  })
  return model.info
}

function run(call: WorkCall, report: Reporter<'generate'>, signal: AbortSignal): Promise<WorkResult> {
  if (!model) throw new EngineError('no-model', 'No model is loaded.')
  if (lost) throw lost
  const { info, deviceLost } = model
  const work = perform(model, call, { report, signal })
  return new Promise((resolve, reject) => {
    failRunning = reject // what waits for a lost GPU may wait for ever
    work.then(resolve, async error => {
      if (info.device === 'webgpu' && explain(error, '').code === 'internal') await within(LOSS_NEWS_MS, deviceLost)
      reject(lost ?? error)
    })
  })
}

async function perform(
  model: LoadedModel,
  call: WorkCall,
  { report, signal }: { report: Reporter<'generate'>; signal: AbortSignal },
): Promise<WorkResult> {
  if (call.name === 'generate') return produce(model, { args: call.args, report, signal })
  return call.name === 'count' ? count(model, call.args) : readWith(model, call, signal)
}

/** A run fails the moment the GPU goes away; the browser says why a little later. */
const LOSS_NEWS_MS = 1000

async function within(ms: number, news: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise(resolve => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([news, late])
  clearTimeout(timer)
}

interface Job {
  args: GenerateArgs
  report: (event: GenerateEvent) => void
  signal: AbortSignal
}

async function produce(
  { manifest, codec, context }: LoadedModel,
  { args, report, signal }: Job,
): Promise<GenerateResult> {
  if (!context) throw cannotWrite(manifest)
  const { generation, special_tokens } = manifest
  const { sampling } = args
  const steps = generate(context, {
    prompt: encode(codec, args.prompt),
    sampler: {
      temperature: sampling.temperature ?? generation.temperature,
      topP: sampling.top_p ?? generation.top_p,
      topK: sampling.top_k ?? generation.top_k,
      repetitionPenalty: sampling.repetition_penalty ?? generation.repetition_penalty,
      seed: sampling.seed ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
    },
    maxTokens: sampling.max_tokens ?? generation.max_tokens,
    endOfTurn: new Set(special_tokens.eos),
    stops: args.stop,
    decoder: codec.decoder(),
    signal,
  })
  for (;;) {
    const step = await steps.next()
    if (step.done) return { stats: step.value, finishReason: finishReason(step.value.stopReason) }
    report({ kind: 'text', text: step.value, tokens: [], infos: [] })
  }
}

function encode(codec: TextCodec, prompt: Prompt): number[] {
  if (prompt.kind === 'tokens') return prompt.tokens
  return prompt.kind === 'chat' ? codec.encodeChat(prompt.messages) : codec.encodePrompt(prompt.text)
}

function count({ manifest, codec, context }: LoadedModel, { prompt }: CountArgs): TokenCount {
  if (!context) throw cannotWrite(manifest)
  const { length: tokens } = encode(codec, prompt)
  const room = context.backend.room(tokens)
  return { tokens, contextLength: context.backend.contextLength, room, dropped: { messages: 0, tokens, room } }
}

function finishReason(reason: GenerateResult['stats']['stopReason']): GenerateResult['finishReason'] {
  return reason === 'max-tokens' || reason === 'context-full' ? 'length' : 'stop'
}

function failure(id: number, error: unknown, cancelled: boolean): Failure {
  const { code, message } = explain(error, 'The engine could not do this')
  return {
    kind: 'fail',
    id,
    code,
    message,
    cancelled,
    stepDownFrom: error instanceof VariantFailure ? error.variant : null,
  }
}

function post(message: FromWorker): void {
  self.postMessage(message)
}
