/** Which build of the kernels this browser should run, and its compiled code. */
import { EngineError } from '../errors.ts'

export type Build = 'relaxed' | 'simd128'

/** Exports of every build (web/kernels/index.ts). */
export interface Kernels {
  run(list: number, count: number): number
  help(thread: number): void
  setFlip(bits: number): void
  probe(signed: number, byte: number): number
}

/** `(func (param v128 v128 v128) (result v128) local.get 0 local.get 1 local.get 2 i32x4.relaxed_dot_i8x16_i7x16_add_s)` */
const RELAXED_MODULE = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // magic, version
  ...[1, 8, 1, 0x60, 3, 0x7b, 0x7b, 0x7b, 1, 0x7b], // type
  ...[3, 2, 1, 0, 10, 13, 1, 11, 0, 0x20, 0, 0x20, 1, 0x20, 2, 0xfd, 0x93, 2, 0x0b],
)

export async function compileBuild(build: Build, shared: boolean): Promise<WebAssembly.Module> {
  const { default: packed, memoryKindAt } = await (build === 'relaxed'
    ? import('virtual:kernels/relaxed')
    : import('virtual:kernels/simd128'))
  try {
    const bytes = await inflated(packed)
    if (shared) bytes[memoryKindAt] = 3 // all else is the same code
    return await WebAssembly.compile(bytes)
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    throw new EngineError('unsupported', { kind: 'no-kernels', said })
  }
}

async function inflated(base64: string): Promise<Uint8Array<ArrayBuffer>> {
  const packed = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0))
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(RELAXED_MODULE)
}

/**
 * What weights must be flipped with (web/kernels/pack.ts) so that the relaxed build computes exactly with 8 bits on this
 * machine; null where it cannot, and the plain build is the one to run.
 *
 * The relaxed dot product is specified for a second operand of 7 bits. With 8 it is one of: signed (ARM), unsigned with
 * 32-bit sums (x86 with VNNI), or unsigned with sums of pairs that saturate at 16 bits (other x86). Each machine always
 * does the same, so this is asked once.
 */
export function flipOf(kernels: Kernels): number | null {
  const most = kernels.probe(127, 0xff)
  const least = kernels.probe(-127, 0xff)
  if (most === 4 * 127 * -1 && least === 4 * 127) return 0
  if (most === 4 * 127 * 255 && least === 4 * -127 * 255) return 0x80
  return null
}
