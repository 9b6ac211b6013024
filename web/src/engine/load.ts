/** Loads one bundle into this worker: manifest, choice of a variant, files, runtime, session, self-test. */
import type { EngineInfo, LoadPhase } from './api.ts'
import { OrtBackend } from './backend-ort.ts'
import { openSimd, SimdBackend } from './backend-simd.ts'
import { type Computing, makeBackend } from './backends.ts'
import { type Choice, chooseVariant, wantsGpu } from './choose.ts'
import { Context } from './context.ts'
import { capabilities, findGpu, type Gpu, type GpuSearch, thisBrowser } from './device.ts'
import { describe, download, type Files, neededFiles, tokenizerFiles } from './download.ts'
import { EngineError, inEnglish, type Reason } from './errors.ts'
import { explain } from './explain.ts'
import type { FileEntry, Manifest } from './manifest.ts'
import type { LoadArgs, LoadEvent, PassedOver } from './protocol.ts'
import { encoderSelfTest, selfTest } from './selftest.ts'
import { rememberedSelfTest } from './selftest-memory.ts'
import { type Flavour, loadRuntime } from './session.ts'
import { openMachine } from './simd/machine.ts'
import { proofreading } from './task-prompt.ts'
import { createTextCodec, type TextCodec } from './tokenizer.ts'

/** All that an answer needs: a model that writes has a `context`, one that reads an `encoder`. */
export type LoadedModel = LoadedParts & Computing

interface LoadedParts {
  manifest: Manifest
  codec: TextCodec
  info: EngineInfo
  /** Resolves with a sentence when the GPU goes away; never on the CPU. */
  deviceLost: Promise<Reason>
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
  const manifest = await describe(args.bundleUrl, signal)
  const around = thisBrowser()
  const found = capabilities(around, args.threads)
  const search: GpuSearch = wantsGpu(manifest, args, args.passedOver)
    ? await findGpu(around, { allowSoftware: args.device === 'webgpu' })
    : { gpu: null, missing: { kind: 'gpu-not-asked' } }
  const choice = chooseVariant(manifest, args, { capabilities: found, search }, args.passedOver)
  const { variant } = choice
  progress.choose(choice, manifest)
  const files = await download(args, { manifest, variant }, { progress, signal })
  const gpu = variant.device === 'webgpu' ? search.gpu : null
  if (!gpu) search.gpu?.device.destroy()
  const flavour: Flavour = gpu ? (found.jspi ? 'jspi' : 'asyncify') : 'wasm'
  const starting = start({ manifest, choice, files, gpu, flavour, threads: found.threads, signal }, progress)
  starting.catch(() => {}) // what is wrong with the tokenizer, read while threads start, is told first
  const codec = createTextCodec(await tokenizerFiles(files, manifest), manifest)
  try {
    const started = await starting
    signal.throwIfAborted()
    const info = infoOf({ manifest, choice, codec, started, gpu }, progress)
    progress.enter('ready', 'Ready')
    return { manifest, codec, info, deviceLost: lost(gpu), ...started.computing }
  } catch (error) {
    signal.throwIfAborted()
    throw new VariantFailure(
      choice.name,
      explain(error, said => ({ kind: 'no-start', variant: choice.name, said })),
    )
  }
}

interface Parts {
  manifest: Manifest
  choice: Choice
  codec: TextCodec
  started: Started & { test: EngineInfo['selfTest'] }
  gpu: Gpu | null
}

function infoOf({ manifest, choice, codec, started, gpu }: Parts, progress: Progress): EngineInfo {
  const { id, name, description, licence, family, parameters } = manifest
  const { variant, passedOver } = choice
  const backend = started.computing.context?.backend
  return {
    bundle: { id, name, description, licence: licence.id, family, parameters },
    architecture: manifest.architecture,
    encoderTask: manifest.encoder?.task ?? null,
    prefixes: manifest.prompts.prefixes ?? [],
    variant: variant.name,
    device: variant.device,
    backend: started.name,
    adapter: gpu?.name ?? null,
    threads: started.threads,
    contextLength: backend?.contextLength ?? manifest.context_length,
    work: backend?.work ?? null,
    toolFormat: codec.toolFormat,
    defaults: manifest.generation,
    proofreading: proofreading(manifest),
    downloadBytes: progress.totalBytes(),
    loadMs: progress.elapsedMs(),
    selfTest: started.test,
    fallbacks: passedOver.map(({ from, reasons }: PassedOver) => ({
      ...{ from, to: variant.name, reasons, reason: inEnglish(reasons) },
    })),
  }
}

