/** What tests of the loop share: a small engine, its workers, whole texts. */
import type { CompletionRequest, Engine, EngineOptions } from '../../../web/src/engine/api.ts'
import type { Fault, ToFaulty } from './faulty-backend.ts'

export const BUNDLE = '/bundles/tiny-llama/'
/** Through ONNX Runtime, whose steps `faulty-backend.ts` can disturb. */
export const OPTIONS: EngineOptions = { bundle: BUNDLE, device: 'cpu', backend: 'ort', threads: 1 }

export async function textOf(engine: Engine, request: CompletionRequest): Promise<string> {
  return (await engine.completions.create({ ...request, stream: false })).choices[0].text
}

/** Engine workers that the test can end. */
export function workers() {
  return counted(() => new Worker(new URL('../../../web/src/engine/worker.ts', import.meta.url), { type: 'module' }))
}

/** Engine workers that the test can disturb too: `tell` speaks to the newest. */
export function faultyWorkers() {
  const { made, make } = counted(() => new Worker(new URL('./faulty-worker.ts', import.meta.url), { type: 'module' }))
  const tell = (message: ToFaulty) => made.at(-1)?.postMessage(message)
  return { made, make, tell }
}

/** Stands still there until it is told to go on, or is ended: no test has to be faster than the model. */
export const waitsAfter = (after: number, step: Fault['step'] = 'decode'): ToFaulty => ({
  fault: { kind: 'wait', step, after },
})

function counted(worker: () => Worker) {
  const made: Worker[] = []
  const make = () => {
    const one = worker()
    made.push(one)
    return one
  }
  return { made, make }
}
