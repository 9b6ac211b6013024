// Attention of some query heads over the cache, with the softmax kept running over blocks of 64 positions. Blocks begin
// at multiples of 64 whatever the run, so a token's result is the same in a prompt, alone, or among guesses.
//
// Keys and values are integers (cache.ts), queries are rounded to 14 bits and weights to 16: sums of a head's products, and
// of a block's, are exact in 32 bits.
import { stepBytes } from './cache'
import { argument, float, pointer, rowAt, runPosition, runTokens, scratch } from './memory'
import { maxOfLanes, powers, softCaps, sumOfLanes } from './numbers'
import { roundRow } from './quantize'

/** Tokens of one head that go over the cache together. */
export const TILE = 16
const BLOCK = 64
const HIDDEN: f32 = -3e38

/** What queries are rounded to; those of heads of more than WIDE columns, to half of that. */
const MOST_QUERY: f32 = 8191
const WIDE: usize = 128
const MOST_WEIGHT: f32 = 32767

// A thread's scratch memory: scores of a block, their weights as int16, then for each token of the tile its state (the
// largest score, the sum of e^(score - largest), what a score's integer stands for) and its query as int16.
const WEIGHTS: usize = 512
const STATES: usize = 1024
const STATE_BYTES: usize = 16
const QUERIES: usize = 2048

// What the functions below work on: one head's keys and values, the thread's scratch, the positions seen in a block.
let keys: usize = 0
let values: usize = 0
let scores: usize = 0
let dim: usize = 0
let first = 0
let last = 0

/** `heads` × tiles of the run's tokens. */
export function attentionItems(op: usize): i32 {
  return argument(op, 7) * ((runTokens() + TILE - 1) / TILE)
}

export function attention(op: usize, thread: i32, from: i32, to: i32): void {
  const tiles = (runTokens() + TILE - 1) / TILE
  for (let item = from; item < to; item++) tileOfHead(op, thread, item / tiles, (item % tiles) * TILE)
}

function tileOfHead(op: usize, thread: i32, head: i32, begin: i32): void {
  dim = <usize>argument(op, 9)
  scores = scratch(thread)
  const shared = argument(op, 7) / argument(op, 8)
  const place = <usize>(head / shared) * <usize>argument(op, 6)
  keys = pointer(op, 4) + place * stepBytes(dim)
  values = pointer(op, 5) + (place >> 1) * stepBytes(dim)
  const end = min(begin + TILE, runTokens())
  for (let token = begin; token < end; token++) beginToken(op, head, token, token - begin)
  const lastBlock = runPosition() + end - 1
  for (let block = firstSeen(op, begin) & -BLOCK; block <= lastBlock; block += BLOCK) {
    for (let token = begin; token < end; token++) {
      first = max(block, firstSeen(op, token))
      last = min(block + BLOCK, runPosition() + token + 1)
      if (first < last) blockOfToken(op, head, token, token - begin)
    }
  }
  for (let token = begin; token < end; token++) {
    scaleRow(outOf(op, head, token), <f32>1 / load<f32>(stateOf(token - begin), 4))
  }
}

function beginToken(op: usize, head: i32, token: i32, place: i32): void {
  const query = rowAt(op, 0, token) + ((<usize>head * dim) << 2)
  store<f32>(stateOf(place), HIDDEN)
  store<f32>(stateOf(place), 0, 4)
  const most = dim > WIDE ? MOST_QUERY / 2 : MOST_QUERY
  store<f32>(stateOf(place), roundRow(query, queryOf(place), dim, most) * float(op, 10), 8)
  memory.fill(outOf(op, head, token), 0, dim << 2)
}

function stateOf(place: i32): usize {
  return scores + STATES + <usize>place * STATE_BYTES
}

function queryOf(place: i32): usize {
  return scores + QUERIES + <usize>place * dim * 2
}

function outOf(op: usize, head: i32, token: i32): usize {
  return rowAt(op, 2, token) + ((<usize>head * dim) << 2)
}

function firstSeen(op: usize, token: i32): i32 {
  const window = argument(op, 12)
  return window > 0 ? max(0, runPosition() + token + 1 - window) : 0
}

function blockOfToken(op: usize, head: i32, token: i32, place: i32): void {
  const state = stateOf(place)
  const out = outOf(op, head, token)
  const blockLargest = scoreBlock(op, head, token, place)
  const largest = max(blockLargest, load<f32>(state))
  if (blockLargest > load<f32>(state)) {
    const shrink = shrinkage(load<f32>(state), largest)
    store<f32>(state, largest)
    store<f32>(state, load<f32>(state, 4) * shrink, 4)
    scaleRow(out, shrink)
  }
  store<f32>(state, load<f32>(state, 4) + weigh(largest), 4)
  const weight = roundWeights()
  let column: usize = 0
  for (; column + 32 <= dim; column += 32) add32Columns(out, column, weight)
  for (; column < dim; column += 8) add8Columns(out, column, weight)
}

