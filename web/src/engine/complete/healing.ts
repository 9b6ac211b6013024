/**
 * Token healing: how a text goes on behind bytes that it has to begin with, whatever tokens these bytes become. The
 * tokenizer's own tokens of the bytes are followed one by one, and at each of them every token counts that covers the
 * rest and goes beyond it. Ways that leave the tokenizer's earlier are followed where much would be missed without them:
 * `acknowledge` and `acknowledged` may share no more than their first tokens. What goes beyond is summed up by its bytes,
 * whichever tokens spell it.
 */
import type { Distribution } from './distribution.ts'
import type { Prompt } from './prompt.ts'
import type { Reader, Work } from './reader.ts'
import type { TokenTable } from './tokens.ts'

/** A first piece of the suggestion. */
export interface Opening {
  /** Beyond the pending bytes, '' where the text ends here. */
  bytes: string
  probability: number
  /** The way of most of its probability: these tokens stand, and then this one. */
  standing: readonly number[]
  token: number
}

/** Less likely pieces are counted but not listed, as a share of all. */
const LEAST_LISTED = 1e-3
/** Ways beside the tokenizer's that are followed: as likely, up to where they part, as this share of all that was found. */
const LEAST_SIDE_WAY = 0.5
const MOST_SIDE_WAYS = 3

/** A place within the pending bytes: how it was reached, what of them is left, and what follows. */
interface Place {
  path: readonly number[]
  rest: string
  /** Of the way there, natural logarithm. */
  log: number
}

interface Way extends Place {
  row: Distribution
  /** Tokens that cover the rest and go beyond it. */
  tokens: Int32Array
}

interface Reading {
  reader: Reader
  table: TokenTable
  work: Work
}

/**
 * @returns openings, likeliest first, their probabilities as shares of all that can follow the pending bytes
 * @throws an AbortError where the job is cancelled
 */
export async function openings(prompt: Prompt, { reader, table, work }: Reading): Promise<Opening[]> {
  const { pending, stem } = prompt
  // A lone space is no token of its own where letters follow: what would follow it as one is not asked.
  const tokens = pending === ' ' ? prompt.tokens.slice(0, stem) : prompt.tokens
  const rows = await reader.after(tokens, stem, work)
  const ways: Way[] = []
  const sides: Place[] = []
  let place: Place = { path: prompt.tokens.slice(0, stem), rest: pending, log: 0 }
  for (const row of rows) {
    const own = prompt.tokens[place.path.length]
    ways.push(wayOn(place, row, table))
    if (own === undefined) break
    if (tokens.length > stem) sides.push(...partsOf(place, { row, table, but: own }))
    place = step(place, { token: own, row, table })
  }
  let total = massOf(ways)
  for (let followed = 0; followed < MOST_SIDE_WAYS; followed++) {
    sides.sort((a, b) => b.log - a.log)
    const side = sides.shift()
    if (!side || Math.exp(side.log) < LEAST_SIDE_WAY * total) break
    const [row] = await reader.after(side.path, side.path.length, work)
    if (!row) break
    const way = wayOn(side, row, table)
    ways.push(way)
    total += massOf([way])
    sides.push(...partsOf(side, { row, table, but: -1 }))
  }
  return listed(ways, total, table)
}

function wayOn(place: Place, row: Distribution, table: TokenTable): Way {
  const { length } = place.rest
  const { all, lengths } = table
  const tokens = length === 0 ? all : table.startingWith(place.rest).filter(token => (lengths[token] ?? 0) > length)
  return { ...place, row, tokens }
}

/** Tokens that cover a part of the rest, or just the rest. @param but the tokenizer's own, which is followed anyway */
function partsOf(place: Place, { row, table, but }: { row: Distribution; table: TokenTable; but: number }): Place[] {
  const places: Place[] = []
  for (let length = 1; length <= place.rest.length; length++) {
    const token = table.token(place.rest.slice(0, length))
    if (token !== null && token !== but) places.push(step(place, { token, row, table }))
  }
  return places
}

function step(
  { path, rest, log }: Place,
  { token, row, table }: { token: number; row: Distribution; table: TokenTable },
): Place {
  return { path: [...path, token], rest: rest.slice(table.bytes(token).length), log: log + row.log(token) }
}

function massOf(ways: readonly Way[]): number {
  let total = 0
  for (const { row, log, tokens } of ways) for (const token of tokens) total += Math.exp(log + row.log(token))
  return total
}

function listed(ways: readonly Way[], total: number, table: TokenTable): Opening[] {
  const found = new Map<string, Opening & { most: number }>()
  for (const { row, log, tokens, rest, path } of ways) {
    for (const token of tokens) {
      const share = Math.exp(log + row.log(token)) / total
      if (!(share >= LEAST_LISTED)) continue
      const bytes = table.bytes(token).slice(rest.length)
      const so = found.get(bytes)
      if (!so) found.set(bytes, { bytes, probability: share, most: share, standing: path, token })
      else {
        so.probability += share
        if (share > so.most) Object.assign(so, { most: share, standing: path, token })
      }
    }
  }
  const all = Array.from(found.values(), ({ most: _, ...opening }) => opening)
  return all.sort((a, b) => b.probability - a.probability || (a.bytes < b.bytes ? -1 : 1))
}
