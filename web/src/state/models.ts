/** What the server offers: GET /api/models. Where the server is gone, what this browser keeps; of a site, what it names. */
import { computed, signal } from '@preact/signals'
import type { Architecture, Device } from '../engine/api.ts'
import { type StoredBundle, storedBundles } from '../engine/client.ts'
import { text } from '../text/index.ts'
import type { ShellFacts } from './shell.ts'
import { isSite } from './site.ts'
import { fetchSiteModels } from './site-models.ts'

/** How near a variant is to the original in PyTorch, measured at its export. */
export interface Fidelity {
  tokens_compared: number
  /** Share of places with the same likeliest token, 0 to 1. */
  top1_agreement: number
  perplexity_ratio: number
}

export interface VariantSummary {
  name: string
  device: Device
  download_bytes: number
  /** WebGPU features. */
  requires?: string[]
  /** Null where nobody says. */
  memory_bytes?: number | null
  /** For the engine's own CPU kernels. */
  has_program?: boolean
  fidelity?: Fidelity | null
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
  /** `onnx-repository`: somebody else's export, without measurements. */
  kind?: 'bundle' | 'onnx-repository'
  family?: string
  tasks?: string[]
  context_length?: number
  /** Path in the bundle. */
  licence_file?: string | null
  /** On the server's disk. */
  size_bytes?: number
  /** It is known where each file came from. */
  repairable?: boolean
}

/** A folder among the models that is not a usable bundle. */
export interface BrokenModel {
  folder: string
  name: string | null
  error: string
  repairable?: boolean
}

export interface ModelList {
  models_dir: string
  models: ModelSummary[]
  errors: BrokenModel[]
  /** Why there is no model, in sentences for people. */
  problem: string | null
  /** Of the disk with the models folder. */
  disk?: { total_bytes: number; free_bytes: number } | null
  /** Only where the desktop app serves. */
  shell?: ShellFacts
  /** The server keeps a copy of chats and settings. */
  records?: boolean
  /** There is no server: these are the models that this browser keeps. */
  isOffline: boolean
}

export const modelList = signal<ModelList | null>(null)

/** Those that the chat page can talk to: a model that translates, labels or embeds is listed by the server, not here. */
export const chatModels = computed(() => (modelList.value?.models ?? []).filter(isChatModel))

/** A decoder for another task alone, such as correcting grammar, repeats what it is asked. */
function isChatModel({ architecture, tasks = [] }: ModelSummary): boolean {
  return architecture === 'decoder' && (tasks.length === 0 || tasks.includes('chat') || tasks.includes('completion'))
}

/** Why there is no model to chat with, in sentences for people. */
export const chatProblem = computed(() => {
  const others = modelList.value?.models.map(({ name }) => name).join(', ')
  const words = text.value.loading
  if (!others) return modelList.value?.problem ?? words.folderEmpty
  return words.noneChats(others)
})

/** @throws Error with a sentence for people where the server does not answer and nothing is kept here */
export async function fetchModels(): Promise<ModelList> {
  const kept = await storedBundles().catch(() => [])
  keptBundles.value = kept
  if (isSite) {
    const here = new Map(kept.map(stored => [stored.bundle, summaryOf(stored)]))
    const list = await fetchSiteModels(here)
    modelList.value = list
    return list
  }
  let response: Response
  try {
    response = await fetch('./api/models', { cache: 'no-store' })
    const isOurs = response.headers.get('Content-Type')?.startsWith('application/json')
    if (!isOurs) throw new Error('A static site, without a server of ours.')
  } catch (cause) {
    const list = offlineList(kept)
    if (!list) throw new Error(text.value.loading.noServer, { cause })
    modelList.value = list
    return list
  }
  if (!response.ok) throw new Error(text.value.loading.noList(response.status))
  const answer: Omit<ModelList, 'isOffline'> = await response.json() // our own server's, typed and tested in playground/
  const list = { ...answer, isOffline: false }
  modelList.value = list
  return list
}

/** What this browser keeps on its private disk. */
export const keptBundles = signal<readonly StoredBundle[]>([])

export async function lookAtKept(): Promise<void> {
  keptBundles.value = await storedBundles().catch(() => [])
}

/** Null where nothing here can run without a server. */
function offlineList(kept: readonly StoredBundle[]): ModelList | null {
  const usable = kept.filter(({ variants }) => variants.length > 0)
  if (usable.length === 0) return null
  return { models_dir: '', models: usable.map(summaryOf), errors: [], problem: null, isOffline: true }
}

function summaryOf(kept: StoredBundle): ModelSummary {
  return {
    id: kept.id,
    url: kept.bundle,
    name: kept.name,
    description: '',
    architecture:
      kept.architecture === 'encoder' ? 'encoder' : kept.architecture === 'decoder' ? 'decoder' : 'encoder-decoder',
    licence: kept.licence,
    parameters: kept.parameters,
    context_length: kept.contextLength,
    tasks: kept.tasks,
    size_bytes: kept.sizeBytes,
    variants: kept.variants.map(variant => ({
      name: variant.name,
      device: variant.device,
      requires: variant.requires,
      download_bytes: variant.sizeBytes,
      memory_bytes: variant.memoryBytes,
      has_program: variant.hasProgram,
      fidelity: variant.compared,
    })),
  }
}
