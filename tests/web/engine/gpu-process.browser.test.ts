/** The browser's GPU process dies in the middle of an answer, as a driver crash kills it. */
import { expect, test } from 'vitest'
import { cdp } from 'vitest/browser'
import { createEngine } from '../../../web/src/engine/client.ts'
import type { GpuFault } from './hardware-gpu.ts'

test('the answer goes on where it was, on a device of the new process', async () => {
  const workers: Worker[] = []
  const make = () => {
    const worker = new Worker(new URL('./hardware-worker.ts', import.meta.url), { type: 'module' })
    workers.push(worker)
    return worker
  }
  const engine = await createEngine({ bundle: '/bundles/tiny-llama/', device: 'webgpu', variant: 'webgpu-q4f32' }, make)
  const request = { prompt: 'Alice was', max_tokens: 16, temperature: 0 }
  const undisturbed = await engine.completions.create(request)
  // The answer cannot end before the crash: from there on this GPU gives no result.
  const gpu: GpuFault = { kind: 'stuck', after: 8 }
  workers[0]?.postMessage({ gpu })
  let text = ''
  let crashed: Promise<unknown> | null = null
  for await (const { choices } of engine.completions.create({ ...request, stream: true })) {
    text += choices[0]?.text ?? ''
    // A method that the types of the session's protocol leave out.
    crashed ??= cdp().send('Browser.crashGpuProcess' as never)
  }
  await crashed
  expect(text).toBe(undisturbed.choices[0].text)
  expect(engine.stats()).toMatchObject({ recoveries: 1, outputTokens: 16 })
  await engine.dispose()
})
