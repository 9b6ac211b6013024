/** Which variant of a bundle to load: pure, from the manifest, the caller's wishes and what the browser can do. */
import type { Device } from './api.ts'
import type { Capabilities, GpuSearch } from './device.ts'
import { EngineError } from './errors.ts'
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
    throw unsupported(
      'This browser has no WebAssembly SIMD. Use a newer one: Chrome or Edge 91, Firefox 89, Safari 16.4.',
    )
  }
  const passedOver: PassedOver[] = []
  for (const attempt of candidates(manifest, wishes).flatMap(variant => attempts(variant, wishes))) {
    const reason = failed.find(({ from }) => from === attempt.name)?.reason ?? obstacle(attempt, found.search)
    if (reason === null) return { ...attempt, passedOver }
    passedOver.push({ from: attempt.name, reason })
  }
  const reasons = [...new Set(passedOver.map(({ reason }) => reason))].join(' ')
  throw unsupported(`${manifest.name} cannot run in this browser. ${reasons}`.trim())
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
    throw unsupported(`${name} has nothing for the device "${wish}". Ask for "${other}" or "auto".`)
  }
  return [...wanted.filter(({ device }) => device === 'webgpu'), ...wanted.filter(({ device }) => device === 'cpu')]
}

function attempts(variant: Variant, { backend }: Wishes): Attempt[] {
  const ort: Attempt = { variant, backend: 'ort', name: variant.name }
  const simd: Attempt = { variant, backend: 'simd', name: `${variant.name}/simd` }
  if (backend !== null) return backend === 'ort' ? [ort] : [simd]
  return variant.program ? [simd, ort] : [ort]
}

function obstacle({ variant, backend }: Attempt, { gpu, missing }: GpuSearch): string | null {
  const { device, requires } = variant
  if (backend === 'simd' && !variant.program) return noProgram(variant)
  if (device === 'cpu') return null
  if (!gpu) return missing
  const lacking = requires.filter(feature => !gpu.features.has(feature))
  return lacking.length === 0 ? null : `The graphics adapter (${gpu.name}) lacks ${lacking.join(', ')}.`
}

function noProgram({ name, device }: Variant): string {
  if (device !== 'cpu') return `The backend "simd" computes on the CPU, and ${name} is for WebGPU.`
  return (
    `${name} has no program for the backend "simd": its family is not one that the kernels know, or an older exporter ` +
    'made it. Export the bundle again, or leave the backend to the engine.'
  )
}

function unsupported(message: string): EngineError {
  return new EngineError('unsupported', message)
}