/** e^(before - largest) */
function shrinkage(before: f32, largest: f32): f32 {
  const place = scores + BLOCK * 4 // behind the scores, where weights come later
  v128.store(place, f32x4.splat(before))
  powers(place, place, 16, largest)
  return load<f32>(place)
}

/** Scores of positions [first, last), in fours from a multiple of 4 on, into `scores`; the largest of them. */
function scoreBlock(op: usize, head: i32, token: i32, place: i32): f32 {
  const query = queryOf(place)
  const unit = v128.load32_splat(stateOf(place), 8)
  const begin = first & -4
  let to = scores
  for (let position = begin; position < last; position += 4, to += 16) {
    v128.store(to, f32x4.mul(fourScores(query, keys + <usize>position * stepBytes(dim)), unit))
  }
  if (float(op, 11) > 0) softCaps(scores, scores, to - scores, float(op, 11))
  if (pointer(op, 13)) addSlope(load<f32>(pointer(op, 13) + ((<usize>head) << 2)), runPosition() + token)
  if (first & 3) hide(scores, begin)
  if (last & 3) hide(to - 16, last & -4)
  let largest = v128.load(scores)
  for (let at = scores; at < to; at += 16) largest = f32x4.pmax(largest, v128.load(at))
  return maxOfLanes(largest)
}

function addSlope(slope: f32, position: i32): void {
  let at = scores
  for (let key = first & -4; key < last; key += 4, at += 16) {
    const distance = i32x4.add(i32x4.splat(key - position), i32x4(0, 1, 2, 3))
    const bias = f32x4.mul(f32x4.splat(slope), f32x4.convert_i32x4_s(distance))
    v128.store(at, f32x4.add(v128.load(at), bias))
  }
}

/** Four scores at `at`, of positions from `position` on: those that the token does not see become HIDDEN. */
function hide(at: usize, position: i32): void {
  v128.store(at, v128.bitselect(v128.load(at), f32x4.splat(HIDDEN), seen(position)))
}

/** Of four positions, those that the token sees in this block. */
function seen(position: i32): v128 {
  const places = i32x4.add(i32x4.splat(position), i32x4(0, 1, 2, 3))
  return v128.and(i32x4.ge_s(places, i32x4.splat(first)), i32x4.lt_s(places, i32x4.splat(last)))
}

/** q·k of four positions from `key` on, q in its integers. */
function fourScores(query: usize, key: usize): v128 {
  const step = stepBytes(dim)
  let a = i32x4.splat(0)
  let b = i32x4.splat(0)
  let c = i32x4.splat(0)
  let d = i32x4.splat(0)
  const end = key + dim * 2
  for (; key + 32 <= end; key += 32, query += 32) {
    const low = v128.load(query)
    const high = v128.load(query, 16)
    a = i32x4.add(a, i32x4.dot_i16x8_s(low, v128.load(key)))
    a = i32x4.add(a, i32x4.dot_i16x8_s(high, v128.load(key, 16)))
    b = i32x4.add(b, i32x4.dot_i16x8_s(low, v128.load(key + step)))
    b = i32x4.add(b, i32x4.dot_i16x8_s(high, v128.load(key + step, 16)))
    c = i32x4.add(c, i32x4.dot_i16x8_s(low, v128.load(key + step * 2)))
    c = i32x4.add(c, i32x4.dot_i16x8_s(high, v128.load(key + step * 2, 16)))
    d = i32x4.add(d, i32x4.dot_i16x8_s(low, v128.load(key + step * 3)))
    d = i32x4.add(d, i32x4.dot_i16x8_s(high, v128.load(key + step * 3, 16)))
  }
  if (key < end) {
    const low = v128.load(query)
    a = i32x4.add(a, i32x4.dot_i16x8_s(low, v128.load(key)))
    b = i32x4.add(b, i32x4.dot_i16x8_s(low, v128.load(key + step)))
    c = i32x4.add(c, i32x4.dot_i16x8_s(low, v128.load(key + step * 2)))
    d = i32x4.add(d, i32x4.dot_i16x8_s(low, v128.load(key + step * 3)))
  }
  // Sums across the lanes of four vectors at once.
  const ab = i32x4.add(i32x4.shuffle(a, b, 0, 4, 1, 5), i32x4.shuffle(a, b, 2, 6, 3, 7))
  const cd = i32x4.add(i32x4.shuffle(c, d, 0, 4, 1, 5), i32x4.shuffle(c, d, 2, 6, 3, 7))
  const sums = i32x4.add(i32x4.shuffle(ab, cd, 0, 1, 4, 5), i32x4.shuffle(ab, cd, 2, 3, 6, 7))
  let units = v128.load32_zero(end)
  units = v128.load_lane<u32>(end + step, units, 1)
  units = v128.load_lane<u32>(end + step * 2, units, 2)
  units = v128.load_lane<u32>(end + step * 3, units, 3)
  return f32x4.mul(f32x4.convert_i32x4_s(sums), units)
}