interface Start {
  manifest: Manifest
  choice: Choice
  files: Files
  gpu: Gpu | null
  flavour: Flavour
  threads: number
  signal: AbortSignal
}

async function start(options: Start, progress: Progress) {
  const { choice, gpu } = options
  if (choice.backend === 'simd') return tested(await startSimd(options, progress), options, progress)
  const started = await startOrt({ ...options, capture: gpu !== null }, progress)
  return tested(started, options, progress).catch(async error => {
    const backend = started.computing.context?.backend
    if (!(backend instanceof OrtBackend && backend.captures)) throw error
    // A session that records takes other kernels: without it the device may compute rightly.
    await backend.dispose()
    return tested(await startOrt({ ...options, capture: false }, progress), options, progress)
  })
}

/** @throws EngineError 'unsupported' where the model does not pass its self-test */
async function tested(started: Started, options: Start, progress: Progress) {
  progress.enter('self-test', 'Checking the first answer against the original')
  const { fault, ...test } = await check(started.computing, options)
  if (fault) throw new EngineError('unsupported', [{ kind: 'self-test', variant: options.choice.name }, fault])
  return { ...started, test }
}

function check({ encoder, context }: Computing, { manifest, choice: { variant }, files, gpu }: Start) {
  if (encoder) return encoderSelfTest(encoder, { manifest, variant })
  if (context.backend instanceof SimdBackend) {
    const stored = files.stored(variant.program?.path ?? '')
    return rememberedSelfTest(context.backend, { manifest, variant, stored, browser: navigator.userAgent })
  }
  return selfTest(context.backend, { manifest, variant, deep: gpu !== null })
}

interface Started {
  computing: Computing
  name: string
  threads: number
}

async function startOrt(
  { manifest, choice, files, gpu, flavour, threads, capture }: Start & { capture: boolean },
  progress: Progress,
): Promise<Started> {
  progress.enter('runtime', 'Starting the runtime')
  const device = gpu?.device ?? null
  const runtime = await loadRuntime({ flavour, threads, device })
  progress.enter('session', 'Preparing the model')
  const name = flavour === 'wasm' ? 'ort-wasm' : `ort-webgpu-${flavour}`
  const computing = await makeBackend(runtime, { manifest, variant: choice.variant, files, name, device, capture })
  return { computing, name, threads: runtime.threads }
}

async function startSimd({ manifest, choice, files, threads, signal }: Start, progress: Progress): Promise<Started> {
  progress.enter('runtime', 'Starting the CPU kernels')
  const backend = await openSimd({
    ...{ manifest, variant: choice.variant, files, signal },
    async openMachine(needs) {
      const machine = await openMachine({ ...needs, threads })
      progress.enter('session', 'Reading the weights')
      return machine
    },
  })
  return { computing: { context: new Context(backend), encoder: null }, name: backend.name, threads: backend.threads }
}

type Progress = ReturnType<typeof progressOf>

function progressOf(report: (event: LoadEvent) => void) {
  const started = performance.now()
  const state = {
    phase: 'manifest' as LoadPhase,
    detail: '',
    variant: null as string | null,
    memoryBytes: 0,
    loaded: 0,
    total: 0,
  }
  const elapsedMs = () => performance.now() - started
  const send = () => {
    const { phase, detail, variant, memoryBytes, loaded: loadedBytes, total: totalBytes } = state
    report({ variant, memoryBytes, progress: { phase, detail, loadedBytes, totalBytes, elapsedMs: elapsedMs() } })
  }
  return {
    elapsedMs,
    totalBytes: () => state.total,
    enter(phase: LoadPhase, detail: string) {
      Object.assign(state, { phase, detail })
      send()
    },
    choose({ variant, backend, name }: Choice, manifest: Manifest) {
      state.variant = name
      const fileBytes = variant.files.reduce((total, { size_bytes }) => total + size_bytes, 0)
      state.memoryBytes = backend === 'simd' ? fileBytes : variant.memory_bytes // as they are, or unfolded to float32
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

async function lost(gpu: Gpu | null): Promise<Reason> {
  if (!gpu) return new Promise(() => {})
  const { message } = await gpu.device.lost
  return { kind: 'adapter-lost', said: message }
}
