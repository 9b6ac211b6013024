// Attention of some query heads over the cache, with the softmax kept running over blocks of 64 positions. Blocks begin
// at multiples of 64 whatever the run, so a token's result is the same in a prompt, alone, or among guesses.
import { argument, float, pointer, rowAt, runPosition, runTokens, scratch } from './memory'
import { maxOfLanes, powers, softCaps, sumOfLanes } from './numbers'

/** Tokens of one head that go over the cache together. */
export const TILE = 16
const BLOCK = 64
const HIDDEN: f32 = -3e38

// What the functions below work on: one head's keys and values, the place of the scores, the run of positions seen.
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
  for (let item = from; item < to; item++) tileOfHead(op, thread, item / tiles, item % tiles)
}

function tileOfHead(op: usize, thread: i32, head: i32, tile: i32): void {
  dim = <usize>argument(op, 9)
  scores = scratch(thread)
  const state = scores + 1024
  const shared = argument(op, 7) / argument(op, 8)
  const cache = <usize>(head / shared) * <usize>argument(op, 6) * dim * 2
  keys = pointer(op, 4) + cache
  values = pointer(op, 5) + cache
  const begin = tile * TILE
  const end = min(begin + TILE, runTokens())
  for (let token = begin; token < end; token++) {
    store<f32>(state + ((<usize>(token - begin)) << 3), HIDDEN)
    store<f32>(state + ((<usize>(token - begin)) << 3), 0, 4)
    memory.fill(outOf(op, head, token), 0, dim << 2)
  }
  const lastBlock = runPosition() + end - 1
  for (let block = firstSeen(op, begin) & -BLOCK; block <= lastBlock; block += BLOCK) {
    for (let token = begin; token < end; token++) {
      first = max(block, firstSeen(op, token))
      last = min(block + BLOCK, runPosition() + token + 1)
      if (first < last) blockOfToken(op, head, token, state + ((<usize>(token - begin)) << 3))
    }
  }
  for (let token = begin; token < end; token++) {
    scaleRow(outOf(op, head, token), <f32>1 / load<f32>(state + ((<usize>(token - begin)) << 3), 4))
  }
}

function outOf(op: usize, head: i32, token: i32): usize {
  return rowAt(op, 2, token) + ((<usize>head * dim) << 2)
}

function firstSeen(op: usize, token: i32): i32 {
  const window = argument(op, 12)
  return window > 0 ? max(0, runPosition() + token + 1 - window) : 0
}

/** `state`: the largest score so far, and the sum of e^(score - largest). */
function blockOfToken(op: usize, head: i32, token: i32, state: usize): void {
  const out = outOf(op, head, token)
  const blockLargest = scoreBlock(op, head, token)
  const largest = max(blockLargest, load<f32>(state))
  if (blockLargest > load<f32>(state)) {
    const shrink = shrinkage(load<f32>(state), largest)
    store<f32>(state, largest)
    store<f32>(state, load<f32>(state, 4) * shrink, 4)
    scaleRow(out, shrink)
  }
  store<f32>(state, load<f32>(state, 4) + weigh(largest), 4)
  let column: usize = 0
  for (; column + 32 <= dim; column += 32) add32Columns(out, column)
  for (; column < dim; column += 8) add8Columns(out, column)
}

/** e^(before - largest) */
function shrinkage(before: f32, largest: f32): f32 {
  const place = scores + BLOCK * 4
  v128.store(place, f32x4.splat(before))
  powers(place, place, 16, largest)
  return load<f32>(place)
}

