/** What lanes and their ways are called. */
import { type Lane, lanes } from '../../state/compare.ts'
import { chatModels } from '../../state/models.ts'
import { isHidden } from '../../state/votes.ts'
import type { Way } from '../../state/ways.ts'
import { MODEL_DEFAULTS } from '../../tasks/chat.ts'
import { text } from '../../text/index.ts'
import { bytes } from '../parts/format.ts'

const LETTERS = 'ABCD'

/** By its place on the page: A, B, … */
export function letterOf(lane: Lane): string {
  return LETTERS[lanes.value.indexOf(lane)] ?? '?'
}

/** Letter alone while nobody may know more; else with what it is. */
export function nameOf(lane: Lane): string {
  return isHidden.value ? letterOf(lane) : `${letterOf(lane)} (${titleOf(lane)})`
}

/** "SmolLM2 135M · cpu-int8 · simd" */
export function titleOf({ column }: Lane): string {
  const { model, variant, device, backend } = column.value
  const name = chatModels.value.find(({ id }) => id === model)?.name ?? model
  const way = variant ?? (device === 'auto' ? null : device)
  return [name, way, backend].filter(part => part).join(' · ')
}

export function wayLabel({ variant, device, backend, sizeBytes, obstacle, isEmulated }: Way): string {
  const words = text.value.compare
  const short = variant.replace(/^(webgpu|cpu)-/, '')
  const code = device === 'webgpu' ? '' : backend === 'simd' ? words.ownKernels : 'ONNX Runtime'
  const label = words.wayLabel(device === 'webgpu' ? 'WebGPU' : 'CPU', short, code, bytes(sizeBytes))
  if (obstacle) return `${label} (${words.obstacles[obstacle]})`
  return isEmulated ? `${label} (${words.emulated})` : label
}

/** How many settings of a lane are not the model's own; the seed is not counted, which all lanes share. */
export function changedSettings({ column }: Lane): number {
  const { seed: _, ...settings } = column.value.settings
  return Object.entries(settings).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(MODEL_DEFAULTS[name as keyof typeof settings]), // its own keys
  ).length
}
