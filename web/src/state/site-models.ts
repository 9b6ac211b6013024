/** Models of a site: read from their manifests, or from what this browser keeps where the network is gone; what a start costs. */
import type { StoredBundle } from '../engine/client.ts'
import { EngineError } from '../engine/errors.ts'
import { choiceOf, deviceFacts, lookAtDevice } from './fit.ts'
import { inWords } from './in-words.ts'
import type { ModelList, ModelSummary, VariantSummary } from './models.ts'
import { settings } from './settings.ts'
import { isSite, type SiteModel, site, siteProblem } from './site.ts'

/**
 * @param kept what this browser keeps, by the bundle's address
 * @throws Error with a sentence for people where the site cannot say what it has
 */
export async function fetchSiteModels(kept: ReadonlyMap<string, ModelSummary>): Promise<ModelList> {
  if (!site.value) throw new Error(siteProblem.value)
  const list: ModelList = { models_dir: '', models: [], errors: [], problem: null, isOffline: true }
  const found = await Promise.all(site.value.models.map(model => look(model, kept)))
  for (const [index, model] of site.value.models.entries()) {
    const summary = found[index]
    if (summary instanceof Error) list.errors.push({ folder: model.id, name: model.name, error: summary.message })
    else if (summary) list.models.push(summary)
  }
  if (list.models.length === 0) list.problem = list.errors.map(({ error }) => error).join(' ')
  return list
}

async function look(model: SiteModel, kept: ReadonlyMap<string, ModelSummary>): Promise<ModelSummary | Error> {
  const url = new URL(model.manifest, document.baseURI)
  const bundle = new URL('./', url).href
  try {
    return { ...summaryOfManifest(await manifestAt(url), bundle), name: model.name }
  } catch (error) {
    const here = kept.get(bundle)
    return here ? { ...here, name: model.name } : new Error(`${model.name}: ${inWords(error)}`)
  }
}

/** @throws EngineError 'download', 'bad-manifest' */
async function manifestAt(url: URL): Promise<unknown> {
  const path = url.pathname
  const response = await fetch(url, { cache: 'no-cache' }).catch(cause => {
    throw new EngineError('download', { kind: 'no-answer', path }, { cause })
  })
  if (!response.ok) throw new EngineError('download', { kind: 'refused-file', path, answer: `HTTP ${response.status}` })
  return response.json().catch(cause => {
    throw new EngineError('bad-manifest', { kind: 'not-json', path }, { cause })
  })
}

const TOKENIZER = ['tokenizer.json', 'tokenizer_config.json']

/** The engine reads the same file strictly before it uses it; here whatever is missing is nothing. */
function summaryOfManifest(manifest: unknown, url: string): ModelSummary {
  const { id, name, description, licence, architecture, family, tasks, prompts, ...more } = Object(manifest)
  const shared = entries(more.files).filter(({ path }) => [...TOKENIZER, Object(prompts).chat_template].includes(path))
  const variants = Array.isArray(more.variants) ? more.variants : []
  return {
    id: String(id),
    url,
    name: String(name),
    description: String(description ?? ''),
    architecture: architecture === 'encoder' || architecture === 'encoder-decoder' ? architecture : 'decoder',
    licence: String(Object(licence).id ?? ''),
    licence_file: typeof Object(licence).file === 'string' ? licence.file : null,
    parameters: Number(more.parameters) || 0,
    family: String(family ?? ''),
    tasks: Array.isArray(tasks) ? tasks.map(String) : [],
    context_length: Number(more.context_length) || 0,
    variants: variants.map((variant: unknown) => variantOf(variant, shared)),
  }
}

function variantOf(variant: unknown, shared: readonly Entry[]): VariantSummary {
  const { name, device, requires, files, memory_bytes, program, fidelity } = Object(variant)
  const compared = Number(Object(fidelity).tokens_compared) > 0
  return {
    name: String(name),
    device: device === 'webgpu' ? 'webgpu' : 'cpu',
    download_bytes: [...shared, ...entries(files)].reduce((sum, { bytes }) => sum + bytes, 0),
    requires: Array.isArray(requires) ? requires.map(String) : [],
    memory_bytes: Number(memory_bytes) || null,
    has_program: Boolean(program),
    fidelity: compared ? fidelity : null,
  }
}

interface Entry {
  path: string
  bytes: number
}

function entries(files: unknown): Entry[] {
  if (!Array.isArray(files)) return []
  return files.map(file => ({ path: String(Object(file).path), bytes: Number(Object(file).size_bytes) || 0 }))
}

export interface Cost {
  /** Still to be downloaded. */
  bytes: number
  /** Of all; more than `bytes` where an earlier download was broken off. */
  totalBytes: number
}

/** Less than this nobody is asked about. */
const LARGE_BYTES = 20e6

/** What loading a site's model downloads on this device; null where that is little, or nothing, or no site's. */
export async function costOf(model: ModelSummary, stored: readonly StoredBundle[]): Promise<Cost | null> {
  if (!isSite) return null
  if (!deviceFacts.value) await lookAtDevice()
  const facts = deviceFacts.value
  const chosen = facts && choiceOf(model.variants, facts, settings.value.device)
  if (!chosen) return null // the engine says why it cannot be loaded
  const kept = stored.find(({ bundle }) => bundle === model.url)
  if (kept?.variants.some(({ name }) => name === chosen.name)) return null
  const totalBytes = chosen.download_bytes
  const bytes = kept && !kept.complete ? Math.min(kept.missingBytes, totalBytes) : totalBytes
  return bytes < LARGE_BYTES ? null : { bytes, totalBytes }
}
