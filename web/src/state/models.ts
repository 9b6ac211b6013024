/** What the server offers: GET /api/models. */
import { computed, signal } from '@preact/signals'
import type { Architecture, Device } from '../engine/api.ts'

export interface VariantSummary {
  name: string
  device: Device
  download_bytes: number
}

export interface ModelSummary {
  id: string
  url: string
  name: string
  description: string
  architecture: Architecture
  licence: string
  parameters: number
  variants: VariantSummary[]
}

/** A folder among the models that is not a usable bundle. */
export interface BrokenModel {
  folder: string
  name: string | null
  error: string
}

export interface ModelList {
  models_dir: string
  models: ModelSummary[]
  errors: BrokenModel[]
  /** Why there is no model, in sentences for people. */
  problem: string | null
}

export const modelList = signal<ModelList | null>(null)

/** Those that the chat page can talk to: a model that translates, labels or embeds is listed by the server, not here. */
export const chatModels = computed(() => (modelList.value?.models ?? []).filter(isChatModel))

function isChatModel({ architecture }: ModelSummary): boolean {
  return architecture === 'decoder'
}

/** Why there is no model to chat with, in sentences for people. */
export const chatProblem = computed(() => {
  const others = modelList.value?.models.map(({ name }) => name).join(', ')
  if (!others) return modelList.value?.problem ?? 'The models folder is empty.'
  return `No model here can chat: ${others} reads or rewrites texts. Add one that does, such as smollm2-135m-instruct.`
})

/** @throws Error with a sentence for people where the server does not answer */
export async function fetchModels(): Promise<ModelList> {
  let response: Response
  try {
    response = await fetch('./api/models', { cache: 'no-store' })
  } catch (cause) {
    throw new Error('The server does not answer. Start it again (`make run`), then try again.', { cause })
  }
  if (!response.ok) throw new Error(`The server could not list its models (HTTP ${response.status}). Look at its log.`)
  const list: ModelList = await response.json() // our own server's answer, typed and tested in playground/
  modelList.value = list
  return list
}
