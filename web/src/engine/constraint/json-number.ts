/**
 * JSON numbers within bounds. Written plainly, without an exponent where there are bounds; at most 15 significant digits
 * before the point and 15 behind it, so that what is read back is a finite double that says the same.
 */
import type { Expression, Grammar } from './expression.ts'

export interface NumberBounds {
  /** −Infinity and Infinity where there is none. */
  minimum: number
  maximum: number
  exclusiveMinimum: boolean
  exclusiveMaximum: boolean
  integer: boolean
  /** A whole number above 0; 1 where any number will do. */
  multipleOf: number
}

const MOST_DIGITS = 15
/** Digits behind the point, where the bounds do not need more. */
const FRACTION_DIGITS = 6
const LARGEST = 10n ** BigInt(MOST_DIGITS) - 1n

/** Never matches where no number lies within the bounds. */
export function numberExpression(grammar: Grammar, bounds: NumberBounds): Expression {
  const { minimum, maximum, integer, multipleOf } = bounds
  const unbounded = minimum === Number.NEGATIVE_INFINITY && maximum === Number.POSITIVE_INFINITY
  if (unbounded && multipleOf === 1) return anyNumber(grammar, integer)
  const places = integer || multipleOf !== 1 ? 0 : Math.max(FRACTION_DIGITS, decimals(minimum), decimals(maximum))
  const unit = 10n ** BigInt(places)
  const lowest = minimum === Number.NEGATIVE_INFINITY ? -LARGEST * unit : lowestScaled(bounds, places)
  const highest = maximum === Number.POSITIVE_INFINITY ? LARGEST * unit : -lowestScaled(mirrored(bounds), places)
  const digits = new DigitGrammar(grammar, { places, modulus: BigInt(multipleOf) })
  const negative = digits.between(highest < 0n ? -highest : 1n, -lowest)
  const rest = digits.between(lowest > 0n ? lowest : 0n, highest)
  return grammar.choice(grammar.sequence(grammar.literal('-'), negative), rest)
}

function anyNumber(grammar: Grammar, integer: boolean): Expression {
  const digit = grammar.byte([[0x30, 0x39]])
  const whole = grammar.choice(
    grammar.literal('0'),
    grammar.sequence(grammar.byte([[0x31, 0x39]]), grammar.repeat(digit, 0, MOST_DIGITS - 1)),
  )
  const sign = grammar.optional(grammar.literal('-'))
  if (integer) return grammar.sequence(sign, whole)
  const fraction = grammar.sequence(grammar.literal('.'), grammar.repeat(digit, 1, MOST_DIGITS))
  const letter = grammar.choice(grammar.literal('e'), grammar.literal('E'))
  const power = grammar.sequence(
    grammar.optional(
      grammar.byte([
        [0x2b, 0x2b],
        [0x2d, 0x2d],
      ]),
    ),
    grammar.repeat(digit, 1, 2),
  )
  return grammar.sequence(sign, whole, grammar.optional(fraction), grammar.optional(grammar.sequence(letter, power)))
}

function mirrored(bounds: NumberBounds): NumberBounds {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = bounds
  const turned = { minimum: -maximum, maximum: -minimum }
  return { ...bounds, ...turned, exclusiveMinimum: exclusiveMaximum, exclusiveMaximum: exclusiveMinimum }
}

/** The smallest number of units (10^−places) that satisfies the lower bound, also when read back as a double. */
function lowestScaled({ minimum, exclusiveMinimum }: NumberBounds, places: number): bigint {
  let scaled = scale(minimum, places)
  const within = (value: bigint) => {
    const read = Number(unscale(value, places))
    return exclusiveMinimum ? read > minimum : read >= minimum
  }
  for (let step = 1n; !within(scaled); step *= 2n) scaled += step
  return scaled
}

/** A number in units of 10^−places, rounded down. */
function scale(value: number, places: number): bigint {
  const [mantissa = '0', exponent = '0'] = value.toString().split('e')
  const [whole = '0', fraction = ''] = mantissa.split('.')
  const shift = places + Number(exponent) - fraction.length
  const digits = BigInt(whole + fraction)
  if (shift >= 0) return digits * 10n ** BigInt(shift)
  const divisor = 10n ** BigInt(-shift)
  const cut = digits / divisor
  return digits < 0n && cut * divisor !== digits ? cut - 1n : cut
}

function unscale(scaled: bigint, places: number): string {
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(places + 1, '0')
  const point = digits.length - places
  return `${scaled < 0n ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`
}

function decimals(value: number): number {
  if (!Number.isFinite(value)) return 0
  const [mantissa = '', exponent = '0'] = value.toString().split('e')
  return Math.max(0, (mantissa.split('.')[1]?.length ?? 0) - Number(exponent))
}

/** Where in a number of fixed length a digit stands, and whether all before it were those of a bound. */
interface Place {
  at: number
  low: string | null
  high: string | null
  /** Of the digits so far by the modulus. */
  rest: bigint
}

class DigitGrammar {
  readonly #grammar: Grammar
  readonly #places: number
  readonly #modulus: bigint
  readonly #rules = new Map<string, Expression>()

  constructor(grammar: Grammar, { places, modulus }: { places: number; modulus: bigint }) {
    this.#grammar = grammar
    this.#places = places
    this.#modulus = modulus
  }

  /** Non-negative numbers of units between two, both included, without leading zeros. */
  between(low: bigint, high: bigint): Expression {
    const options: Expression[] = []
    const longest = high < 0n ? 0 : high.toString().length
    for (let length = this.#places + 1; length <= Math.max(longest, this.#places + 1); length++) {
      const smallest = length === this.#places + 1 ? 0n : 10n ** BigInt(length - 1)
      const from = low > smallest ? low : smallest
      const to = high < 10n ** BigInt(length) - 1n ? high : 10n ** BigInt(length) - 1n
      if (from > to) continue
      const [first, last] = [from, to].map(value => value.toString().padStart(length, '0'))
      options.push(this.#from({ at: 0, low: first ?? null, high: last ?? null, rest: 0n }, length))
    }
    return this.#grammar.choice(...options)
  }

  #from(place: Place, length: number): Expression {
    const key = `${length},${place.at},${place.low},${place.high},${place.rest}`
    let rule = this.#rules.get(key)
    if (!rule) {
      rule = this.#grammar.rule(() => this.#digits(place, length))
      this.#rules.set(key, rule)
    }
    return rule
  }

  #digits(place: Place, length: number): Expression {
    const { at, low, high, rest } = place
    const grammar = this.#grammar
    const isEnd = rest === 0n && !(low && /[1-9]/.test(low.slice(at)))
    if (at === length) return isEnd ? grammar.nothing : grammar.never
    const options: Expression[] = []
    const behindPoint = at - (length - this.#places)
    const from = low ? Number(low[at]) : 0
    const to = high ? Number(high[at]) : 9
    for (let digit = from; digit <= to; digit++) {
      const next = this.#next(place, { digit, from, to })
      options.push(grammar.sequence(grammar.literal(String(digit)), this.#from(next, length)))
    }
    const more = grammar.choice(...options)
    if (behindPoint < 0) return more
    const written = behindPoint === 0 ? grammar.sequence(grammar.literal('.'), more) : more
    return isEnd ? grammar.choice(written, grammar.nothing) : written
  }

  #next({ at, low, high, rest }: Place, { digit, from, to }: { digit: number; from: number; to: number }): Place {
    return {
      at: at + 1,
      low: digit === from ? low : null,
      high: digit === to ? high : null,
      rest: (rest * 10n + BigInt(digit)) % this.#modulus,
    }
  }
}
