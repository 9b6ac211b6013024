/** The ways to run a model on this device: variants and the code for them, and why others cannot be used. */
import { signal } from '@preact/signals'
import type { Device } from '../engine/api.ts'
import type { Column } from '../tasks/comparison.ts'
import type { Defaults } from './controls.ts'
import type { ModelSummary } from './models.ts'

/** Why a way cannot be used here. */
export type Obstacle = 'no-webgpu' | 'no-adapter' | 'no-f16'

export interface Way {
  variant: string
  device: Device
  backend: 'ort' | 'simd'
  sizeBytes: number
  obstacle: Obstacle | null
  /** The GPU is emulated on the CPU: right, but slow. */
  isEmulated: boolean
}

interface VariantEntry {
  name: string
  device: Device
  requires: string[]
  hasProgram: boolean
  sizeBytes: number
}

interface GpuFacts {
  missing: 'no-webgpu' | 'no-adapter' | null
  hasF16: boolean
  isEmulated: boolean
}

/** What a model's manifest and this device say. */
export interface ModelFacts {
  /** Best first. */
  ways: readonly Way[]
  defaults: Defaults | null
  contextLength: number | null
}

/** By model id; a model is not in it while its manifest is being read. */
export const modelFacts = signal<ReadonlyMap<string, ModelFacts>>(new Map())

const asked = new Set<string>()
let gpu: Promise<GpuFacts> | null = null

/** What of a column says it. */
export function wayOf({ variant, device, backend }: Way): Pick<Column, 'variant' | 'device' | 'backend'> {
  return { variant, device, backend }
}

/** Finds out about a model, once; `modelFacts` has it afterwards. A manifest that cannot be read has no ways. */
export async function findOut(model: ModelSummary): Promise<void> {
  if (asked.has(model.id)) return
  asked.add(model.id)
  gpu ??= askGpu()
  const [manifest, facts] = await Promise.all([fetchManifest(model.url).catch(() => ({})), gpu])
  const { generation, context_length: contextLength } = Object(manifest)
  modelFacts.value = new Map(modelFacts.value).set(model.id, {
    ways: variantsOf(manifest).flatMap(variant => waysOf(variant, facts)),
    defaults: generation ? { min_p: 0, presence_penalty: 0, frequency_penalty: 0, ...generation } : null,
    contextLength: typeof contextLength === 'number' ? contextLength : null,
  })
}

function waysOf({ name: variant, device, requires, hasProgram, sizeBytes }: VariantEntry, facts: GpuFacts): Way[] {
  const shared = { variant, device, sizeBytes }
  if (device === 'cpu') {
    const ort: Way = { ...shared, backend: 'ort', obstacle: null, isEmulated: false }
    return hasProgram ? [{ ...ort, backend: 'simd' }, ort] : [ort]
  }
  const obstacle = facts.missing ?? (requires.includes('shader-f16') && !facts.hasF16 ? 'no-f16' : null)
  return [{ ...shared, backend: 'ort', obstacle, isEmulated: facts.isEmulated }]
}

async function fetchManifest(url: string): Promise<unknown> {
  const response = await fetch(new URL('manifest.json', new URL(url, document.baseURI)))
  return response.json()
}

function variantsOf(manifest: unknown): VariantEntry[] {
  const { variants } = Object(manifest)
  if (!Array.isArray(variants)) return []
  return variants.map(variant => {
    const { name, device, requires, program, files } = Object(variant)
    const sizes = Array.isArray(files) ? files.map(file => Number(Object(file).size_bytes) || 0) : []
    return {
      name: String(name),
      device: device === 'webgpu' ? 'webgpu' : 'cpu',
      requires: Array.isArray(requires) ? requires.map(String) : [],
      hasProgram: Boolean(program),
      sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
    }
  })
}

async function askGpu(): Promise<GpuFacts> {
  const none = { hasF16: false, isEmulated: false }
  if (!navigator.gpu) return { missing: 'no-webgpu', ...none }
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null)
  if (!adapter) return { missing: 'no-adapter', ...none }
  return { missing: null, hasF16: adapter.features.has('shader-f16'), isEmulated: adapter.info.isFallbackAdapter }
}
