/**
 * The public module `/slm.js`: what a page author imports.
 *
 *     import { createEngine } from './slm.js'
 *     const engine = await createEngine({ bundle: '/models/smollm2-135m-instruct/' })
 */
import type { Engine, EngineOptions } from './engine/api.ts'
import { createEngine as createEngineWith } from './engine/client.ts'
import { EngineLanguageModel } from './engine/facade/language-model.ts'
import { EngineProofreader } from './engine/facade/proofreader.ts'
import type { LanguageModelApi, ProofreaderApi } from './engine/facade/shapes.ts'

export type * from './engine/api.ts'
export { removeStoredBundle, type StoredBundle, storedBundles } from './engine/disk.ts'
export { EngineError, type ErrorCode, type Reason } from './engine/errors.ts'
export type * from './engine/facade/shapes.ts'
export { MemoryBudget } from './engine/memory.ts'
export { createOpenAIFetch } from './engine/openai-fetch.ts'

/**
 * Loads a bundle in a worker and returns when it has passed its self-test.
 * @throws EngineError, whose `code` says what kind of trouble; an AbortError where `options.signal` aborts
 */
export function createEngine(options: EngineOptions): Promise<Engine> {
  return createEngineWith(options)
}

/**
 * `LanguageModel` in the shape of the browsers' built-in one (the Prompt API), on this engine. The model is loaded for the
 * first session, shared by all, and unloaded when the last one is destroyed.
 */
export function createLanguageModel(options: Omit<EngineOptions, 'signal'>): LanguageModelApi {
  return new EngineLanguageModel(options, createEngine)
}

/**
 * `Proofreader` in the shape of the browsers' built-in one, on this engine: for a bundle that was trained to correct
 * (`engine.info.proofreading`). The model is loaded for the first one, shared by all, and unloaded with the last.
 */
export function createProofreader(options: Omit<EngineOptions, 'signal'>): ProofreaderApi {
  return new EngineProofreader(options, createEngine)
}
