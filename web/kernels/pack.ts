// Weights from the file's order (row-major) into the order in which `matmul` reads them, in place: panels of 8 rows, a
// panel's columns four at a time, so that one vector holds 4 rows and its dot products need no sums across lanes.
//
//   plain    a vector of 16 bytes is rows r…r+3 × columns k, k+1, then the same rows × columns k+2, k+3
//   relaxed  a vector of 16 bytes is rows r…r+3 × columns k…k+3, with the top bit flipped where the machine's dot product
//            takes its second operand as unsigned
//   scales   a panel's 8 float16 per block of 32 columns lie together
import { argument, pointer, scratch } from './memory'

/** 0x80 where relaxed dot products take their second operand as unsigned, else 0; set once, before `pack`. */
let flip: i32 = 0

export function setFlip(bits: i32): void {
  flip = bits
}

export function getFlip(): i32 {
  return flip
}

/** Offset in a panel's 4 columns × 8 rows of 32 bytes, of row `row` and column `column` (0…3). */
function placeOf(row: usize, column: usize): usize {
  const half = row >> 2
  if (ASC_FEATURE_RELAXED_SIMD) return half * 16 + (row & 3) * 4 + column
  return half * 16 + (column >> 1) * 8 + (row & 3) * 2 + (column & 1)
}

/** Panels [from, to) of the matrix of a `pack` op. */
export function packPanels(op: usize, thread: i32, from: i32, to: i32): void {
  const columns = <usize>argument(op, 3)
  const blocks = columns >> 5
  for (let panel = from; panel < to; panel++) {
    packValues(pointer(op, 0) + <usize>panel * columns * 8, columns, scratch(thread))
    packScales(pointer(op, 1) + <usize>panel * blocks * 16, blocks, scratch(thread))
  }
}

function packValues(at: usize, columns: usize, copy: usize): void {
  memory.copy(copy, at, columns * 8)
  for (let row: usize = 0; row < 8; row++) {
    const from = copy + row * columns
    for (let quad: usize = 0; quad < columns; quad += 4) {
      const to = at + quad * 8
      const bytes = load<u32>(from + quad) ^ (flip * 0x01010101)
      if (ASC_FEATURE_RELAXED_SIMD) store<u32>(to + placeOf(row, 0), bytes)
      else {
        store<u16>(to + placeOf(row, 0), <u16>bytes)
        store<u16>(to + placeOf(row, 2), <u16>(bytes >> 16))
      }
    }
  }
}

function packScales(at: usize, blocks: usize, copy: usize): void {
  memory.copy(copy, at, blocks * 16)
  for (let row: usize = 0; row < 8; row++) {
    for (let block: usize = 0; block < blocks; block++) {
      store<u16>(at + block * 16 + row * 2, load<u16>(copy + (row * blocks + block) * 2))
    }
  }
}

/** One row of a packed matrix as float32 [columns], times `factor`. */
export function unpackRow(op: usize, row: i32, to: usize, factor: f32): void {
  const columns = <usize>argument(op, 3)
  const panel = <usize>(row >> 3)
  const inPanel = <usize>(row & 7)
  const values = pointer(op, 0) + panel * columns * 8
  const scales = pointer(op, 1) + panel * (columns >> 1) + inPanel * 2
  for (let column: usize = 0; column < columns; column++) {
    const value = <i32>load<i8>(values + (column >> 2) * 32 + placeOf(inPanel, column & 3))
    const scale = halfToFloat(load<u16>(scales + (column >> 5) * 16))
    store<f32>(to + (column << 2), <f32>(<i8>(value ^ flip)) * scale * factor)
  }
}

/** A float16 that is not negative and is finite: subnormal ones too, since the product is exact. */
function halfToFloat(half: u16): f32 {
  return reinterpret<f32>((<u32>half) << 13) * <f32>5.192296858534828e33
}
