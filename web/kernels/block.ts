// What one block of positions gives to a token: scores of up to 4 query heads that share a key head, so that keys and
// values are loaded once for all of them, their softmax within the block, and the sums of weighted values.
//
// Keys and values are integers (cache.ts), queries are rounded to 14 bits and weights to 16: sums of a head's products, and
// of a block's, are exact in 32 bits.
import { BLOCK, GROUP, keyGroupBytes } from './cache'
import { addHead, addHeads, SCORE_ROW, scoreHeads, setLoops, WEIGHT_ROW, WEIGHTS } from './heads'
import { maxOfLanes, softCaps, weigh } from './numbers'
import { roundWithin } from './quantize'

export const HIDDEN: f32 = -3e38

const MOST_WEIGHT: f32 = 32767

/** Bytes of what a block gives (a part): its largest score and its sum of weights for each of 4 heads, then [heads, dim]. */
export function partBytes(heads: i32, dim: usize): usize {
  return 32 + <usize>heads * dim * 4
}

// The block that the functions below work on.
let scores: usize = 0
let dim: usize = 0
let heads = 0
/** Positions that the token sees: [first, last), in eights from `begin` on. */
let first = 0
let last = 0
let begin = 0
let groups = 0

/** `at`: scratch memory of BLOCK_SCRATCH bytes. Positions that the token sees are [from, to), all of them in one block. */
export function setBlock(at: usize, columns: usize, count: i32, from: i32, to: i32): void {
  scores = at
  dim = columns
  heads = count
  begin = from & -GROUP
  groups = (to - begin + GROUP - 1) / GROUP
  first = from
  last = to
  setLoops(at, columns, groups)
}

/**
 * Scores of the block's positions from keys and from queries [dim / 2, 4 heads, 2]; `units` [4]: what a query's integer stands
 * for. Then comes `bend`, then `finishBlock`.
 */
export function scoreBlock(keys: usize, query: usize, units: usize): void {
  const from = keys + <usize>(begin / GROUP) * keyGroupBytes(dim)
  if (heads === 1) scoreHeads<i8>(from, query, units)
  else if (heads === 2) scoreHeads<i16>(from, query, units)
  else if (heads === 3) scoreHeads<i32>(from, query, units)
  else scoreHeads<i64>(from, query, units)
}

/** limit · tanh(score / limit) where limit > 0, plus slopes[head] · (key's position - `position`) where there are slopes. */
export function bend(limit: f32, slopes: usize, position: i32): void {
  for (let head = 0; head < heads; head++) {
    const row = scores + <usize>head * SCORE_ROW
    const end = row + ((<usize>groups) << 5)
    if (limit > 0) softCaps(row, row, end - row, limit)
    if (!slopes) continue
    const slope = f32x4.splat(load<f32>(slopes + ((<usize>head) << 2)))
    let distance = begin - position
    for (let at = row; at < end; at += 16, distance += 4) {
      const distances = i32x4.add(i32x4.splat(distance), i32x4(0, 1, 2, 3))
      v128.store(at, f32x4.add(v128.load(at), f32x4.mul(slope, f32x4.convert_i32x4_s(distances))))
    }
  }
}

/** The part of these scores, at `to`. */
export function finishBlock(values: usize, to: usize): void {
  const place = <usize>(begin % BLOCK)
  const units = values + <usize>BLOCK * dim + place * 4
  const from = values + place * 8
  for (let head = 0; head < heads; head++) {
    const row = scores + <usize>head * SCORE_ROW
    const top = to + ((<usize>head) << 2)
    const largest = largestScore(row)
    store<f32>(top, largest)
    const most = weigh(row, (<usize>groups) << 5, largest, units, top + 16)
    if (first % GROUP) clear(row, begin)
    if (last % GROUP) clear(row + ((<usize>groups - 1) << 5), last & -GROUP)
    roundWithin(row, scores + WEIGHTS + <usize>head * WEIGHT_ROW, <usize>groups * GROUP, most, MOST_WEIGHT)
    // What one of a head's integers stands for is where its first score was, which nobody reads any more.
    store<f32>(row, most / MOST_WEIGHT)
  }
  const out = to + 32
  if (heads === 1) addHead(from, out)
  else if (heads === 2) addHeads<i16>(from, out, 0)
  else if (heads === 3) addHeads<i32>(from, out, 0)
  else addHeads<i64>(from, out, 0)
}

function largestScore(row: usize): f32 {
  const end = row + ((<usize>groups) << 5)
  if (first % GROUP) hide(row, begin)
  if (last % GROUP) hide(end - 32, last & -GROUP)
  let largest = v128.load(row)
  for (let at = row + 16; at < end; at += 16) largest = f32x4.pmax(largest, v128.load(at))
  return maxOfLanes(largest)
}

/** Eight scores at `at`, of positions from `position` on: those that the token does not see become HIDDEN. */
function hide(at: usize, position: i32): void {
  const hidden = f32x4.splat(HIDDEN)
  v128.store(at, v128.bitselect(v128.load(at), hidden, seen(position)))
  v128.store(at, v128.bitselect(v128.load(at, 16), hidden, seen(position + 4)), 16)
}

/** Eight weights at `at`, of positions from `position` on: those that the token does not see become 0. */
function clear(at: usize, position: i32): void {
  v128.store(at, v128.and(v128.load(at), seen(position)))
  v128.store(at, v128.and(v128.load(at, 16), seen(position + 4)), 16)
}

/** Of four positions, those that the token sees in this block. */
function seen(position: i32): v128 {
  const places = i32x4.add(i32x4.splat(position), i32x4(0, 1, 2, 3))
  return v128.and(i32x4.ge_s(places, i32x4.splat(first)), i32x4.lt_s(places, i32x4.splat(last)))
}
