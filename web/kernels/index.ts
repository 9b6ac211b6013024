// The machine's entry: one thread runs a list of ops (`run`), the others help (`help`). An op is cut into chunks that
// threads take as they come, so a thread that the system has put aside holds up nothing but the chunk it is in.

import { attention, attentionItems, beginRounds, endRound, isCut } from './attention'
import { append, rotary } from './cache'
import { matmulPanels } from './matmul'
import {
  argument,
  CURRENT,
  DONE,
  FAILED,
  HELPERS_SLEEP,
  opRows,
  RUNNER_SLEEPS,
  runThreads,
  STALLS,
  STATE,
  STOP,
  THREADS,
} from './memory'
import { packPanels, setFlip } from './pack'
import { quantize } from './quantize'
import { readPieces } from './read'
import { activate, add, addPositions, embed, multiply, norm, pickRows, scale, softCap } from './rows'

export { setFlip }

const OP_BYTES: usize = 96
const PACK = 1
const MATMUL = 6
const ATTENTION = 9
const PICK_ROWS = 15
const READ = 16
/** Looks at a word of memory before a thread goes to sleep: some 20 µs for helpers, less for the runner. */
const HELPER_SPINS = 20_000
const RUNNER_SPINS = 4_000
/** How long the runner sleeps before it looks again. A helper that needs longer for what it has begun of a product was put aside. */
const LOOK_NS: i64 = 200_000
/** What `atomic.wait` says when nobody woke it. */
const TIMED_OUT = 2
/** Weights (times tokens) that a chunk of a matrix product should have, and chunks that a thread should get. */
const CHUNK_PRODUCTS: i64 = 131072
const CHUNKS_PER_THREAD = 4
const MOST_CHUNKS = 4096

/** Runs `count` ops from `list` on. 0, or 1 where a helper failed. */
export function run(list: usize, count: i32): i32 {
  const end = list + <usize>count * OP_BYTES
  for (let op = list; op < end; op += OP_BYTES) {
    if (load<i32>(op) === ATTENTION && isCut(op)) {
      if (!shareRounds(op)) return 1
      continue
    }
    const items = itemsOf(op)
    const chunks = runThreads() > 1 ? chunksOf(op, items) : 1
    if (chunks <= 1) execute(op, 0, 0, items)
    else if (!share(op, chunks)) return 1
  }
  return 0
}

/** What an op can be cut into: panels of a matrix, heads, rows. */
function itemsOf(op: usize): i32 {
  const code = load<i32>(op)
  if (code === MATMUL) return (argument(op, 3) + 7) >> 3
  if (code === PACK) return (argument(op, 2) + 7) >> 3
  if (code === ATTENTION) return attentionItems(op)
  if (code === READ) return argument(op, 1) >> 16
  return code === PICK_ROWS ? 1 : opRows(op)
}

function chunksOf(op: usize, items: i32): i32 {
  const code = load<i32>(op)
  if (code === ATTENTION) return min(items, MOST_CHUNKS)
  const most = min(items, runThreads() * CHUNKS_PER_THREAD)
  if (code !== MATMUL) return most
  const products = <i64>items * 8 * <i64>argument(op, 4) * <i64>opRows(op)
  return max(most, <i32>min(min(<i64>items, products / CHUNK_PRODUCTS), MOST_CHUNKS))
}

/** Attention of few tokens: its blocks go to all threads, this one merges what they found. */
function shareRounds(op: usize): bool {
  beginRounds(op)
  do {
    const items = attentionItems(op)
    if (!share(op, min(items, runThreads() * CHUNKS_PER_THREAD))) return false
  } while (endRound(op))
  return true
}

/** Publishes an op, works on it, and waits until all of its chunks are done. False where a helper failed. */
function share(op: usize, chunks: i32): bool {
  const epoch = (atomic.load<i64>(STATE) >> 32) + 1
  store<usize>(CURRENT, op)
  atomic.store<i32>(DONE, 0)
  atomic.store<i64>(STATE, (epoch << 32) | ((<i64>chunks) << 16))
  if (atomic.load<i32>(HELPERS_SLEEP)) {
    atomic.store<i32>(HELPERS_SLEEP, 0)
    atomic.notify(STATE + 4, -1)
  }
  while (takeChunk(0)) {}
  return waitFor(chunks)
}

