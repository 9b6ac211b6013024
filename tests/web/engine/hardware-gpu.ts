/**
 * See hardware-worker.ts. A message to the worker lets something happen to its GPU when results are read from it for the given
 * time: `lost`, the device goes away, as where a driver crashes; `stuck`, the result never comes.
 */
Object.defineProperty(GPUAdapterInfo.prototype, 'isFallbackAdapter', { get: () => false })

export interface GpuFault {
  kind: 'lost' | 'stuck'
  /** Reads that still go well; each token of an answer takes one at least. */
  after: number
}

let next: GpuFault | null = null
addEventListener('message', event => {
  const data: unknown = event.data
  if (typeof data !== 'object' || data === null || !('gpu' in data)) return
  next = data.gpu as GpuFault // our own tests' message
  event.stopImmediatePropagation() // it is no call of the engine's
})

let current: GPUDevice | null = null
const { requestDevice } = GPUAdapter.prototype
GPUAdapter.prototype.requestDevice = async function (descriptor) {
  current = await requestDevice.call(this, descriptor)
  return current
}

const { mapAsync } = GPUBuffer.prototype
GPUBuffer.prototype.mapAsync = async function (...how) {
  if (next !== null && next.after-- <= 0) {
    const { kind } = next
    next = null
    if (kind === 'stuck') await new Promise(() => {})
    current?.destroy()
  }
  return mapAsync.apply(this, how)
}
