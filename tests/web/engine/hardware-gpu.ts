/** See hardware-worker.ts. A message on the channel takes the device away, as a crashed driver does. */
Object.defineProperty(GPUAdapterInfo.prototype, 'isFallbackAdapter', { get: () => false })

const requestDevice = GPUAdapter.prototype.requestDevice
GPUAdapter.prototype.requestDevice = async function (descriptor) {
  const device = await requestDevice.call(this, descriptor)
  new BroadcastChannel('take-gpu-away').onmessage = () => device.destroy()
  return device
}

export {}