/** Scores of positions [first, last), in fours from a multiple of 4 on, into `scores`; the largest of them. */
function scoreBlock(op: usize, head: i32, token: i32): f32 {
  const query = rowAt(op, 0, token) + ((<usize>head * dim) << 2)
  const factor = f32x4.splat(float(op, 10))
  const begin = first & -4
  let to = scores
  for (let position = begin; position < last; position += 4, to += 16) {
    v128.store(to, f32x4.mul(fourScores(query, keys + <usize>position * dim * 2), factor))
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
  const places = i32x4.add(i32x4.splat(position), i32x4(0, 1, 2, 3))
  const seen = v128.and(i32x4.ge_s(places, i32x4.splat(first)), i32x4.lt_s(places, i32x4.splat(last)))
  v128.store(at, v128.bitselect(v128.load(at), f32x4.splat(HIDDEN), seen))
}

/** q·k of four positions from `key` on. */
function fourScores(query: usize, key: usize): v128 {
  const step = dim * 2
  let a = f32x4.splat(0)
  let b = f32x4.splat(0)
  let c = f32x4.splat(0)
  let d = f32x4.splat(0)
  for (const end = key + step; key < end; key += 16, query += 32) {
    const low = v128.load(query)
    const high = v128.load(query, 16)
    const ka = v128.load(key)
    const kb = v128.load(key + step)
    const kc = v128.load(key + step * 2)
    const kd = v128.load(key + step * 3)
    a = f32x4.add(a, f32x4.add(f32x4.mul(low, i32x4.shl(ka, 16)), f32x4.mul(high, ka)))
    b = f32x4.add(b, f32x4.add(f32x4.mul(low, i32x4.shl(kb, 16)), f32x4.mul(high, kb)))
    c = f32x4.add(c, f32x4.add(f32x4.mul(low, i32x4.shl(kc, 16)), f32x4.mul(high, kc)))
    d = f32x4.add(d, f32x4.add(f32x4.mul(low, i32x4.shl(kd, 16)), f32x4.mul(high, kd)))
  }
  // Sums across the lanes of four vectors at once.
  const ab = f32x4.add(i32x4.shuffle(a, b, 0, 4, 1, 5), i32x4.shuffle(a, b, 2, 6, 3, 7))
  const cd = f32x4.add(i32x4.shuffle(c, d, 0, 4, 1, 5), i32x4.shuffle(c, d, 2, 6, 3, 7))
  return f32x4.add(i32x4.shuffle(ab, cd, 0, 1, 4, 5), i32x4.shuffle(ab, cd, 2, 3, 6, 7))
}

/** Scores into weights e^(score - largest); their sum. Hidden scores have next to none: e^-87. */
function weigh(largest: f32): f32 {
  const bytes = (<usize>(((last + 3) & -4) - (first & -4))) << 2
  powers(scores, scores, bytes, largest)
  let sum = f32x4.splat(0)
  for (let at: usize = 0; at < bytes; at += 16) sum = f32x4.add(sum, v128.load(scores + at))
  return sumOfLanes(sum)
}

/** Adds weight · value of positions [first, last) to 32 columns of the output. */
function add32Columns(out: usize, column: usize): void {
  const to = out + (column << 2)
  let a = v128.load(to)
  let b = v128.load(to, 16)
  let c = v128.load(to, 32)
  let d = v128.load(to, 48)
  let e = v128.load(to, 64)
  let f = v128.load(to, 80)
  let g = v128.load(to, 96)
  let h = v128.load(to, 112)
  let value = values + (<usize>first * dim + column) * 2
  let weight = scores + ((<usize>(first & 3)) << 2)
  for (const end = value + <usize>(last - first) * dim * 2; value < end; value += dim * 2, weight += 4) {
    const w = v128.load32_splat(weight)
    const v0 = v128.load(value)
    const v1 = v128.load(value, 16)
    const v2 = v128.load(value, 32)
    const v3 = v128.load(value, 48)
    a = f32x4.add(a, f32x4.mul(w, i32x4.shl(v0, 16)))
    b = f32x4.add(b, f32x4.mul(w, v0))
    c = f32x4.add(c, f32x4.mul(w, i32x4.shl(v1, 16)))
    d = f32x4.add(d, f32x4.mul(w, v1))
    e = f32x4.add(e, f32x4.mul(w, i32x4.shl(v2, 16)))
    f = f32x4.add(f, f32x4.mul(w, v2))
    g = f32x4.add(g, f32x4.mul(w, i32x4.shl(v3, 16)))
    h = f32x4.add(h, f32x4.mul(w, v3))
  }
  v128.store(to, a)
  v128.store(to, b, 16)
  v128.store(to, c, 32)
  v128.store(to, d, 48)
  v128.store(to, e, 64)
  v128.store(to, f, 80)
  v128.store(to, g, 96)
  v128.store(to, h, 112)
}

function add8Columns(out: usize, column: usize): void {
  const to = out + (column << 2)
  let low = v128.load(to)
  let high = v128.load(to, 16)
  let value = values + (<usize>first * dim + column) * 2
  let weight = scores + ((<usize>(first & 3)) << 2)
  for (const end = value + <usize>(last - first) * dim * 2; value < end; value += dim * 2, weight += 4) {
    const w = v128.load32_splat(weight)
    const v = v128.load(value)
    low = f32x4.add(low, f32x4.mul(w, i32x4.shl(v, 16)))
    high = f32x4.add(high, f32x4.mul(w, v))
  }
  v128.store(to, low)
  v128.store(to, high, 16)
}

function scaleRow(to: usize, factor: f32): void {
  const by = f32x4.splat(factor)
  for (const end = to + (dim << 2); to < end; to += 16) v128.store(to, f32x4.mul(v128.load(to), by))
}
