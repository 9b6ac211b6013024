/** Whether a variant fits this device, said before anything is downloaded. Pure but for what the browser says of itself. */
import { signal } from '@preact/signals'
import type { Device } from '../engine/api.ts'

export interface DeviceFacts {
  gpu: 'none' | 'no-adapter' | 'emulated' | 'real'
  hasF16: boolean
  /** Of main memory, as the browser rounds it (8 GiB at most); null where it does not say. */
  memoryBytes: number | null
  /** What this page may still keep in this browser. */
  quotaBytes: number | null
  isPersistent: boolean
  usedBytes: number | null
}

export const deviceFacts = signal<DeviceFacts | null>(null)

export async function lookAtDevice(): Promise<void> {
  const [gpu, storage] = await Promise.all([askGpu(), askStorage()])
  const { deviceMemory } = navigator as Navigator & { deviceMemory?: number } // not in Firefox and Safari, nor in the types
  deviceFacts.value = { ...gpu, ...storage, memoryBytes: deviceMemory ? deviceMemory * 2 ** 30 : null }
}

/** @returns whether the browser now promises not to clear this page's storage by itself */
export async function askPersistence(): Promise<boolean> {
  const granted = (await navigator.storage?.persist?.()) ?? false
  await lookAtDevice()
  return granted
}

async function askGpu(): Promise<Pick<DeviceFacts, 'gpu' | 'hasF16'>> {
  if (!navigator.gpu) return { gpu: 'none', hasF16: false }
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null)
  if (!adapter) return { gpu: 'no-adapter', hasF16: false }
  const { isFallbackAdapter } = adapter.info
  return { gpu: isFallbackAdapter ? 'emulated' : 'real', hasF16: adapter.features.has('shader-f16') }
}

async function askStorage(): Promise<Pick<DeviceFacts, 'quotaBytes' | 'usedBytes' | 'isPersistent'>> {
  try {
    const { quota = null, usage = null } = await navigator.storage.estimate()
    return { quotaBytes: quota, usedBytes: usage, isPersistent: await navigator.storage.persisted() }
  } catch {
    return { quotaBytes: null, usedBytes: null, isPersistent: false }
  }
}

export type Verdict = 'fits' | 'tight' | 'no'
export type Reason =
  | 'no-webgpu'
  | 'no-adapter'
  | 'no-f16'
  | 'emulated'
  | 'wasm-memory'
  | 'much-memory'
  | 'more-memory'
  | 'disk-full'
  | 'disk-nearly-full'

export interface Fit {
  verdict: Verdict
  /** Worst first; none where it fits. */
  reasons: readonly Reason[]
}

export interface Candidate {
  name: string
  device: Device
  requires?: readonly string[]
  /** What it takes while it runs, without a conversation; null where nobody says. */
  memory_bytes?: number | null
  /** The engine's own kernels can run it: they compute with the weights as the file has them. */
  has_program?: boolean
  download_bytes?: number | null
}

/** Bytes that a variant takes while it runs; null where nobody says. */
export function memoryOf({ memory_bytes: memory = null, has_program: isCompact, download_bytes: size }: Candidate) {
  return isCompact && size ? size : memory
}

/** WebAssembly addresses 4 GiB, and a conversation needs room as well. */
const WASM_BYTES = 3.5 * 2 ** 30
/** The browser and everything else want memory too. */
const TIGHT_SHARE = 0.5
/** A disk as full as this slows everything down. */
const SPARE_BYTES = 1e9

/** @param disk bytes that have to be downloaded and the room there is for them; null where it is there already */
export function fitOf(candidate: Candidate, facts: DeviceFacts, disk: { needs: number; free: number } | null): Fit {
  const no: Reason[] = []
  const tight: Reason[] = []
  const { device, requires = [] } = candidate
  const memory = memoryOf(candidate) ?? 0
  if (device === 'webgpu') {
    if (facts.gpu === 'none') no.push('no-webgpu')
    else if (facts.gpu === 'no-adapter') no.push('no-adapter')
    else if (requires.includes('shader-f16') && !facts.hasF16) no.push('no-f16')
    else if (facts.gpu === 'emulated') tight.push('emulated')
  } else if (memory > WASM_BYTES) no.push('wasm-memory')
  if (facts.memoryBytes !== null && memory > facts.memoryBytes) no.push('more-memory')
  else if (facts.memoryBytes !== null && memory > facts.memoryBytes * TIGHT_SHARE) tight.push('much-memory')
  if (disk && disk.needs > disk.free) no.push('disk-full')
  else if (disk && disk.needs + SPARE_BYTES > disk.free) tight.push('disk-nearly-full')
  return { verdict: no.length > 0 ? 'no' : tight.length > 0 ? 'tight' : 'fits', reasons: [...no, ...tight] }
}

/** What the engine takes by itself: the first GPU variant that runs on a real GPU, else the first for the CPU. */
export function choiceOf<C extends Candidate>(
  variants: readonly C[],
  facts: DeviceFacts,
  wish: 'auto' | Device,
): C | null {
  const runs = (variant: C) => fitOf(variant, facts, null).verdict !== 'no'
  const isWanted = ({ device }: C) => wish === 'auto' || device === wish
  const gpu = variants.filter(variant => variant.device === 'webgpu' && isWanted(variant) && runs(variant))
  const cpu = variants.filter(variant => variant.device === 'cpu' && isWanted(variant) && runs(variant))
  const usable = facts.gpu === 'emulated' && wish !== 'webgpu' ? cpu : [...gpu, ...cpu]
  return usable[0] ?? null
}
