// Attention: each block of positions (block.ts) gives a part, with a softmax of its own, and parts are merged in the order
// of their blocks. Blocks begin at multiples of their length whatever the run, so a token's result is the same in a prompt,
// alone, or among guesses, and whichever thread made a part ("flash decoding", Dao et al. 2023).
import { bend, finishBlock, HIDDEN, partBytes, scoreBlock, setBlock } from './block'
import { BLOCK, GROUP, keyGroupBytes, valueBlockBytes } from './cache'
import { BLOCK_SCRATCH, TOGETHER } from './heads'
import {
  argument,
  float,
  pointer,
  ROUND,
  rowAt,
  runPosition,
  runThreads,
  runTokens,
  SCRATCH_BYTES,
  scratch,
} from './memory'
import { powers } from './numbers'
import { roundRow } from './quantize'

/** Tokens that go over a block together, so that it is read from memory once. */
const TILE = 16

/** What queries are rounded to; those of heads of more than WIDE columns, to half of that. */
const MOST_QUERY: f32 = 8191
const WIDE: usize = 128

// A thread's scratch memory: that of a block, a part of it, a row on its way; then for each token of a tile its state (for
// each of 4 heads the largest score, the sum of e^(score - largest), what a query's integer stands for) and its queries.
const PART: usize = BLOCK_SCRATCH
const ROW: usize = PART + 8192
const STATES: usize = ROW + 1024
const STATE_BYTES: usize = 48
const QUERIES: usize = STATES + <usize>TILE * STATE_BYTES
/** The first thread's: parts that threads made of different blocks, behind the states of all tokens and heads. */
const PARTS: usize = 65536

// The query heads that share a key head and go together, the item being computed.
let heads = 0
let firstHead = 0
let dim: usize = 0
let at: usize = 0

/** Groups of query heads: those of a key head, in as few groups of nearly the same size as TOGETHER allows. */
function groupsOfHeads(op: usize): i32 {
  return argument(op, 8) * groupsOfKeyHead(op)
}

function groupsOfKeyHead(op: usize): i32 {
  return (argument(op, 7) / argument(op, 8) + TOGETHER - 1) / TOGETHER
}

function setHeads(op: usize, thread: i32, group: i32): void {
  const shared = argument(op, 7) / argument(op, 8)
  const each = groupsOfKeyHead(op)
  const place = group % each
  const from = (shared * place) / each
  firstHead = (group / each) * shared + from
  heads = (shared * (place + 1)) / each - from
  dim = <usize>argument(op, 9)
  at = scratch(thread)
}

/** Groups of heads × tiles of the run's tokens; where few tokens are cut by blocks, × blocks of this round. */
export function attentionItems(op: usize): i32 {
  if (isCut(op)) return groupsOfHeads(op) * roundBlocks(op)
  return groupsOfHeads(op) * ((runTokens() + TILE - 1) / TILE)
}

export function attention(op: usize, thread: i32, from: i32, to: i32): void {
  if (isCut(op)) partsOfBlocks(op, thread, from, to)
  else {
    const tiles = (runTokens() + TILE - 1) / TILE
    for (let item = from; item < to; item++) {
      setHeads(op, thread, item / tiles)
      tileOfHeads(op, (item % tiles) * TILE)
    }
  }
}

function tileOfHeads(op: usize, begin: i32): void {
  const end = min(begin + TILE, runTokens())
  for (let token = begin; token < end; token++) {
    roundQueries(op, token, token - begin)
    beginState(stateOf(token - begin))
    memory.fill(outOf(op, token, firstHead), 0, (<usize>heads * dim) << 2)
  }
  const last = runPosition() + end - 1
  for (let block = firstSeen(op, begin) & -BLOCK; block <= last; block += BLOCK) {
    for (let token = begin; token < end; token++) {
      if (!partOfBlock(op, token, token - begin, block, at + PART)) continue
      merge(stateOf(token - begin), outOf(op, token, firstHead), at + PART)
    }
  }
  for (let token = begin; token < end; token++) finish(stateOf(token - begin), outOf(op, token, firstHead))
}

