/**
 * `LanguageModel` in the shape of the browsers' built-in one, so that a page written for that runs on the engine:
 *
 *     globalThis.LanguageModel ??= createLanguageModel({ bundle: '/models/smollm2-135m-instruct/' })
 *     const session = await LanguageModel.create({ initialPrompts: [{ role: 'system', content: 'Be brief.' }] })
 */
import type { EngineOptions } from '../api.ts'
import { domError, notSupported, QuotaExceeded } from './errors.ts'
import { lacking, messagesOf, samplingOf } from './prompts.ts'
import { EngineSession, type SessionParts } from './session.ts'
import type {
  Availability,
  LanguageModelApi,
  LanguageModelCreateCoreOptions,
  LanguageModelCreateOptions,
} from './shapes.ts'
import { type EngineMaker, SharedEngine } from './shared.ts'

export class EngineLanguageModel implements LanguageModelApi {
  readonly #shared: SharedEngine

  constructor(options: Omit<EngineOptions, 'signal'>, make: EngineMaker) {
    this.#shared = new SharedEngine(options, make)
  }

  async availability(wanted: LanguageModelCreateCoreOptions = {}): Promise<Availability> {
    return lacking(wanted) === null ? this.#shared.availability() : 'unavailable'
  }

  async create(wanted: LanguageModelCreateOptions = {}): Promise<EngineSession> {
    const { initialPrompts = [], monitor, signal } = wanted
    signal?.throwIfAborted()
    const missing = lacking(wanted)
    if (missing !== null) throw notSupported(missing)
    const sampling = samplingOf(wanted)
    const initial = initialPrompts.length > 0 ? messagesOf(initialPrompts, true) : []
    const engine = await this.#shared.engine(monitor, signal)
    try {
      const usage = initial.length > 0 ? (await engine.countTokens(initial)).tokens : 0
      if (usage >= engine.info.contextLength) throw new QuotaExceeded(usage, engine.info.contextLength)
      const isRaw = wanted.temperature !== undefined || wanted.topK !== undefined
      const samplingMode = isRaw ? null : (wanted.samplingMode ?? 'balanced')
      const session = this.#session({ engine, initial, history: [], sampling, samplingMode }, usage)
      signal?.addEventListener('abort', () => session.destroy(), { once: true })
      return session
    } catch (error) {
      this.#shared.release()
      throw domError(error)
    }
  }

  #session(parts: Omit<SessionParts, 'release' | 'fork'>, usage: number): EngineSession {
    const release = () => this.#shared.release()
    const fork: SessionParts['fork'] = (changed, count) => {
      this.#shared.share()
      return this.#session({ ...parts, ...changed }, count)
    }
    return new EngineSession({ ...parts, release, fork }, usage)
  }
}
