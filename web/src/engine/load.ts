/** Loads one bundle into this worker: manifest, choice of a variant, files, runtime, session, self-test. */
import type { BundleInfo, EngineInfo, LoadPhase } from './api.ts'
import { OrtBackend } from './backend-ort.ts'
import { chooseVariant, wantsGpu } from './choose.ts'
import { capabilities, findGpu, type Gpu, type GpuSearch, thisBrowser } from './device.ts'
import { EngineError } from './errors.ts'
import { explain } from './explain.ts'
import { Context } from './generate.ts'
import { checkKvInputs } from './kv.ts'
import type { FileEntry, Manifest, Variant } from './manifest.ts'
import type { LoadArgs, LoadEvent, PassedOver } from './protocol.ts'
import { selfTest } from './selftest.ts'
import { type Flavour, loadRuntime, type SessionFiles } from './session.ts'
import { fetchFile, fetchManifest } from './store.ts'
import { createTextCodec, type TextCodec } from './tokenizer.ts'

/** All that an answer needs. */
export interface LoadedModel {
  manifest: Manifest
  codec: TextCodec
  context: Context
  info: EngineInfo
  /** Resolves with a sentence when the GPU goes away; never on the CPU. */
  deviceLost: Promise<string>
}

/** This variant failed here; a lesser one may work, in a fresh worker. */
export class VariantFailure extends EngineError {
  readonly variant: string

  constructor(variant: string, cause: EngineError) {
    super(cause.code, cause.message, { cause })
    this.variant = variant
  }
}

/** @throws EngineError, or VariantFailure where the chosen variant could not be brought to run */
export async function loadModel(
  args: LoadArgs,
  report: (event: LoadEvent) => void,
  signal: AbortSignal,
): Promise<LoadedModel> {
  const progress = progressOf(report)
  progress.enter('manifest', 'Reading the model description')
  const manifest = await fetchManifest(args.bundleUrl, signal)
  const around = thisBrowser()
  const found = capabilities(around, args.threads)
  const search: GpuSearch = wantsGpu(manifest, args, args.passedOver)
    ? await findGpu(around, { allowSoftware: args.device === 'webgpu' })
    : { gpu: null, missing: 'The graphics adapter was not asked.' }
  const { variant, passedOver } = chooseVariant(manifest, args, { capabilities: found, search }, args.passedOver)
  progress.choose(variant, manifest)
  const files = await download(args.bundleUrl, { manifest, variant }, { progress, signal })
  const gpu = variant.device === 'webgpu' ? search.gpu : null
  if (!gpu) search.gpu?.device.destroy()
  const flavour: Flavour = gpu ? (found.jspi ? 'jspi' : 'asyncify') : 'wasm'
  const codec = createTextCodec(files.tokenizer, manifest)
  try {
    const { backend, test } = await start({ manifest, variant, files, gpu, flavour, threads: found.threads }, progress)
    signal.throwIfAborted()
    const info: EngineInfo = {
      bundle: bundleInfo(manifest),
      variant: variant.name,
      device: variant.device,
      backend: backend.name,
      adapter: gpu?.name ?? null,
      threads: found.threads,
      contextLength: manifest.context_length,
      defaults: manifest.generation,
      downloadBytes: progress.totalBytes(),
      loadMs: progress.elapsedMs(),
      selfTest: test,
      fallbacks: passedOver.map(({ from, reason }: PassedOver) => ({ from, reason, to: variant.name })),
    }
    progress.enter('ready', 'Ready')
    return { manifest, codec, context: new Context(backend), info, deviceLost: lostSentence(gpu) }
  } catch (error) {
    signal.throwIfAborted()
    throw new VariantFailure(variant.name, explain(error, `${variant.name} could not be started`))
  }
}

interface Start {
  manifest: Manifest
  variant: Variant
  files: Files
  gpu: Gpu | null
  flavour: Flavour
  threads: number
}

async function start({ manifest, variant, files, gpu, flavour, threads }: Start, progress: Progress) {
  progress.enter('runtime', 'Starting the runtime')
  const device = gpu?.device ?? null
  const runtime = await loadRuntime({ flavour, threads, device })
  progress.enter('session', 'Preparing the model')
  const session = await runtime.create(files.session)
  checkKvInputs(session.inputNames, manifest.kv.layers)
  const { layers, heads, head_dim: headDim } = manifest.kv
  const backend = new OrtBackend({
    name: flavour === 'wasm' ? 'ort-wasm' : `ort-webgpu-${flavour}`,
    session,
    device,
    kv: { layers, heads, headDim, type: variant.kv_dtype },
    vocabularySize: manifest.vocab_size,
    contextLength: manifest.context_length,
  })
  progress.enter('self-test', 'Checking the first answer against the original')
  const { fault, ...test } = await selfTest(backend, { manifest, variant, deep: gpu !== null })
  if (fault) throw new EngineError('unsupported', `${variant.name} failed its self-test on this device: ${fault}.`)
  return { backend, test }
}