function stateOf(place: i32): usize {
  return at + STATES + <usize>place * STATE_BYTES
}

function outOf(op: usize, token: i32, head: i32): usize {
  return rowAt(op, 2, token) + ((<usize>head * dim) << 2)
}

function firstSeen(op: usize, token: i32): i32 {
  const window = argument(op, 12)
  return window > 0 ? max(0, runPosition() + token + 1 - window) : 0
}

/** A token's queries as int16 [dim / 2, 4 heads, 2]. */
function roundQueries(op: usize, token: i32, place: i32): void {
  const most = dim > WIDE ? MOST_QUERY / 2 : MOST_QUERY
  for (let head = 0; head < heads; head++) {
    const query = rowAt(op, 0, token) + ((<usize>(firstHead + head) * dim) << 2)
    const unit = roundRow(query, at + ROW, dim, most) * float(op, 10)
    store<f32>(stateOf(place) + ((<usize>head) << 2), unit, 32)
    let to = queriesOf(place) + ((<usize>head) << 2)
    let from = at + ROW
    for (const end = from + dim * 2; from < end; from += 4, to += 16) store<u32>(to, load<u32>(from))
  }
}

function queriesOf(place: i32): usize {
  return at + QUERIES + <usize>place * dim * 8
}

/** What the heads of a token find in a block, at `to`; false where they see nothing of it. */
function partOfBlock(op: usize, token: i32, place: i32, block: i32, to: usize): bool {
  const position = runPosition() + token
  const from = max(block, firstSeen(op, token))
  const end = min(block + BLOCK, position + 1)
  if (from >= end) return false
  const shared = argument(op, 7) / argument(op, 8)
  const row = <usize>(firstHead / shared) * <usize>argument(op, 6)
  setBlock(at, dim, heads, from, end)
  scoreBlock(pointer(op, 4) + (row / GROUP) * keyGroupBytes(dim), queriesOf(place), stateOf(place) + 32)
  const slopes = pointer(op, 13) ? pointer(op, 13) + ((<usize>firstHead) << 2) : 0
  bend(float(op, 11), slopes, position)
  finishBlock(pointer(op, 5) + ((row + <usize>block) / BLOCK) * valueBlockBytes(dim), to)
  return true
}

function beginState(state: usize): void {
  v128.store(state, f32x4.splat(HIDDEN))
  v128.store(state, f32x4.splat(0), 16)
}

/** Adds a part to what is at `out`, both as shares of e^(the largest score of either). */
function merge(state: usize, out: usize, part: usize): void {
  const before = v128.load(state)
  const now = v128.load(part)
  const largest = f32x4.pmax(before, now)
  v128.store(state, largest)
  const factors = at + ROW
  v128.store(factors, f32x4.sub(before, largest))
  v128.store(factors, f32x4.sub(now, largest), 16)
  powers(factors, factors, 32, 0)
  const sums = f32x4.mul(v128.load(state, 16), v128.load(factors))
  v128.store(state, f32x4.add(sums, f32x4.mul(v128.load(part, 16), v128.load(factors, 16))), 16)
  let from = part + 32
  for (let head = 0; head < heads; head++) {
    const old = v128.load32_splat(factors + ((<usize>head) << 2))
    const fresh = v128.load32_splat(factors + ((<usize>head) << 2), 16)
    for (const end = out + dim * 4; out < end; out += 16, from += 16) {
      v128.store(out, f32x4.add(f32x4.mul(v128.load(out), old), f32x4.mul(v128.load(from), fresh)))
    }
  }
}

function finish(state: usize, out: usize): void {
  for (let head = 0; head < heads; head++) {
    const by = f32x4.splat(<f32>1 / load<f32>(state + ((<usize>head) << 2), 16))
    for (const end = out + dim * 4; out < end; out += 16) v128.store(out, f32x4.mul(v128.load(out), by))
  }
}

