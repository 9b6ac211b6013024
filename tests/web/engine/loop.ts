/** What tests of the loop share: a small engine that is slow enough to step in, its workers, whole texts. */
import type { CompletionRequest, Engine, EngineOptions } from '../../../web/src/engine/api.ts'

export const BUNDLE = '/bundles/tiny-llama/'
/** Through ONNX Runtime: slow enough that a test can step in while an answer is written. */
export const OPTIONS: EngineOptions = { bundle: BUNDLE, device: 'cpu', backend: 'ort', threads: 1 }

export async function textOf(engine: Engine, request: CompletionRequest): Promise<string> {
  return (await engine.completions.create({ ...request, stream: false })).choices[0].text
}

/** Engine workers that the test can end or disturb. */
export function workers(script = '../../../web/src/engine/worker.ts') {
  const made: Worker[] = []
  const make = () => {
    const worker =
      script === './faulty-worker.ts'
        ? new Worker(new URL('./faulty-worker.ts', import.meta.url), { type: 'module' })
        : new Worker(new URL('../../../web/src/engine/worker.ts', import.meta.url), { type: 'module' })
    made.push(worker)
    return worker
  }
  return { made, make }
}
