/** Votes of blind comparisons and what they come to. Pure. */

/** How one vote went: the best of the contestants, `tie`, or `bad` where none was any good. */
export interface Vote {
  /** Names of the contestants, as they were shown: A, B, … */
  contestants: string[]
  /** Index of the best one, or neither. */
  result: number | 'tie' | 'bad'
  /** ISO 8601. */
  voted_at: string
}

export interface Score {
  contestant: string
  wins: number
  losses: number
  ties: number
  /** Wins and half of the ties, as a share of all pairs; null before the first pair that counts. */
  share: number | null
  /** Elo's rating from 1000, a step of 32 a pair, in the order of the votes. */
  rating: number
}

const START = 1000
const STEP = 32
/** A rating ahead by so much wins ten times as often as it loses. */
const TENFOLD = 400

/** Best rating first. A vote among more than two counts as the best one against each other; `bad` counts for nobody. */
export function scoresOf(votes: readonly Vote[]): Score[] {
  const table = new Map<string, Omit<Score, 'share'>>()
  const row = (contestant: string) => {
    const found = table.get(contestant) ?? { contestant, wins: 0, losses: 0, ties: 0, rating: START }
    table.set(contestant, found)
    return found
  }
  for (const { contestants, result } of votes) {
    for (const name of contestants) row(name)
    for (const [first, second, points] of pairs(contestants, result)) {
      const [a, b] = [row(first), row(second)]
      a.wins += points === 1 ? 1 : 0
      b.losses += points === 1 ? 1 : 0
      a.ties += points === 0.5 ? 1 : 0
      b.ties += points === 0.5 ? 1 : 0
      const gain = STEP * (points - 1 / (1 + 10 ** ((b.rating - a.rating) / TENFOLD)))
      a.rating += gain
      b.rating -= gain
    }
  }
  return [...table.values()]
    .map(entry => ({ ...entry, rating: Math.round(entry.rating), share: shareOf(entry) }))
    .sort((a, b) => b.rating - a.rating || a.contestant.localeCompare(b.contestant))
}

/** Pairs of different contestants with what the first one gets: 1 for a win, a half for a tie. */
function pairs(contestants: readonly string[], result: Vote['result']): [string, string, 1 | 0.5][] {
  if (result === 'bad') return []
  if (result === 'tie') {
    return contestants.flatMap((first, index) =>
      contestants
        .slice(index + 1)
        .filter(second => second !== first)
        .map((second): [string, string, 0.5] => [first, second, 0.5]),
    )
  }
  const best = contestants[result]
  if (best === undefined) return []
  return contestants.filter(other => other !== best).map(other => [best, other, 1])
}

function shareOf({ wins, losses, ties }: Pick<Score, 'wins' | 'losses' | 'ties'>): number | null {
  const all = wins + losses + ties
  return all === 0 ? null : (wins + ties / 2) / all
}

export function isVote(value: unknown): value is Vote {
  const { contestants, result, voted_at } = Object(value)
  const named = Array.isArray(contestants) && contestants.every(name => typeof name === 'string')
  const isIndex = Number.isInteger(result) && result >= 0 && named && result < contestants.length
  return named && (result === 'tie' || result === 'bad' || isIndex) && typeof voted_at === 'string'
}

/** Each order equally likely (Fisher and Yates). @param random from 0 to below 1 */
export function shuffled(count: number, random: () => number): number[] {
  const order = Array.from({ length: count }, (_, index) => index)
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const [a, b] = [order[last] ?? 0, order[other] ?? 0]
    order[last] = b
    order[other] = a
  }
  return order
}
