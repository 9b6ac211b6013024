// Ops that take each row of a value by itself: sums, products, activations, norms, rows copied. `from` and `to` are rows
// of the run; widths go up to the next multiple of 4.
import { argument, float, pointer, rowAt, runOutputs, runPosition, runTokens, tokenAt } from './memory'
import { gelu, geluTanh, silu, sumOfLanes, tanh } from './numbers'
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
  const limit = f32x4.splat(float(op, 5))
  for (let row = from; row < to; row++) {
    let x = rowAt(op, 0, row)
    let out = rowAt(op, 2, row)
    for (const end = out + ((<usize>argument(op, 4)) << 2); out < end; out += 16, x += 16) {
      v128.store(out, f32x4.mul(limit, tanh(f32x4.div(v128.load(x), limit))))
    }
  }
}

export function activate(op: usize, from: i32, to: i32): void {
  for (let row = from; row < to; row++) {
    const gated = pointer(op, 2) ? rowAt(op, 2, row) : 0
    activateRow(op, rowAt(op, 0, row), gated, rowAt(op, 4, row))
  }
}

function activateRow(op: usize, x: usize, gated: usize, to: usize): void {
  const kind = argument(op, 7)
  const end = to + ((<usize>argument(op, 6)) << 2)
  if (!gated) for (; to < end; to += 16, x += 16) v128.store(to, activated(kind, v128.load(x)))
  else {
    for (; to < end; to += 16, x += 16, gated += 16) {
      v128.store(to, f32x4.mul(activated(kind, v128.load(x)), v128.load(gated)))
    }
  }
}

function activated(kind: i32, x: v128): v128 {
  if (kind === 0) return silu(x)
  if (kind === 1) return gelu(x)
  return kind === 2 ? geluTanh(x) : f32x4.pmax(f32x4.splat(0), x)
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
