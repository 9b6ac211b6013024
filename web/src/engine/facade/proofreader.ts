/**
 * `Proofreader` in the shape of the browsers' built-in one, so that a page written for that runs on the engine:
 *
 *     globalThis.Proofreader ??= createProofreader({ bundle: '/models/smollm2-135m-grammar/' })
 *     const proofreader = await Proofreader.create({ includeCorrectionTypes: true })
 *     const { corrections } = await proofreader.proofread('Their going two the store.')
 */
import type { Engine, EngineOptions } from '../api.ts'
import type { ProofreadCorrection, ProofreadResult } from '../proofread/types.ts'
import { domError, notSupported } from './errors.ts'
import type {
  Availability,
  ProofreaderApi,
  ProofreaderCreateCoreOptions,
  ProofreaderCreateOptions,
  ProofreaderResult,
  ProofreaderSession,
} from './shapes.ts'
import { type EngineMaker, SharedEngine } from './shared.ts'

export class EngineProofreader implements ProofreaderApi {
  readonly #shared: SharedEngine

  constructor(options: Omit<EngineOptions, 'signal'>, make: EngineMaker) {
    this.#shared = new SharedEngine(options, make)
  }

  async availability(wanted: ProofreaderCreateCoreOptions = {}): Promise<Availability> {
    return lacking(wanted) === null ? this.#shared.availability() : 'unavailable'
  }

  async create(wanted: ProofreaderCreateOptions = {}): Promise<ProofreaderSession> {
    const { monitor, signal } = wanted
    signal?.throwIfAborted()
    const missing = lacking(wanted)
    if (missing !== null) throw notSupported(missing)
    const engine = await this.#shared.engine(monitor, signal)
    const session = new EngineProofreaderSession(engine, wanted, () => this.#shared.release())
    signal?.addEventListener('abort', () => session.destroy(), { once: true })
    return session
  }
}

class EngineProofreaderSession implements ProofreaderSession {
  readonly includeCorrectionTypes: boolean
  readonly includeCorrectionExplanations: boolean
  readonly correctionExplanationLanguage: string | null
  readonly expectedInputLanguages: readonly string[] | null
  readonly #engine: Engine
  readonly #release: () => void
  readonly #destroyed = new AbortController()

  constructor(engine: Engine, wanted: ProofreaderCreateCoreOptions, release: () => void) {
    this.#engine = engine
    this.#release = release
    this.includeCorrectionTypes = wanted.includeCorrectionTypes ?? false
    this.includeCorrectionExplanations = wanted.includeCorrectionExplanations ?? false
    this.correctionExplanationLanguage = wanted.correctionExplanationLanguage ?? null
    this.expectedInputLanguages = wanted.expectedInputLanguages ?? null
  }

  async proofread(input: string, { signal }: { signal?: AbortSignal } = {}): Promise<ProofreaderResult> {
    const stop = signal ? AbortSignal.any([signal, this.#destroyed.signal]) : this.#destroyed.signal
    stop.throwIfAborted()
    try {
      return this.#shaped(await this.#engine.proofread(String(input), { signal: stop, priority: 'interactive' }))
    } catch (error) {
      throw stop.aborted ? stop.reason : domError(error)
    }
  }

  destroy(): void {
    if (this.#destroyed.signal.aborted) return
    this.#destroyed.abort(new DOMException('The proofreader was destroyed.', 'AbortError'))
    this.#release()
  }

  #shaped({ correctedInput, corrections }: ProofreadResult): ProofreaderResult {
    const shape = ({ startIndex, endIndex, correction, types, explanation }: ProofreadCorrection) => ({
      ...{ startIndex, endIndex, correction },
      ...(this.includeCorrectionTypes ? { types } : {}),
      ...(this.includeCorrectionExplanations ? { explanation } : {}),
    })
    return { correctedInput, corrections: corrections.map(shape) }
  }
}

/** What the engine lacks of what a page expects, null where it has all. */
function lacking(wanted: ProofreaderCreateCoreOptions): string | null {
  const other = (wanted.expectedInputLanguages ?? []).find(language => !isEnglish(language))
  if (other !== undefined) return `Texts in English can be corrected, and not in "${other}".`
  const explained = wanted.correctionExplanationLanguage
  if (explained === undefined || isEnglish(explained)) return null
  return `Corrections are explained in English, and not in "${explained}".`
}

function isEnglish(language: string): boolean {
  return /^en(-|$)/i.test(language)
}
