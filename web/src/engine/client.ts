/** The engine as the page has it: a model in a worker, offered as an `Engine`. */
import { AnyOriginWorker as Worker } from './any-origin.ts'
import type { Engine, EngineOptions } from './api.ts'
import { Host } from './host.ts'
import { createApi } from './openai.ts'
import { readingRun, textRun } from './running.ts'
import type { WorkerFactory } from './start.ts'

const startWorker: WorkerFactory = () =>
  new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'slm-engine' })

export { removeStoredBundle, type StoredBundle, storedBundles } from './disk.ts'
export { type ChosenFile, checkKeptBundle, importBundle, type KeepProgress, keepBundle } from './keeper.ts'
export { MemoryBudget } from './memory.ts'
export {
  type Capital,
  factsOf,
  namesAmong,
  ProseReader,
  type Sentence,
  type SentenceFacts,
  similarity,
  whyChanged,
} from './proofread/prose.ts'
export { onWorkerRequests, type RequestNote, tellRequests, watchRequests } from './requests.ts'

/**
 * Loads a bundle and returns when it has passed its self-test.
 * @throws EngineError, whose `code` says what kind of trouble; an AbortError where `signal` aborts
 */
export async function createEngine(options: EngineOptions, makeWorker: WorkerFactory = startWorker): Promise<Engine> {
  const host = new Host(options, makeWorker)
  await host.load(options)
  return createApi({
    get info() {
      return host.info
    },
    source: (args, following) => textRun(host, args, following),
    read: (name, args, signal) => readingRun(host, { name, args }, signal),
    complete: (args, signal) => readingRun(host, { name: 'complete', args }, signal),
    score: (args, signal) => readingRun(host, { name: 'score', args }, signal),
    count: args => readingRun(host, { name: 'count', args }, undefined),
    async dispose() {
      host.dispose()
    },
  })
}
