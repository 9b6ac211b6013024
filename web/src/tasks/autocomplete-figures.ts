/** What a `Suggester` counts: for the statistics that never leave the device. */
import type { SilenceReason } from '../engine/api.ts'
import type { SuggesterStats } from './autocomplete-types.ts'

/** Entries of the lists that are kept, the newest ones. */
const MOST_KEPT = 2000

export class Figures {
  #stats = empty()

  add(name: CountName, amount = 1): void {
    this.#stats[name] += amount
  }

  suppressed(reason: SilenceReason): void {
    const { suppressed } = this.#stats
    suppressed[reason] = (suppressed[reason] ?? 0) + 1
  }

  latency(ms: number): void {
    push(this.#stats.latenciesMs, ms)
  }

  outcome(confidence: number, accepted: boolean): void {
    push(this.#stats.outcomes, { confidence, accepted })
  }

  get(): SuggesterStats {
    const { suppressed, latenciesMs, outcomes } = this.#stats
    return {
      ...this.#stats,
      suppressed: { ...suppressed },
      latenciesMs: [...latenciesMs].sort((a, b) => a - b),
      outcomes: [...outcomes],
    }
  }

  reset(): void {
    this.#stats = empty()
  }
}

type CountName = { [K in keyof SuggesterStats]: SuggesterStats[K] extends number ? K : never }[keyof SuggesterStats]

function push<T>(list: T[], value: T): void {
  list.push(value)
  if (list.length > MOST_KEPT) list.shift()
}

function empty(): SuggesterStats {
  return {
    ...{ shown: 0, accepted: 0, partlyAccepted: 0, rejected: 0, savedCharacters: 0, cancelled: 0, dropped: 0 },
    ...{ typedThrough: 0, cacheHits: 0, prefetchHits: 0, suppressed: {}, latenciesMs: [], outcomes: [] },
  }
}
