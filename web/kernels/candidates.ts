// The largest numbers of a row, and what the rest of a softmax needs. The best so far are a heap with the worst at the
// root: a smaller number, and among equal ones the higher id, is worse.
import { argument, pointer, rowAt, scratch } from './memory'
import { maxOfLanes, powers, sumOfLanes } from './numbers'

let ids: usize = 0
let best: usize = 0
let size = 0

export function candidates(op: usize, thread: i32, from: i32, to: i32): void {
  for (let row = from; row < to; row++) {
    const count = argument(op, 3)
    ids = pointer(op, 4) + ((<usize>row * <usize>count) << 2)
    best = pointer(op, 5) + ((<usize>row * <usize>count) << 2)
    const x = rowAt(op, 0, row)
    const largest = select(x, argument(op, 2), count)
    const sums = pointer(op, 6) + ((<usize>row) << 3)
    store<f32>(sums, largest)
    store<f32>(sums, sumOfPowers(x, argument(op, 2), largest, scratch(thread)), 4)
  }
}

/** Fills the heap from the numbers at `x`; the largest of them. */
function select(x: usize, width: i32, count: i32): f32 {
  size = 0
  let largest = f32x4.splat(-3e38)
  let id = 0
  for (; id + 4 <= width; id += 4) {
    const four = v128.load(x + ((<usize>id) << 2))
    largest = f32x4.pmax(largest, four)
    if (size === count && !v128.any_true(f32x4.gt(four, v128.load32_splat(best)))) continue
    for (let lane = 0; lane < 4; lane++) offer(load<f32>(x + ((<usize>(id + lane)) << 2)), id + lane, count)
  }
  let most = maxOfLanes(largest)
  for (; id < width; id++) {
    const number = load<f32>(x + ((<usize>id) << 2))
    most = max(most, number)
    offer(number, id, count)
  }
  return most
}

function offer(number: f32, id: i32, count: i32): void {
  if (size < count) {
    set(size, number, id)
    size++
    rise(size - 1)
  } else if (number > numberAt(0)) {
    set(0, number, id)
    sink()
  }
}

function numberAt(place: i32): f32 {
  return load<f32>(best + ((<usize>place) << 2))
}

function idAt(place: i32): i32 {
  return load<i32>(ids + ((<usize>place) << 2))
}

function set(place: i32, number: f32, id: i32): void {
  store<f32>(best + ((<usize>place) << 2), number)
  store<i32>(ids + ((<usize>place) << 2), id)
}

function isWorse(left: i32, right: i32): bool {
  const difference = numberAt(left) - numberAt(right)
  return difference < 0 || (difference === 0 && idAt(left) > idAt(right))
}

function swap(left: i32, right: i32): void {
  const number = numberAt(left)
  const id = idAt(left)
  set(left, numberAt(right), idAt(right))
  set(right, number, id)
}

function rise(place: i32): void {
  while (place > 0 && isWorse(place, (place - 1) >> 1)) {
    swap(place, (place - 1) >> 1)
    place = (place - 1) >> 1
  }
}

function sink(): void {
  let place = 0
  for (let child = 1; child < size; child = 2 * place + 1) {
    if (child + 1 < size && isWorse(child + 1, child)) child++
    if (!isWorse(child, place)) return
    swap(place, child)
    place = child
  }
}

/** Numbers whose powers are made together. */
const TILE = 512

function sumOfPowers(x: usize, width: i32, largest: f32, copy: usize): f32 {
  let sum = f32x4.splat(0)
  let rest: f32 = 0
  for (let id = 0; id < width; id += TILE) {
    const count = min(TILE, width - id)
    const whole = (<usize>(count & -4)) << 2
    powers(x + ((<usize>id) << 2), copy, (<usize>((count + 3) & -4)) << 2, largest)
    let at: usize = 0
    for (; at < whole; at += 16) sum = f32x4.add(sum, v128.load(copy + at))
    for (; at < (<usize>count) << 2; at += 4) rest += load<f32>(copy + at)
  }
  return sumOfLanes(sum) + rest
}
