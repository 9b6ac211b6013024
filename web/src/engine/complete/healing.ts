/**
 * Token healing: how a text goes on behind bytes that it has to begin with, whatever tokens these bytes become. The
 * tokenizer's own tokens of the bytes are followed one by one, and at each of them every token counts that covers the
 * rest and goes beyond it: that is all tokenisations but those that leave the tokenizer's way earlier, which models hardly
 * know. What goes beyond is summed up by its bytes, whichever tokens spell it.
 */
import type { Distribution } from './distribution.ts'
import type { Prompt } from './prompt.ts'
import type { TokenTable } from './tokens.ts'

/** A first piece of the suggestion. */
export interface Opening {
  /** Beyond the pending bytes, '' where the text ends here. */
  bytes: string
  probability: number
  /** The way of most of its probability: so many tokens of the prompt stand, and then this one. */
  length: number
  token: number
}

/** Less likely pieces are counted but not listed, as a share of all. */
const LEAST_LISTED = 1e-3

/**
 * @param rows what follows the prompt's first `stem` tokens, one more, … all
 * @returns openings, likeliest first, their probabilities as shares of all that can follow the pending bytes
 */
export function openings(prompt: Prompt, rows: readonly Distribution[], table: TokenTable): Opening[] {
  const ways = waysOn(prompt, rows, table)
  let total = 0
  for (const { row, base, tokens } of ways) for (const token of tokens) total += Math.exp(base + row.log(token))
  const found = new Map<string, Opening & { best: number }>()
  for (const { row, base, tokens, length, covered } of ways) {
    for (const token of tokens) {
      const probability = Math.exp(base + row.log(token)) / total
      if (!(probability >= LEAST_LISTED)) continue
      const bytes = table.bytes(token).slice(covered)
      const so = found.get(bytes)
      if (!so) found.set(bytes, { bytes, probability, best: probability, length, token })
      else {
        so.probability += probability
        if (probability > so.best) Object.assign(so, { best: probability, length, token })
      }
    }
  }
  return Array.from(found.values(), ({ bytes, probability, length, token }) => ({
    bytes,
    probability,
    length,
    token,
  })).sort((a, b) => b.probability - a.probability || (a.bytes < b.bytes ? -1 : 1))
}

/** Tokens that may follow so many of the prompt's, of which they cover `covered` bytes; `base`: of the way there. */
interface Way {
  row: Distribution
  base: number
  tokens: Iterable<number>
  length: number
  covered: number
}

function waysOn({ tokens, stem, pending }: Prompt, rows: readonly Distribution[], table: TokenTable): Way[] {
  const ways: Way[] = []
  let rest = pending
  let base = 0
  for (const [index, row] of rows.entries()) {
    const length = stem + index
    const covered = rest.length
    const fitting = covered === 0 ? everyToken(row) : table.startingWith(rest).filter(longer(table, covered))
    ways.push({ row, base, length, covered, tokens: fitting })
    const own = tokens[length]
    if (own === undefined) break
    base += row.log(own)
    rest = rest.slice(table.bytes(own).length)
  }
  return ways
}

function longer(table: TokenTable, length: number): (token: number) => boolean {
  return token => table.bytes(token).length > length
}

function everyToken({ size }: Distribution): Int32Array {
  return Int32Array.from({ length: size }, (_, token) => token)
}

/** A lone space is never a token of its own where letters follow: what would follow it as one is not asked. */
export function rowsNeeded({ tokens, stem, pending }: Prompt): number[] {
  return pending === ' ' ? tokens.slice(0, stem) : tokens
}
