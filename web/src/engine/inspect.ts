/** The page's way to look at the device without loading a model: each question has a worker of its own, which ends with it. */
import { AnyOriginWorker as Worker } from './any-origin.ts'
import type { Roofline } from './api.ts'
import { EngineError, type ErrorCode, type Reason } from './errors.ts'

/** What the browser offers, found out by trying (device.ts). */
export interface Inspection {
  hasWebGpu: boolean
  /** The adapter that the browser names; null where it has none. */
  gpu: {
    name: string
    /** Emulated on the CPU: slower than our own kernels there. */
    isSoftware: boolean
    hasF16: boolean
    limits: Record<string, number>
  } | null
  /** Why models do not run on it, a sentence; null where they do. */
  gpuMissing: Reason | null
  simd: boolean
  relaxedSimd: boolean
  /** Cross-origin isolated: threads may share memory. */
  isolated: boolean
  /** Threads that the engine uses by default. */
  threads: number
  cores: number
  jspi: boolean
}

export type InspectionQuestion = { what: 'facts' } | { what: 'roofline'; threads: number }
export type InspectionAnswer = { result: Inspection | Roofline } | { failure: { code: ErrorCode; reasons: Reason[] } }

/** @throws EngineError where the browser refuses a worker */
export async function inspectDevice(): Promise<Inspection> {
  return (await ask({ what: 'facts' })) as Inspection // what the worker answers to this question
}

/** @throws EngineError, among them 'unsupported' where the browser cannot run the kernels; an AbortError */
export async function measureRoofline(threads: number, signal: AbortSignal): Promise<Roofline> {
  return (await ask({ what: 'roofline', threads }, signal)) as Roofline // what the worker answers to this question
}

function ask(question: InspectionQuestion, signal?: AbortSignal): Promise<Inspection | Roofline> {
  const worker = new Worker(new URL('./inspect-worker.ts', import.meta.url), { type: 'module', name: 'slm-inspect' })
  return new Promise<Inspection | Roofline>((resolve, reject) => {
    const stop = () => reject(signal?.reason)
    if (signal?.aborted) stop()
    signal?.addEventListener('abort', stop, { once: true })
    worker.onmessage = ({ data }: MessageEvent<InspectionAnswer>) => {
      if ('result' in data) resolve(data.result)
      else reject(new EngineError(data.failure.code, data.failure.reasons))
    }
    worker.onerror = ({ message }) => {
      const what = `The device could not be looked at (${message || 'a worker did not start'}). Reload the page.`
      reject(new EngineError('internal', what))
    }
    worker.postMessage(question)
  }).finally(() => worker.terminate())
}
