/**
 * Loads ONNX Runtime (the only importer of onnxruntime-web) and makes sessions. Runtime files come from our own origin,
 * addressed relative to this module. One flavour per worker: after a failure the WASM cannot be initialised again.
 */
import type { InferenceSession } from 'onnxruntime-web'
import { type OrtModule, OrtRunner } from './ort-module.ts'

/** `jspi` and `asyncify` compute on WebGPU and differ in how WASM waits for the GPU; `wasm` computes on the CPU. */
export type Flavour = 'jspi' | 'asyncify' | 'wasm'

export interface SessionFiles {
  graph: Uint8Array
  /** File names as the graph says them, relative to its folder. Blobs are read tensor by tensor, which takes a worker. */
  externalData: { path: string; data: Blob | Uint8Array }[]
}

export interface SessionOptions {
  flavour: Flavour
  threads: number
  /** The device to compute on; null for the CPU flavour. */
  device: GPUDevice | null
}

export interface Session {
  runner: OrtRunner
  inputNames: readonly string[]
  outputNames: readonly string[]
  /** Sizes that the graph leaves open are names. */
  inputs: readonly TensorInfo[]
  outputs: readonly TensorInfo[]
  /** True where runs can be recorded (capture.ts). */
  captures: boolean
  dispose(): Promise<void>
}

export interface TensorInfo {
  name: string
  type: string
  shape: readonly (number | string)[]
}

export interface Runtime {
  /** In use: one where its files lie on another origin, since its threads are workers of its own. */
  threads: number
  /** @param capture makes a session that can record its runs, where the graph allows that */
  create(files: SessionFiles, capture?: boolean): Promise<Session>
}

/** Set by vite.plugins.ts: where the runtime's files lie, seen from a built chunk or from the development server. */
declare const __ORT_BASE__: string

/** Downloads and starts ONNX Runtime. */
export async function loadRuntime(options: SessionOptions): Promise<Runtime> {
  const { flavour } = options
  const ort = await importFlavour(flavour)
  const here = import.meta.url // in a variable: Vite must not take the URL below for an asset of the build
  const base = new URL(__ORT_BASE__, here)
  const threads = base.origin === self.origin ? options.threads : 1
  const suffix = flavour === 'wasm' ? '' : `.${flavour}`
  const loader = new URL(`loader.${flavour}.mjs`, base).href
  ort.env.logLevel = 'error'
  ort.env.wasm.numThreads = threads
  ort.env.wasm.wasmPaths = { mjs: loader, wasm: new URL(`ort-wasm-simd-threaded${suffix}.wasm`, base).href }
  return {
    threads,
    async create(files, capture = false) {
      const make = (chosen: InferenceSession.SessionOptions) => ort.InferenceSession.create(files.graph, chosen)
      const common = sessionOptions(options, files)
      const captured = capture && options.device ? await make(capturing(common)).catch(() => null) : null
      const session = captured ?? (await make(common))
      const { ortModule } = await importLoader(loader)
      const names = { inputs: session.inputNames, outputs: session.outputNames }
      const runner = new OrtRunner(ortModule, sessionHandle(session), names)
      return {
        runner,
        inputNames: session.inputNames,
        outputNames: session.outputNames,
        inputs: tensors(session.inputMetadata),
        outputs: tensors(session.outputMetadata),
        captures: captured !== null,
        async dispose() {
          runner.dispose()
          await session.release()
        },
      }
    },
  }
}

function sessionOptions({ device, flavour }: SessionOptions, files: SessionFiles): InferenceSession.SessionOptions {
  // Only the JSPI build can wait for a Blob; the others read it through something that looks like an array.
  const externalData = files.externalData.map(({ path, data }) => ({
    path,
    data: data instanceof Blob && flavour !== 'jspi' ? new BlobBytes(data) : data,
  }))
  const common = { externalData, graphOptimizationLevel: 'all' } as const
  if (device) {
    // An object: the string form makes onnxruntime-web skip every option of the provider.
    return { ...common, executionProviders: [{ name: 'webgpu', device, validationMode: 'basic' } as const] }
  }
  return {
    ...common,
    executionProviders: ['wasm'],
    // Keeps DequantizeLinear apart from MatMul, so that constant folding unpacks int8 weights to float32 once, at load;
    // fused, ORT's WASM kernels unpack them on every run (1.8 tokens/s instead of tens).
    extra: { session: { disable_quant_qdq: '1' } },
  }
}

/**
 * Tells the WebGPU provider to capture, and onnxruntime-web not: its JavaScript would then insist on GPU buffers for every
 * input of every run, and a prompt is not recorded. In 1.30.0 the provider's options are read first (session-options.ts).
 */
function capturing(options: InferenceSession.SessionOptions): InferenceSession.SessionOptions {
  let isRead = false
  return Object.defineProperty({ ...options }, 'enableGraphCapture', {
    get() {
      const first = !isRead
      isRead = true
      return first ? true : undefined
    },
  })
}

function tensors(metadata: readonly InferenceSession.ValueMetadata[]): TensorInfo[] {
  return metadata.flatMap(value => (value.isTensor ? [value] : []))
}

/**
 * A file as an array of bytes that are not in memory: ONNX Runtime's glue asks weights for `byteLength` and `subarray`
 * and copies what it gets into the WASM heap at once (checked in 1.30.0: Module.mountExternalData's reader).
 */
class BlobBytes extends Uint8Array {
  readonly #blob: Blob

  constructor(blob: Blob) {
    super(0)
    this.#blob = blob
  }

  override get byteLength(): number {
    return this.#blob.size
  }

  override subarray(start = 0, end = this.#blob.size): Uint8Array<ArrayBuffer> {
    return new Uint8Array(new FileReaderSync().readAsArrayBuffer(this.#blob.slice(start, end)))
  }
}

async function importFlavour(flavour: Flavour): Promise<typeof import('onnxruntime-web')> {
  switch (flavour) {
    case 'jspi':
      return import('onnxruntime-web/jspi')
    case 'asyncify':
      return import('onnxruntime-web/webgpu')
    case 'wasm':
      return import('onnxruntime-web/wasm')
  }
}

async function importLoader(url: string): Promise<{ ortModule: OrtModule }> {
  return import(/* @vite-ignore */ url) // the same URL as ONNX Runtime imported: the same module instance
}

function sessionHandle(session: InferenceSession): number {
  // `handler.sessionId` is private in the types, and the native handle in onnxruntime-web 1.30.0 (session-handler-inference.ts).
  const { handler } = session as unknown as { handler: { sessionId: number } }
  return handler.sessionId
}
