/** See faulty-worker.ts. A message on the channel makes a later step of the model fail in that way, once; it is answered. */
import { OrtBackend } from '../../../web/src/engine/backend-ort.ts'
import { EngineError } from '../../../web/src/engine/errors.ts'

export interface Fault {
  /** `sleep`: the worker stands still for a while, and finds the clocks an hour further on. */
  kind: 'error' | 'trap' | 'no-memory' | 'refusal' | 'sleep'
  /** Steps that still go well. */
  after: number
}

const FAULTS: Record<Exclude<Fault['kind'], 'sleep'>, () => Error> = {
  error: () => new Error('a run failed'),
  trap: () => new WebAssembly.RuntimeError('unreachable'),
  'no-memory': () => new RangeError('Array buffer allocation failed'),
  refusal: () => new EngineError('out-of-memory', 'There is not enough memory for a text of 9,999 tokens.'),
}
let next: Fault | null = null
const channel = new BroadcastChannel('engine-faults')
channel.onmessage = ({ data }: MessageEvent<Fault>) => {
  next = data
  channel.postMessage('noted')
}

const { decode } = OrtBackend.prototype
OrtBackend.prototype.decode = async function (token) {
  const logits = await decode.call(this, token) // it fails late: the cache has moved on
  if (next === null || next.after-- > 0) return logits
  const { kind } = next
  next = null
  if (kind !== 'sleep') throw FAULTS[kind]()
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ASLEEP_MS)
  const { now } = performance
  performance.now = () => now.call(performance) + JUMP_MS
  return logits
}

/** Long enough that messages pile up meanwhile. */
const ASLEEP_MS = 300
const JUMP_MS = 3_600_000
