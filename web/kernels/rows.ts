// Ops that take each row of a value by itself: sums, products, activations, norms, rows copied. `from` and `to` are rows
// of the run; widths go up to the next multiple of 4.
import { argument, float, pointer, rowAt, runOutputs, runPosition, runTokens, scratch, tokenAt } from './memory'
import { gelu, geluExponent, geluTanh, geluTanhExponent, powers, silu, softCaps, sumOfLanes } from './numbers'
import { unpackRow } from './pack'

export function embed(op: usize, from: i32, to: i32): void {
  for (let row = from; row < to; row++) unpackRow(op, tokenAt(row), rowAt(op, 4, row), float(op, 6))
}

export function addPositions(op: usize, from: i32, to: i32): void {
  const width = argument(op, 4)
  for (let row = from; row < to; row++) {
    const table = pointer(op, 5) + ((<usize>(runPosition() + row) * <usize>width) << 2)
    sum(rowAt(op, 0, row), table, rowAt(op, 2, row), width)
  }
}

function sum(left: usize, right: usize, to: usize, width: i32): void {
  for (let end = to + ((<usize>width) << 2); to < end; to += 16, left += 16, right += 16) {
    v128.store(to, f32x4.add(v128.load(left), v128.load(right)))
  }
}

export function add(op: usize, from: i32, to: i32): void {
  for (let row = from; row < to; row++) sum(rowAt(op, 0, row), rowAt(op, 2, row), rowAt(op, 4, row), argument(op, 6))
}

export function multiply(op: usize, from: i32, to: i32): void {
  for (let row = from; row < to; row++) {
    let left = rowAt(op, 0, row)
    let right = rowAt(op, 2, row)
    let out = rowAt(op, 4, row)
    for (const end = out + ((<usize>argument(op, 6)) << 2); out < end; out += 16, left += 16, right += 16) {
      v128.store(out, f32x4.mul(v128.load(left), v128.load(right)))
    }
  }
}

export function scale(op: usize, from: i32, to: i32): void {
  const factor = f32x4.splat(float(op, 5))
  for (let row = from; row < to; row++) {
    let x = rowAt(op, 0, row)
    let out = rowAt(op, 2, row)
    for (const end = out + ((<usize>argument(op, 4)) << 2); out < end; out += 16, x += 16) {
      v128.store(out, f32x4.mul(v128.load(x), factor))
    }
  }
}

export function softCap(op: usize, from: i32, to: i32): void {
  const bytes = (<usize>((argument(op, 4) + 3) & -4)) << 2
  for (let row = from; row < to; row++) softCaps(rowAt(op, 0, row), rowAt(op, 2, row), bytes, float(op, 5))
}

/** Bytes of a row that are activated together. */
const TILE: usize = 2048
// Kinds of activation, as ops.ts numbers them; the fourth is GELU by tanh.
const SILU = 0
const GELU = 1
const RELU = 3

export function activate(op: usize, thread: i32, from: i32, to: i32): void {
  const bytes = (<usize>((argument(op, 6) + 3) & -4)) << 2
  for (let row = from; row < to; row++) {
    for (let at: usize = 0; at < bytes; at += TILE) {
      const x = rowAt(op, 0, row) + at
      const length = min(TILE, bytes - at)
      prepare(argument(op, 7), x, scratch(thread), length)
      const gated = pointer(op, 2) ? rowAt(op, 2, row) + at : 0
      finishTile(op, x, gated, rowAt(op, 4, row) + at, scratch(thread), length)
    }
  }
}

/** The powers of e that an activation needs, at `to`. */
function prepare(kind: i32, x: usize, to: usize, bytes: usize): void {
  if (kind === RELU) return
  if (kind === SILU) {
    powers(x, to, bytes, 0)
    return
  }
  for (let at: usize = 0; at < bytes; at += 16) {
    const four = v128.load(x + at)
    v128.store(to + at, kind === GELU ? geluExponent(four) : geluTanhExponent(four))
  }
  powers(to, to, bytes, 0)
}

function finishTile(op: usize, x: usize, gated: usize, to: usize, power: usize, bytes: usize): void {
  const kind = argument(op, 7)
  for (let at: usize = 0; at < bytes; at += 16) {
    let four = activated(kind, v128.load(x + at), v128.load(power + at))
    if (gated) four = f32x4.mul(four, v128.load(gated + at))
    v128.store(to + at, four)
  }
}

function activated(kind: i32, x: v128, power: v128): v128 {
  if (kind === SILU) return silu(x, power)
  if (kind === GELU) return gelu(x, power)
  return kind === RELU ? f32x4.pmax(f32x4.splat(0), x) : geluTanh(x, power)
}

export function pickRows(op: usize): void {
  const first = runTokens() - runOutputs()
  for (let row = 0; row < runOutputs(); row++) {
    memory.copy(rowAt(op, 2, row), rowAt(op, 0, first + row), (<usize>argument(op, 4)) << 2)
  }
}

export function norm(op: usize, from: i32, to: i32): void {
  const width = argument(op, 4)
  const layer = argument(op, 6) !== 0
  for (let row = from; row < to; row++) {
    for (let group = 0; group < argument(op, 5); group++) {
      const offset = (<usize>group * <usize>width) << 2
      const x = rowAt(op, 0, row) + offset
      if (layer) layerNorm(op, x, rowAt(op, 2, row) + offset)
      else rmsNorm(op, x, rowAt(op, 2, row) + offset)
    }
  }
}

function rmsNorm(op: usize, x: usize, to: usize): void {
  const bytes = (<usize>argument(op, 4)) << 2
  let squares = f32x4.splat(0)
  for (let at: usize = 0; at < bytes; at += 16) {
    const value = v128.load(x + at)
    squares = f32x4.add(squares, f32x4.mul(value, value))
  }
  const mean = sumOfLanes(squares) / <f32>argument(op, 4)
  const factor = f32x4.splat(<f32>1 / sqrt<f32>(mean + float(op, 9)))
  const weight = pointer(op, 7)
  for (let at: usize = 0; at < bytes; at += 16) {
    v128.store(to + at, f32x4.mul(f32x4.mul(v128.load(x + at), factor), v128.load(weight + at)))
  }
}

function layerNorm(op: usize, x: usize, to: usize): void {
  const bytes = (<usize>argument(op, 4)) << 2
  let total = f32x4.splat(0)
  for (let at: usize = 0; at < bytes; at += 16) total = f32x4.add(total, v128.load(x + at))
  const mean = f32x4.splat(sumOfLanes(total) / <f32>argument(op, 4))
  let squares = f32x4.splat(0)
  for (let at: usize = 0; at < bytes; at += 16) {
    const value = f32x4.sub(v128.load(x + at), mean)
    squares = f32x4.add(squares, f32x4.mul(value, value))
  }
  const variance = sumOfLanes(squares) / <f32>argument(op, 4)
  const factor = f32x4.splat(<f32>1 / sqrt<f32>(variance + float(op, 9)))
  const weight = pointer(op, 7)
  const bias = pointer(op, 8)
  for (let at: usize = 0; at < bytes; at += 16) {
    const value = f32x4.mul(f32x4.mul(f32x4.sub(v128.load(x + at), mean), factor), v128.load(weight + at))
    v128.store(to + at, bias ? f32x4.add(value, v128.load(bias + at)) : value)
  }
}
