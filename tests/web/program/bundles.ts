/** Small bundles of every family, opened on the CPU kernels or on their plain reference. Tests say how files are read. */
import { openSimd, type SimdBackend } from '../../../web/src/engine/backend-simd.ts'
import { type Manifest, parseManifest, type Variant } from '../../../web/src/engine/manifest.ts'
import type { Machine } from '../../../web/src/engine/simd/ops.ts'

export const VARIANT = 'cpu-int8'

/** A router and experts: ONNX Runtime's. */
export const WITHOUT = ['mixtral']

export interface Golden {
  cases: { prompt_tokens: number[]; variant_tokens: Record<string, number[]> }[]
}

export interface TinyBundle {
  manifest: Manifest
  variant: Variant
  golden: Golden
  files: { blob(path: string): Blob }
}

/** @param read the bytes of a file of the bundle */
export async function readBundle(read: (path: string) => Promise<Uint8Array<ArrayBuffer>>): Promise<TinyBundle> {
  const text = async (path: string) => new TextDecoder().decode(await read(path))
  const manifest = parseManifest(await text('manifest.json'), 'manifest.json')
  const variant = manifest.variants.find(({ name }) => name === VARIANT)
  if (!variant) throw new Error(`no variant ${VARIANT}`)
  const blobs = new Map<string, Blob>()
  for (const { path } of variant.files) blobs.set(path, new Blob([await read(path)]))
  const golden: Golden = JSON.parse(await text('golden.json')) // our own script's file
  return { manifest, variant, golden, files: { blob: path => blobs.get(path) ?? new Blob() } }
}

export function openOn(
  { manifest, variant, files }: Pick<TinyBundle, 'manifest' | 'variant' | 'files'>,
  openMachine: (needs: { memoryBytes: number; mostBytes: number; maxTokens: number }) => Promise<Machine>,
): Promise<SimdBackend> {
  return openSimd({ manifest, variant, files, openMachine, signal: new AbortController().signal })
}

/** The manifest with a longer context, for models whose positions are not in tables. */
export function withContext(bundle: TinyBundle, tokens: number): TinyBundle {
  return { ...bundle, manifest: { ...bundle.manifest, context_length: tokens } }
}

export function programOf({ program }: Variant): NonNullable<Variant['program']> {
  if (!program) throw new Error(`${VARIANT} has no program`)
  return program
}
