/** How many threads compute: never fewer than is best for long, in worlds whose speed is known. */
import { expect, test } from 'vitest'
import { ThreadChoice } from '../../../web/src/engine/simd/thread-choice.ts'

interface World {
  /** Tokens a second. */
  speed: (threads: number) => number
  /** The part of the time that is lost by waiting. */
  stalled: (threads: number) => number
}

/** Other programs on both cores: measured with two busy ones (docs/cpu-backend.md). */
const BUSY: World = { speed: threads => (threads > 1 ? 75 : 97), stalled: threads => (threads > 1 ? 0.4 : 0) }
const QUIET: World = { speed: threads => (threads > 1 ? 125 : 117), stalled: () => 0.02 }
/** So many programs that a second thread doubles what this one gets. */
const CROWDED: World = { speed: threads => (threads > 1 ? 72 : 36), stalled: threads => (threads > 1 ? 0.5 : 0) }

/** One token after the other: the shares of time by number of threads, and tokens a second. */
function live(choice: ThreadChoice, world: World, seconds: number) {
  const spent = new Map<number, number>()
  let [ms, tokens] = [0, 0]
  for (; ms < seconds * 1000; tokens++) {
    const { threads } = choice
    const took = 1000 / world.speed(threads)
    choice.ran({ tokens: 1, ms: took, stalledMs: took * world.stalled(threads) })
    spent.set(threads, (spent.get(threads) ?? 0) + took)
    ms += took
  }
  return { share: (threads: number) => (spent.get(threads) ?? 0) / ms, speed: (tokens / ms) * 1000 }
}

test('all threads where hardly anybody is put aside', () => {
  expect(live(new ThreadChoice(4), QUIET, 60).share(4)).toBe(1)
})

test('one thread where it is faster, all of them soon after the others have ended', () => {
  const choice = new ThreadChoice(2)
  const busy = live(choice, BUSY, 10)
  expect(busy.speed).toBeGreaterThan(0.95 * 97)
  expect(live(choice, QUIET, 2.2).share(2)).toBeGreaterThan(0)
  expect(live(choice, QUIET, 10).share(2)).toBe(1)
})

test('all threads where they are faster although they are put aside', () => {
  expect(live(new ThreadChoice(2), CROWDED, 30).speed).toBeGreaterThan(0.97 * 72)
})

test('as many of eight as are best', () => {
  const world: World = {
    speed: threads => ({ 8: 60, 4: 90, 2: 70, 1: 40 })[threads] ?? 0,
    stalled: threads => (threads > 1 ? 0.2 : 0),
  }
  const lived = live(new ThreadChoice(8), world, 30)
  expect(lived.share(4)).toBeGreaterThan(0.9)
  expect(lived.speed).toBeGreaterThan(0.95 * 90)
})

test('a lone thread stays alone', () => {
  expect(live(new ThreadChoice(1), { speed: () => 50, stalled: () => 1 }, 5).share(1)).toBe(1)
})

test('long runs count like many short ones', () => {
  const choice = new ThreadChoice(2)
  choice.ran({ tokens: 128, ms: 600, stalledMs: 90 })
  expect(choice.threads).toBe(1)
  choice.ran({ tokens: 128, ms: 500, stalledMs: 0 })
  expect(choice.threads).toBe(1)
})