/** Takes the next chunk of the current op and does it; false where there is none left. */
function takeChunk(thread: i32): bool {
  if (!isOpen(atomic.load<i64>(STATE))) return false
  const state = atomic.add<i64>(STATE, 1)
  if (!isOpen(state)) return false
  const chunks = <i32>(state >> 16) & 0xffff
  const chunk = <i32>state & 0xffff
  const op = load<usize>(CURRENT) // stays until this chunk is done
  const items = <i64>itemsOf(op)
  execute(op, thread, <i32>((items * chunk) / chunks), <i32>((items * (chunk + 1)) / chunks))
  if (atomic.add<i32>(DONE, 1) + 1 === chunks && atomic.load<i32>(RUNNER_SLEEPS)) atomic.notify(DONE, 1)
  return true
}

function isOpen(state: i64): bool {
  return (<i32>state & 0xffff) < (<i32>(state >> 16) & 0xffff)
}

function waitFor(chunks: i32): bool {
  for (let spin = 0; spin < RUNNER_SPINS; spin++) if (atomic.load<i32>(DONE) === chunks) return true
  atomic.store<i32>(RUNNER_SLEEPS, 1)
  let done = atomic.load<i32>(DONE)
  while (done !== chunks && !atomic.load<i32>(FAILED)) {
    const woken = atomic.wait<i32>(DONE, done, LOOK_NS)
    // What is begun of attention over a long context takes long by itself.
    if (woken === TIMED_OUT && isProduct()) store<i32>(STALLS, load<i32>(STALLS) + 1)
    done = atomic.load<i32>(DONE)
  }
  atomic.store<i32>(RUNNER_SLEEPS, 0)
  return done === chunks
}

function isProduct(): bool {
  return load<i32>(load<usize>(CURRENT)) === MATMUL
}

/** A helper's life: takes chunks as long as there are any, looks for new ones for a while, sleeps until there are. */
export function help(thread: i32): void {
  let spins = 0
  while (!atomic.load<i32>(STOP)) {
    const threads = atomic.load<i32>(THREADS)
    if (thread >= threads) atomic.wait<i32>(THREADS, threads, -1)
    else if (takeChunk(thread)) spins = 0
    else if (++spins > HELPER_SPINS) {
      const state = atomic.load<i64>(STATE)
      atomic.store<i32>(HELPERS_SLEEP, 1)
      if (!isOpen(state) && !atomic.load<i32>(STOP)) atomic.wait<i32>(STATE + 4, <i32>(state >> 32), -1)
      spins = 0
    }
  }
}

/** Items [from, to) of an op. */
function execute(op: usize, thread: i32, from: i32, to: i32): void {
  const code = load<i32>(op)
  if (code === MATMUL) matmulPanels(op, thread, from, to)
  else if (code === ATTENTION) attention(op, thread, from, to)
  else if (code === PACK) packPanels(op, thread, from, to)
  else if (code === 2) embed(op, from, to)
  else if (code === 3) addPositions(op, from, to)
  else if (code === 4) norm(op, from, to)
  else if (code === 5) quantize(op, thread, from, to)
  else if (code === 7) rotary(op, from, to)
  else if (code === 8) append(op, thread, from, to)
  else if (code === 10) add(op, from, to)
  else if (code === 11) multiply(op, from, to)
  else if (code === 12) scale(op, from, to)
  else if (code === 13) softCap(op, from, to)
  else if (code === 14) activate(op, thread, from, to)
  else if (code === PICK_ROWS) pickRows(op)
  else if (code === READ) readPieces(op, thread, from, to)
  else unreachable()
}

/**
 * A relaxed dot product of 127 or -127 (signed) with a byte whose top bit is set, four of them: what machine.ts tells
 * from it is whether, and how, 8-bit weights can be had exactly. Only in the relaxed build.
 */
export function probe(signed: i32, byte: i32): i32 {
  if (!ASC_FEATURE_RELAXED_SIMD) return 0
  const dots = i32x4.relaxed_dot_i8x16_i7x16_add_s(i8x16.splat(<i8>signed), i8x16.splat(<i8>byte), i32x4.splat(0))
  return i32x4.extract_lane(dots, 0)
}
