/** Looks at the device in a worker of its own, where it may block: the parts that inspect.ts asks for. */
import { capabilities, findGpu, thisBrowser } from './device.ts'
import { explain } from './explain.ts'
import type { Inspection, InspectionAnswer, InspectionQuestion } from './inspect.ts'
import { hasRelaxedSimd } from './simd/builds.ts'
import { roofline } from './simd/roofline.ts'

self.onmessage = async ({ data }: MessageEvent<InspectionQuestion>) => {
  let answer: InspectionAnswer
  try {
    const result = data.what === 'facts' ? await inspection() : await roofline(threadsHere(data.threads))
    answer = { result }
  } catch (error) {
    const { code, reasons } = explain(error, said => ({ kind: 'measuring-failed', said }))
    answer = { failure: { code, reasons: [...reasons] } }
  }
  self.postMessage(answer)
}

function threadsHere(wanted: number): number {
  return capabilities(thisBrowser(), wanted).threads
}

const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
] as const

async function inspection(): Promise<Inspection> {
  const around = thisBrowser()
  const { simd, isolated, threads, jspi } = capabilities(around, null)
  const search = await findGpu(around, { allowSoftware: false })
  // A device that is no use for models is still what people want to know of.
  const adapter = await around.gpu?.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null)
  search.gpu?.device.destroy()
  return {
    hasWebGpu: around.gpu !== undefined,
    gpu: adapter
      ? {
          name: search.gpu?.name ?? nameOf(adapter.info),
          isSoftware: adapter.info.isFallbackAdapter,
          hasF16: adapter.features.has('shader-f16'),
          limits: Object.fromEntries(LIMITS.map(name => [name, adapter.limits[name]])),
        }
      : null,
    gpuMissing: search.missing,
    ...{ simd, relaxedSimd: hasRelaxedSimd(), isolated, threads, jspi, cores: around.cores },
  }
}

function nameOf({ description, vendor, architecture }: GPUAdapterInfo): string {
  return description || [vendor, architecture].filter(Boolean).join(' ')
}