// Few tokens give few items, so threads take blocks of them then, in rounds of as many as there is room for parts.

/** Whether the run's tokens are cut by blocks. */
export function isCut(op: usize): bool {
  return runThreads() > 1 && runTokens() <= TILE && lastBlock() > firstBlock(op) && blocksOfRound(op) > 0
}

function firstBlock(op: usize): i32 {
  return firstSeen(op, 0) / BLOCK
}

function lastBlock(): i32 {
  return (runPosition() + runTokens() - 1) / BLOCK
}

/** Bytes of the parts of all tokens and heads that one block gives. */
function partsBytes(op: usize): usize {
  return <usize>(runTokens() * groupsOfHeads(op)) * largestPartBytes(op)
}

function largestPartBytes(op: usize): usize {
  return partBytes(min(TOGETHER, argument(op, 7) / argument(op, 8)), <usize>argument(op, 9))
}

function statesBytes(op: usize): usize {
  return <usize>(runTokens() * groupsOfHeads(op)) * STATE_BYTES
}

function blocksOfRound(op: usize): i32 {
  return (<i32>(SCRATCH_BYTES - PARTS) - <i32>statesBytes(op)) / <i32>partsBytes(op)
}

function roundBlocks(op: usize): i32 {
  return min(blocksOfRound(op), lastBlock() + 1 - load<i32>(ROUND))
}

/** Begins the first round, with nothing in any state. */
export function beginRounds(op: usize): void {
  store<i32>(ROUND, firstBlock(op))
  const count = runTokens() * groupsOfHeads(op)
  for (let index = 0; index < count; index++) beginState(sharedState(index))
  for (let token = 0; token < runTokens(); token++) {
    memory.fill(rowAt(op, 2, token), 0, (<usize>(argument(op, 7) * argument(op, 9))) << 2)
  }
}

function sharedState(index: i32): usize {
  return scratch(0) + PARTS + <usize>index * STATE_BYTES
}

function sharedPart(op: usize, block: i32, group: i32, token: i32): usize {
  const index = (block * groupsOfHeads(op) + group) * runTokens() + token
  return scratch(0) + PARTS + statesBytes(op) + <usize>index * largestPartBytes(op)
}

/** Items of a round: block after block of a group of heads, then of the next. */
function partsOfBlocks(op: usize, thread: i32, from: i32, to: i32): void {
  const blocks = roundBlocks(op)
  let group = -1
  for (let item = from; item < to; item++) {
    if (item / blocks !== group) {
      group = item / blocks
      setHeads(op, thread, group)
      for (let token = 0; token < runTokens(); token++) roundQueries(op, token, token)
    }
    const block = item % blocks
    for (let token = 0; token < runTokens(); token++) {
      const part = sharedPart(op, block, group, token)
      // A sum of weights is at least 1 where anything was seen.
      if (!partOfBlock(op, token, token, (load<i32>(ROUND) + block) * BLOCK, part)) store<f32>(part, 0, 16)
    }
  }
}

/** Merges a round's parts, in the order of their blocks, and begins the next round; false after the last. */
export function endRound(op: usize): bool {
  const blocks = roundBlocks(op)
  const isLast = load<i32>(ROUND) + blocks > lastBlock()
  for (let group = 0; group < groupsOfHeads(op); group++) {
    setHeads(op, 0, group)
    for (let token = 0; token < runTokens(); token++) {
      const state = sharedState(group * runTokens() + token)
      const out = outOf(op, token, firstHead)
      for (let block = 0; block < blocks; block++) {
        const part = sharedPart(op, block, group, token)
        if (load<f32>(part, 16) > 0) merge(state, out, part)
      }
      if (isLast) finish(state, out)
    }
  }
  store<i32>(ROUND, load<i32>(ROUND) + blocks)
  return !isLast
}
