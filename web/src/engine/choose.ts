/** Which variant of a bundle to load: pure, from the manifest, the caller's wishes and what the browser can do. */
import type { Device } from './api.ts'
import type { Capabilities, GpuSearch } from './device.ts'
import { EngineError } from './errors.ts'
import type { Manifest, Variant } from './manifest.ts'
import type { PassedOver } from './protocol.ts'

export interface Wishes {
  device: 'auto' | Device
  variant: string | null
}

export interface Choice {
  variant: Variant
  /** Better variants that cannot be used here, best first. */
  passedOver: PassedOver[]
}

/**
 * The best usable variant: WebGPU before CPU, within a device in the manifest's order.
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
  for (const variant of candidates(manifest, wishes)) {
    const reason = failed.find(({ from }) => from === variant.name)?.reason ?? obstacle(variant, found.search)
    if (reason === null) return { variant, passedOver }
    passedOver.push({ from: variant.name, reason })
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
  const wanted = named.filter(({ device }) => wishes.device === 'auto' || wishes.device === device)
  if (wanted.length === 0) {
    const other = wishes.device === 'cpu' ? 'webgpu' : 'cpu'
    throw unsupported(`${name} has nothing for the device "${wishes.device}". Ask for "${other}" or "auto".`)
  }
  return [...wanted.filter(({ device }) => device === 'webgpu'), ...wanted.filter(({ device }) => device === 'cpu')]
}

function obstacle({ device, requires }: Variant, { gpu, missing }: GpuSearch): string | null {
  if (device === 'cpu') return null
  if (!gpu) return missing
  const lacking = requires.filter(feature => !gpu.features.has(feature))
  return lacking.length === 0 ? null : `The graphics adapter (${gpu.name}) lacks ${lacking.join(', ')}.`
}

function unsupported(message: string): EngineError {
  return new EngineError('unsupported', message)
}
