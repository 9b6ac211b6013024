/** A helper thread of the CPU backend: shares memory with the thread that runs lists of ops, and takes chunks of them. */
import type { Kernels } from './builds.ts'
import { DONE, FAILED } from './layout.ts'

export interface HelperStart {
  module: WebAssembly.Module
  memory: WebAssembly.Memory
  flip: number
  thread: number
}

self.onmessage = ({ data }: MessageEvent<HelperStart>) => {
  const { exports } = new WebAssembly.Instance(data.module, { env: { memory: data.memory } })
  const kernels = exports as unknown as Kernels // what web/kernels/index.ts exports
  kernels.setFlip(data.flip)
  self.postMessage('ready')
  try {
    kernels.help(data.thread) // until the machine is disposed
  } catch (error) {
    const words = new Int32Array(data.memory.buffer)
    Atomics.store(words, FAILED / 4, 1)
    Atomics.notify(words, DONE / 4)
    throw error
  }
}