interface Files {
  session: SessionFiles
  tokenizer: { tokenizerJson: string; tokenizerConfig: string; chatTemplate: string | null }
}

async function download(
  bundleUrl: string,
  { manifest, variant }: { manifest: Manifest; variant: Variant },
  { progress, signal }: { progress: Progress; signal: AbortSignal },
): Promise<Files> {
  const data = new Map<string, Uint8Array>()
  const entries = neededFiles(manifest, variant)
  // One after the other in effect (the weights dwarf the rest), but the small ones do not wait for the large one.
  await allOrNothing(signal, inner =>
    entries.map(async entry => {
      progress.downloading(entry)
      const options = { signal: inner, onBytes: (bytes: number) => progress.received(bytes) }
      data.set(entry.path, await fetchFile(bundleUrl, entry, options))
    }),
  )
  const bytes = (path: string) => data.get(path) ?? new Uint8Array() // every path below is in `entries`
  const text = (path: string) => new TextDecoder().decode(bytes(path))
  const folder = variant.graph.slice(0, variant.graph.lastIndexOf('/') + 1)
  const external = variant.files.filter(({ path }) => path !== variant.graph)
  const template = manifest.prompts.chat_template
  return {
    session: {
      graph: bytes(variant.graph),
      externalData: external.map(({ path }) => ({ path: path.slice(folder.length), data: bytes(path) })),
    },
    tokenizer: {
      tokenizerJson: text(TOKENIZER_FILES[0]),
      tokenizerConfig: text(TOKENIZER_FILES[1]),
      chatTemplate: template === null ? null : text(template),
    },
  }
}

const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json'] as const

function neededFiles(manifest: Manifest, variant: Variant): FileEntry[] {
  const paths = [...TOKENIZER_FILES, ...(manifest.prompts.chat_template ? [manifest.prompts.chat_template] : [])]
  const shared = paths.map(path => {
    const entry = manifest.files.find(file => file.path === path)
    if (!entry) throw new EngineError('bad-manifest', `files: ${path} is not listed. Export the bundle again.`)
    return entry
  })
  return [...shared, ...variant.files]
}

/** Like Promise.all, but the first failure stops the others instead of leaving them to run. */
async function allOrNothing(signal: AbortSignal, begin: (inner: AbortSignal) => Promise<void>[]): Promise<void> {
  const stop = new AbortController()
  const inner = AbortSignal.any([signal, stop.signal])
  const work = begin(inner)
  try {
    await Promise.all(work)
  } catch (error) {
    stop.abort()
    await Promise.allSettled(work)
    throw error
  }
}

type Progress = ReturnType<typeof progressOf>

function progressOf(report: (event: LoadEvent) => void) {
  const started = performance.now()
  const state = { phase: 'manifest' as LoadPhase, detail: '', variant: null as string | null, loaded: 0, total: 0 }
  const elapsedMs = () => performance.now() - started
  const send = () => {
    const { phase, detail, variant, loaded: loadedBytes, total: totalBytes } = state
    report({ variant, progress: { phase, detail, loadedBytes, totalBytes, elapsedMs: elapsedMs() } })
  }
  return {
    elapsedMs,
    totalBytes: () => state.total,
    enter(phase: LoadPhase, detail: string) {
      Object.assign(state, { phase, detail })
      send()
    },
    choose(variant: Variant, manifest: Manifest) {
      state.variant = variant.name
      state.total = neededFiles(manifest, variant).reduce((total, { size_bytes }) => total + size_bytes, 0)
    },
    downloading(entry: FileEntry) {
      Object.assign(state, { phase: 'download', detail: `Downloading ${entry.path}` })
      send()
    },
    received(bytes: number) {
      state.loaded += bytes
      send()
    },
  }
}

function bundleInfo({ id, name, description, licence, family, parameters }: Manifest): BundleInfo {
  return { id, name, description, licence: licence.id, family, parameters }
}

async function lostSentence(gpu: Gpu | null): Promise<string> {
  if (!gpu) return new Promise(() => {})
  const { message } = await gpu.device.lost
  return `The graphics adapter went away (${message || 'no reason given'}). Reload the page to start it again.`
}
