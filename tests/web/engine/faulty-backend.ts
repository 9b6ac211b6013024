/**
 * See faulty-worker.ts. A message to the worker makes a later step of the model fail in that way, or stand still, once. It comes
 * in its turn among the worker's calls: what is posted before a request is known when the request runs.
 */
import { OrtBackend } from '../../../web/src/engine/backend-ort.ts'
import { Seq2SeqBackend } from '../../../web/src/engine/backend-seq2seq.ts'
import { SimdBackend } from '../../../web/src/engine/backend-simd.ts'
import { EngineError } from '../../../web/src/engine/errors.ts'

export interface Fault {
  /**
   * `sleep`: the worker stands still for a while, and finds the clocks an hour further on. `wait`: the step ends when the
   * worker is told to `goOn`, the worker hears what it is told meanwhile.
   */
  kind: 'error' | 'trap' | 'no-memory' | 'refusal' | 'sleep' | 'wait'
  /** Of a prompt a step is one piece, of an answer one token. */
  step: 'prefill' | 'decode'
  /** Steps that still go well. */
  after: number
}

/** What tests post to a faulty worker. */
export type ToFaulty = { fault: Fault } | { goOn: true }

const FAULTS: Record<Exclude<Fault['kind'], 'sleep' | 'wait'>, () => Error> = {
  error: () => new Error('a run failed'),
  trap: () => new WebAssembly.RuntimeError('unreachable'),
  'no-memory': () => new RangeError('Array buffer allocation failed'),
  refusal: () => new EngineError('out-of-memory', 'There is not enough memory for a text of 9,999 tokens.'),
}
let next: Fault | null = null
let goOn = () => {}
/** It was told to go on before it waited. */
let mayGoOn = false
addEventListener('message', event => {
  const data: unknown = event.data
  if (typeof data !== 'object' || data === null) return
  if ('fault' in data) {
    next = data.fault as Fault // our own tests' message
    mayGoOn = false
  } else if ('goOn' in data) {
    mayGoOn = true
    goOn()
  } else return
  event.stopImmediatePropagation() // it is no call of the engine's
})

/** Ends a step that went well, or not. */
async function disturb(step: Fault['step']): Promise<void> {
  if (next?.step !== step || next.after-- > 0) return
  const { kind } = next
  next = null
  if (kind === 'wait') {
    if (mayGoOn) return
    await new Promise<void>(resolve => {
      goOn = resolve
    })
  } else if (kind === 'sleep') {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ASLEEP_MS)
    const { now } = performance
    performance.now = () => now.call(performance) + JUMP_MS
  } else throw FAULTS[kind]()
}

for (const { prototype } of [OrtBackend, Seq2SeqBackend, SimdBackend]) {
  const { prefill, decode } = prototype
  prototype.prefill = async function (this: OrtBackend & Seq2SeqBackend & SimdBackend, tokens, from) {
    const logits = await prefill.call(this, tokens, from)
    await disturb('prefill')
    return logits
  }
  prototype.decode = async function (this: OrtBackend & Seq2SeqBackend & SimdBackend, token) {
    const logits = await decode.call(this, token) // it fails late: the cache has moved on
    await disturb('decode')
    return logits
  }
}

/** Long enough that messages pile up meanwhile. */
const ASLEEP_MS = 300
const JUMP_MS = 3_600_000
