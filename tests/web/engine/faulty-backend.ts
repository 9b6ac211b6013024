/** See faulty-worker.ts. A message on the channel makes a later step of the model fail in that way, once; it is answered. */
import { OrtBackend } from '../../../web/src/engine/backend-ort.ts'

export interface Fault {
  kind: 'error' | 'trap' | 'no-memory'
  /** Steps that still go well. */
  after: number
}

const FAULTS: Record<Fault['kind'], () => Error> = {
  error: () => new Error('a run failed'),
  trap: () => new WebAssembly.RuntimeError('unreachable'),
  'no-memory': () => new RangeError('Array buffer allocation failed'),
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
  throw FAULTS[kind]()
}
