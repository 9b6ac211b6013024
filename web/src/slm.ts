/**
 * The public module `/slm.js`: what a page author imports.
 *
 *     import { createEngine } from './slm.js'
 *     const engine = await createEngine({ bundle: '/models/smollm2-135m-instruct/' })
 */
import type { Engine, EngineOptions } from './engine/api.ts'
import { createEngine as createEngineWith } from './engine/client.ts'

export type * from './engine/api.ts'
export { removeStoredBundle, type StoredBundle, storedBundles } from './engine/disk.ts'
export { EngineError, type ErrorCode } from './engine/errors.ts'
export { MemoryBudget } from './engine/memory.ts'
export { createOpenAIFetch } from './engine/openai-fetch.ts'

/**
 * Loads a bundle in a worker and returns when it has passed its self-test.
 * @throws EngineError, whose `code` says what kind of trouble; an AbortError where `options.signal` aborts
 */
export function createEngine(options: EngineOptions): Promise<Engine> {
  return createEngineWith(options)
}
