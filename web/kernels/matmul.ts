// Matrix products of int8 weights and rounded tokens, with float scales per block of 32 columns. Sums within a block are
// exact integers, and blocks are added in their order, so a result does not depend on the tile or the thread it came from.
//
// A tile is a panel of 8 rows (pack.ts) × 1 or 4 tokens. Rounded tokens (quantize.ts): int16 [columns] in the plain
// build, int8 in the relaxed one, then a float32 scale per block; relaxed: then what a block's integer sum starts from,
// then extras.
import { opRows, scratch } from './memory'
import { panelByFour as plainByFour, panelByOne as plainByOne } from './tile-plain'
import { panelByFour as relaxedByFour, panelByOne as relaxedByOne, panelExtras as relaxedExtras } from './tile-relaxed'

/** Panels [from, to) of a `matmul` op, for all of its tokens. `thread`: whose scratch memory is free. */
export function matmulPanels(op: usize, thread: i32, from: i32, to: i32): void {
  const sums = scratch(thread)
  const count = opRows(op)
  for (let panel = from; panel < to; panel++) {
    let token = 0
    for (; token + 4 <= count; token += 4) {
      if (ASC_FEATURE_RELAXED_SIMD) relaxedByFour(op, panel, token)
      else plainByFour(op, panel, token, sums)
    }
    for (; token < count; token++) {
      if (ASC_FEATURE_RELAXED_SIMD) relaxedByOne(op, panel, token)
      else plainByOne(op, panel, token)
    }
    if (!ASC_FEATURE_RELAXED_SIMD) continue
    for (token = 0; token < count; token++) relaxedExtras(op, panel, token)
  }
}
