/** A scripted engine, a clock of the test's own, and a Suggester between them. */
import type { CompleteRequest, CompleteResult, Engine } from '../../../web/src/engine/api.ts'
import { aborted } from '../../../web/src/engine/link.ts'
import {
  type PhraseMemory,
  type Shown,
  Suggester,
  type SuggesterSettings,
} from '../../../web/src/tasks/autocomplete.ts'

/** An engine whose answers come when the test says so, and which notices when it is asked twice at a time. */
class ScriptedEngine {
  readonly asked: string[] = []
  mostAtOnce = 0
  #open: { request: CompleteRequest; resolve: (result: CompleteResult) => void; reject: (error: Error) => void }[] = []
  readonly #answer: (before: string, request: CompleteRequest) => Partial<CompleteResult>

  constructor(answer: (before: string, request: CompleteRequest) => Partial<CompleteResult>) {
    this.#answer = answer
  }

  complete: Engine['complete'] = request => {
    this.asked.push(request.before)
    return new Promise((resolve, reject) => {
      this.#open.push({ request, resolve, reject })
      this.mostAtOnce = Math.max(this.mostAtOnce, this.#open.length)
    })
  }

  get pending(): CompleteRequest[] {
    return this.#open.map(({ request }) => request)
  }

  /** Ends what is open: cancelled ones as such, unless the answer was on its way when the cancel came. */
  async settle({ tooLate = false } = {}): Promise<void> {
    const open = this.#open
    this.#open = []
    for (const { request, resolve, reject } of open) {
      if (request.signal?.aborted && !tooLate) reject(aborted())
      else resolve({ ...NOTHING, ...this.#answer(request.before, request) })
    }
    for (let turn = 0; turn < 8; turn++) await Promise.resolve()
  }

  async fail(error: Error): Promise<void> {
    for (const { reject } of this.#open.splice(0)) reject(error)
    for (let turn = 0; turn < 8; turn++) await Promise.resolve()
  }
}

export const STATS = { promptTokens: 10, cachedTokens: 9, outputTokens: 3, runs: 4, prefillMs: 5, totalMs: 40 }
const NOTHING: CompleteResult = {
  ...{
    text: '',
    confidence: 0.8,
    probability: 0.8,
    tokens: [],
    alternatives: [],
    lettersTyped: 0,
    withheld: '',
    stats: STATS,
  },
}

function clock() {
  let now = 0
  let timers: { at: number; wake: () => void }[] = []
  return {
    now: () => now,
    after(ms: number, wake: () => void) {
      const timer = { at: now + ms, wake }
      timers.push(timer)
      return () => {
        timers = timers.filter(other => other !== timer)
      }
    },
    pass(ms: number) {
      now += ms
      const due = timers.filter(({ at }) => at <= now)
      timers = timers.filter(({ at }) => at > now)
      for (const { wake } of due) wake()
    },
  }
}

export function setUp(
  answer: (before: string, request: CompleteRequest) => Partial<CompleteResult>,
  settings: Partial<SuggesterSettings> = { prefetch: false },
  memory: PhraseMemory | null = null,
) {
  const engine = new ScriptedEngine(answer)
  const time = clock()
  const seen: Shown[] = []
  const troubles: unknown[] = []
  const suggester = new Suggester(engine, {
    ...{ settings, clock: time, memory },
    onChange: shown => seen.push(shown),
    onTrouble: error => troubles.push(error),
  })
  const type = (before: string, over: { after?: string; hasSelection?: boolean; isComposing?: boolean } = {}) =>
    suggester.update({ before, after: '', hasSelection: false, isComposing: false, ...over })
  const text = () => suggester.shown.suggestion?.text ?? null
  const rest = async (ms = 500) => {
    time.pass(ms)
    await engine.settle()
  }
  return { engine, time, seen, troubles, suggester, type, text, rest }
}