/** Scores into weights e^(score - largest); their sum. Hidden scores have next to none: e^-87. */
function weigh(largest: f32): f32 {
  const bytes = (<usize>(((last + 3) & -4) - (first & -4))) << 2
  powers(scores, scores, bytes, largest)
  let sum = f32x4.splat(0)
  for (let at: usize = 0; at < bytes; at += 16) sum = f32x4.add(sum, v128.load(scores + at))
  return sumOfLanes(sum)
}

/** Weights times their values' scales, as int16; what one of them stands for. Those of hidden positions are 0. */
function roundWeights(): f32 {
  const begin = first & -4
  const step = stepBytes(dim)
  let at = scores
  let units = values + <usize>(begin >> 1) * step + dim * 2
  for (let position = begin; position < last; position += 4, at += 16, units += step * 2) {
    const four = v128.load_lane<u64>(units + step, v128.load64_zero(units), 1)
    v128.store(at, f32x4.mul(v128.load(at), four))
  }
  if (first & 3) v128.store(scores, v128.and(v128.load(scores), seen(begin)))
  if (last & 3) v128.store(at - 16, v128.and(v128.load(at - 16), seen(last & -4)))
  v128.store(at, f32x4.splat(0)) // a fourth position where there are four more in the last eight
  return roundRow(scores, scores + WEIGHTS, ((at - scores) / 4 + 7) & ~7, MOST_WEIGHT)
}

/** Adds weight · value of positions [first, last) to 32 columns of the output. */
function add32Columns(out: usize, column: usize, unit: f32): void {
  let a = i32x4.splat(0)
  let b = i32x4.splat(0)
  let c = i32x4.splat(0)
  let d = i32x4.splat(0)
  let e = i32x4.splat(0)
  let f = i32x4.splat(0)
  let g = i32x4.splat(0)
  let h = i32x4.splat(0)
  const step = stepBytes(dim)
  let value = values + <usize>((first & -4) >> 1) * step + column * 2
  let weight = scores + WEIGHTS
  for (let position = first & -4; position < last; position += 2, value += step, weight += 4) {
    const w = v128.load32_splat(weight)
    a = i32x4.add(a, i32x4.dot_i16x8_s(w, v128.load8x8_s(value)))
    b = i32x4.add(b, i32x4.dot_i16x8_s(w, v128.load8x8_s(value, 8)))
    c = i32x4.add(c, i32x4.dot_i16x8_s(w, v128.load8x8_s(value, 16)))
    d = i32x4.add(d, i32x4.dot_i16x8_s(w, v128.load8x8_s(value, 24)))
    e = i32x4.add(e, i32x4.dot_i16x8_s(w, v128.load8x8_s(value, 32)))
    f = i32x4.add(f, i32x4.dot_i16x8_s(w, v128.load8x8_s(value, 40)))
    g = i32x4.add(g, i32x4.dot_i16x8_s(w, v128.load8x8_s(value, 48)))
    h = i32x4.add(h, i32x4.dot_i16x8_s(w, v128.load8x8_s(value, 56)))
  }
  const to = out + (column << 2)
  addFour(to, a, unit)
  addFour(to + 16, b, unit)
  addFour(to + 32, c, unit)
  addFour(to + 48, d, unit)
  addFour(to + 64, e, unit)
  addFour(to + 80, f, unit)
  addFour(to + 96, g, unit)
  addFour(to + 112, h, unit)
}

function add8Columns(out: usize, column: usize, unit: f32): void {
  let a = i32x4.splat(0)
  let b = i32x4.splat(0)
  const step = stepBytes(dim)
  let value = values + <usize>((first & -4) >> 1) * step + column * 2
  let weight = scores + WEIGHTS
  for (let position = first & -4; position < last; position += 2, value += step, weight += 4) {
    const w = v128.load32_splat(weight)
    a = i32x4.add(a, i32x4.dot_i16x8_s(w, v128.load8x8_s(value)))
    b = i32x4.add(b, i32x4.dot_i16x8_s(w, v128.load8x8_s(value, 8)))
  }
  addFour(out + (column << 2), a, unit)
  addFour(out + (column << 2) + 16, b, unit)
}

function addFour(to: usize, sums: v128, unit: f32): void {
  v128.store(to, f32x4.add(v128.load(to), f32x4.mul(f32x4.convert_i32x4_s(sums), f32x4.splat(unit))))
}

function scaleRow(to: usize, factor: f32): void {
  const by = f32x4.splat(factor)
  for (const end = to + (dim << 2); to < end; to += 16) v128.store(to, f32x4.mul(v128.load(to), by))
}
