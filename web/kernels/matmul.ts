// int8 × int8 matrix products with float scales per block of 32 columns. Sums within a block are exact integers, and
// blocks are added in their order, so a result does not depend on the tile, the thread or the build it came from.
//
// A tile is a panel of 8 rows (pack.ts) × 1 or 4 tokens. Quantised tokens (quantize.ts): int16 [columns] in the plain
// build, int8 in the relaxed one, then a float32 scale per block, then (relaxed) what a block's integer sum starts from,
// then extras.
import { opRows } from './memory'
import { panelByFour as plainByFour, panelByOne as plainByOne, panelExtras as plainExtras } from './tile-plain'
import { panelByFour as relaxedByFour, panelByOne as relaxedByOne, panelExtras as relaxedExtras } from './tile-relaxed'

/** Panels [from, to) of a `matmul` op, for all of its tokens. */
export function matmulPanels(op: usize, from: i32, to: i32): void {
  const count = opRows(op)
  for (let panel = from; panel < to; panel++) {
    let token = 0
    for (; token + 4 <= count; token += 4) {
      if (ASC_FEATURE_RELAXED_SIMD) relaxedByFour(op, panel, token)
      else plainByFour(op, panel, token)
    }
    for (; token < count; token++) {
      if (ASC_FEATURE_RELAXED_SIMD) relaxedByOne(op, panel, token)
      else plainByOne(op, panel, token)
    }
    for (token = 0; token < count; token++) {
      if (ASC_FEATURE_RELAXED_SIMD) relaxedExtras(op, panel, token)
      else plainExtras(op, panel, token)
    }
  }
}
