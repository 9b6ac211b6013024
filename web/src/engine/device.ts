/**
 * What this browser can do, found out by doing it: an adapter is requested, a device made and one small computation
 * checked, because `navigator.gpu` alone proves nothing. Everything unusable comes with a reason for people.
 */

import type { Reason } from './errors.ts'

/** What the browser says of itself; tests pass their own. */
export interface Surroundings {
  gpu: GPU | undefined
  isolated: boolean
  cores: number
  jspi: boolean
  validateWasm: (bytes: Uint8Array<ArrayBuffer>) => boolean
}

export interface Gpu {
  device: GPUDevice
  /** As the browser names it. */
  name: string
  features: ReadonlySet<string>
}

export type GpuSearch = { gpu: Gpu; missing: null } | { gpu: null; missing: Reason }

export interface Capabilities {
  /** WASM with SIMD, which every runtime flavour needs. */
  simd: boolean
  /** Cross-origin isolated: several WASM threads are allowed. */
  isolated: boolean
  threads: number
  /** WASM can wait for promises: the smaller and faster GPU runtime. */
  jspi: boolean
}

const MAX_THREADS = 4
const CHECK_TIMEOUT_MS = 10_000

/** A module with one function that makes a v128: valid only where WASM has SIMD. */
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
])

export function thisBrowser(): Surroundings {
  return {
    gpu: navigator.gpu,
    isolated: globalThis.crossOriginIsolated,
    cores: navigator.hardwareConcurrency,
    jspi: 'Suspending' in WebAssembly,
    validateWasm: bytes => WebAssembly.validate(bytes),
  }
}

export function capabilities(around: Surroundings, wantedThreads: number | null): Capabilities {
  const threads = around.isolated ? (wantedThreads ?? Math.min(MAX_THREADS, around.cores)) : 1
  return {
    simd: around.validateWasm(SIMD_PROBE),
    isolated: around.isolated,
    threads: Math.max(1, Math.floor(threads)),
    jspi: around.jspi,
  }
}

/**
 * Finds a working GPU. Software adapters (SwiftShader) compute on the CPU, slower than the CPU backend does:
 * they are taken only where the caller asked for WebGPU by name.
 */
export async function findGpu(around: Surroundings, options: { allowSoftware: boolean }): Promise<GpuSearch> {
  if (!around.gpu) return { gpu: null, missing: { kind: 'no-webgpu' } }
  try {
    const adapter = await around.gpu.requestAdapter({ powerPreference: 'high-performance' })
    if (!adapter) return { gpu: null, missing: { kind: 'no-adapter' } }
    const name = adapterName(adapter.info)
    if (adapter.info.isFallbackAdapter && !options.allowSoftware) {
      return { gpu: null, missing: { kind: 'emulated-adapter', adapter: name } }
    }
    const device = await requestDevice(adapter)
    const wrong = await within(CHECK_TIMEOUT_MS, computeCheck(device))
    if (wrong) {
      device.destroy()
      return { gpu: null, missing: { kind: 'adapter-wrong', adapter: name, said: wrong } }
    }
    return { gpu: { device, name, features: device.features }, missing: null }
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    return { gpu: null, missing: { kind: 'adapter-dead', said } }
  }
}

/**
 * Narrower subgroups give wrong attention in onnxruntime-web 1.30.0: with SwiftShader's four lanes, a prefill of 32
 * tokens and more is off by whole logits; without the feature ONNX Runtime takes another path, which is exact.
 */
const MIN_SUBGROUP_LANES = 8

/** Features that make a model possible or faster; a device has none but those that were asked for. */
function wantedFeatures({ features, info }: GPUAdapter): GPUFeatureName[] {
  const wanted: GPUFeatureName[] = ['shader-f16']
  if (info.subgroupMinSize >= MIN_SUBGROUP_LANES) wanted.push('subgroups')
  return wanted.filter(feature => features.has(feature))
}

/** The default limits are WebGPU's minimum, too small for weights; ONNX Runtime's own device raises the same ones. */
const RAISED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
] as const

async function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const requiredLimits = Object.fromEntries(RAISED_LIMITS.map(limit => [limit, adapter.limits[limit]]))
  return adapter.requestDevice({ requiredFeatures: wantedFeatures(adapter), requiredLimits })
}

function adapterName({ description, vendor, architecture, device }: GPUAdapterInfo): string {
  return description || [vendor, device || architecture].filter(part => part).join(' ') || 'unnamed adapter'
}

/** Four integers through one shader: what is wrong, or null. */
async function computeCheck(device: GPUDevice): Promise<string | null> {
  device.pushErrorScope('validation')
  const code = `@group(0) @binding(0) var<storage, read_write> v: array<u32>;
    @compute @workgroup_size(4) fn main(@builtin(local_invocation_index) i: u32) { v[i] = v[i] * 3u + i; }`
  const pipeline = device.createComputePipeline({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code }) },
  })
  const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage
  const buffer = device.createBuffer({ size: 16, usage: STORAGE | COPY_SRC | COPY_DST })
  const readable = device.createBuffer({ size: 16, usage: COPY_DST | MAP_READ })
  device.queue.writeBuffer(buffer, 0, new Uint32Array([5, 6, 7, 8]))
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(pipeline)
  const entries = [{ binding: 0, resource: { buffer } }]
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }))
  pass.dispatchWorkgroups(1)
  pass.end()
  encoder.copyBufferToBuffer(buffer, 0, readable, 0, 16)
  device.queue.submit([encoder.finish()])
  await readable.mapAsync(GPUMapMode.READ)
  const result = Array.from(new Uint32Array(readable.getMappedRange()))
  readable.destroy()
  buffer.destroy()
  const invalid = await device.popErrorScope()
  if (invalid) return invalid.message
  return result.join() === '15,19,23,27' ? null : `it computed ${result.join(', ')} instead of 15, 19, 23, 27`
}

/** A GPU process that hangs would otherwise hang the load for ever. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
