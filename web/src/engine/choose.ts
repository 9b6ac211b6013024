/** Which variant of a bundle to load: pure, from the manifest, the caller's wishes and what the browser can do. */
import type { Device } from './api.ts'
import type { Capabilities, GpuSearch } from './device.ts'
import { EngineError, type Reason } from './errors.ts'
import type { Manifest, Variant } from './manifest.ts'
import type { PassedOver } from './protocol.ts'

export interface Wishes {
  device: 'auto' | Device
  variant: string | null
  backend: 'ort' | 'simd' | null
}

export interface Choice extends Attempt {
  /** Better variants that cannot be used here, best first. */
  passedOver: PassedOver[]
}

/** A variant and the code that is to run it. */
export interface Attempt {
  variant: Variant
  /** `simd`: the engine's own kernels, with the variant's program. */
  backend: 'ort' | 'simd'
  /** As failures are remembered: `cpu-int8`, `cpu-int8/simd`. */
  name: string
}

/**
 * The best usable variant: WebGPU before CPU, within a device in the manifest's order.
 * On the CPU the engine's own kernels come before ONNX Runtime.
 * @throws EngineError 'unsupported' with every reason, 'bad-request' for a variant that the bundle does not have
 */
export function chooseVariant(
  manifest: Manifest,
  wishes: Wishes,
  found: { capabilities: Capabilities; search: GpuSearch },
  failed: readonly PassedOver[],
): Choice {
  if (!found.capabilities.simd) {
    throw new EngineError('unsupported', { kind: 'no-simd' })
  }
  const passedOver: PassedOver[] = []
  for (const attempt of candidates(manifest, wishes).flatMap(variant => attempts(variant, wishes))) {
    const before = failed.find(({ from }) => from === attempt.name)?.reasons
    const reason = before ?? obstacle(attempt, found.search)
    if (reason === null) return { ...attempt, passedOver }
    passedOver.push({ from: attempt.name, reasons: [reason].flat() })
  }
  const told = new Map(passedOver.map(({ reasons }) => [JSON.stringify(reasons), reasons]))
  throw new EngineError('unsupported', [{ kind: 'cannot-run', model: manifest.name }, ...[...told.values()].flat()])
}

/** True where choosing needs to know about the GPU at all. */
export function wantsGpu(manifest: Manifest, wishes: Wishes, failed: readonly PassedOver[]): boolean {
  return candidates(manifest, wishes).some(
    ({ device, name }) => device === 'webgpu' && !failed.some(({ from }) => from === name),
  )
}

function candidates({ name, variants }: Manifest, wishes: Wishes): Variant[] {
  const named = wishes.variant === null ? variants : variants.filter(variant => variant.name === wishes.variant)
  if (named.length === 0) {
    const names = variants.map(variant => variant.name).join(', ')
    throw new EngineError('bad-request', `${name} has no variant "${wishes.variant}". It has: ${names}.`)
  }
  // A wish for the kernels is one for the CPU, but for a caller who asks for both: that is told why not.
  const wish = wishes.device === 'auto' && wishes.backend === 'simd' ? 'cpu' : wishes.device
  const wanted = named.filter(({ device }) => wish === 'auto' || wish === device)
  if (wanted.length === 0) {
    const other = wish === 'cpu' ? 'webgpu' : 'cpu'
    throw new EngineError('unsupported', { kind: 'no-device', model: name, device: wish, other })
  }
  return [...wanted.filter(({ device }) => device === 'webgpu'), ...wanted.filter(({ device }) => device === 'cpu')]
}

function attempts(variant: Variant, { backend }: Wishes): Attempt[] {
  const ort: Attempt = { variant, backend: 'ort', name: variant.name }
  const simd: Attempt = { variant, backend: 'simd', name: `${variant.name}/simd` }
  if (backend !== null) return backend === 'ort' ? [ort] : [simd]
  return variant.program ? [simd, ort] : [ort]
}

function obstacle({ variant, backend }: Attempt, { gpu, missing }: GpuSearch): Reason | null {
  const { device, requires } = variant
  if (backend === 'simd' && !variant.program)
    return { kind: device === 'cpu' ? 'no-program' : 'gpu-program', variant: variant.name }
  if (device === 'cpu') return null
  if (!gpu) return missing
  const lacking = requires.filter(feature => !gpu.features.has(feature))
  return lacking.length === 0 ? null : { kind: 'adapter-lacks', adapter: gpu.name, features: lacking.join(', ') }
}
