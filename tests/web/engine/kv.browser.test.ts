/** The KV cache at the end of memory: the real runtime's heap, filled up. */
import { expect, test } from 'vitest'
import { OrtBackend } from '../../../web/src/engine/backend-ort.ts'
import { parseManifest } from '../../../web/src/engine/manifest.ts'
import type { OrtTensor } from '../../../web/src/engine/ort-module.ts'
import { loadRuntime } from '../../../web/src/engine/session.ts'

const BUNDLE = '/bundles/tiny-llama/'
const CHUNK = 128

test('no memory for a longer cache: a typed error, the text so far stays good, and later there may be room', async () => {
  const bytes = async (path: string) => new Uint8Array(await (await fetch(BUNDLE + path)).arrayBuffer())
  const manifest = parseManifest(new TextDecoder().decode(await bytes('manifest.json')), 'manifest.json')
  const runtime = await loadRuntime({ flavour: 'wasm', threads: 1, device: null })
  const externalData = [{ path: 'model.onnx.data', data: await bytes('cpu-int8/model.onnx.data') }]
  const session = await runtime.create({ graph: await bytes('cpu-int8/model.onnx'), externalData })
  const { runner } = session
  if (!manifest.kv) throw new Error('a decoder without kv')
  const { layers, heads, head_dim: headDim } = manifest.kv
  const { vocab_size: vocabularySize, context_length: contextLength } = manifest
  const kv = { layers, heads, headDim, type: 'float32' } as const
  const backend = new OrtBackend({ name: 'cpu', session, device: null, kv, vocabularySize, contextLength })
  const prompt = Array.from({ length: 1024 + CHUNK }, (_, index) => (7 * index) % vocabularySize)
  for (let from = 0; from < 1024; from += CHUNK) await backend.prefill(prompt.slice(from, from + CHUNK), from)
  const last = prompt.slice(1024 - CHUNK, 1024)
  const before = (await backend.prefill(last, 1024 - CHUNK)).slice()

  const slotBytes = 4 * heads * headDim * contextLength
  const spare = runner.heapTensor('float32', [(2 * slotBytes + 4096) / 4]) // for one layer of two
  const air = runner.heapTensor('float32', [2 ** 22]) // for the runs below
  const hogs: OrtTensor[] = []
  for (let size = 2 ** 30; size >= slotBytes / 4; size /= 2) {
    for (
      let hog = runner.tryHeapTensor('float32', [size / 4]);
      hog;
      hog = runner.tryHeapTensor('float32', [size / 4])
    ) {
      hogs.push(hog)
    }
  }
  spare.release()
  const refused = backend.prefill(prompt.slice(1024), 1024)
  await expect(refused).rejects.toMatchObject({ name: 'EngineError', code: 'out-of-memory' })
  await expect(refused).rejects.toThrow(/not enough memory for a text of 1,152 tokens\. Shorten it or start a new chat/)
  expect(backend.length).toBe(1024)
  air.release()
  // One layer has grown, the other has not: what is in them counts, not how long they are.
  expect((await backend.prefill(last, 1024 - CHUNK)).slice()).toEqual(before)

  for (const hog of hogs) hog.release()
  const grown = (await backend.prefill(prompt.slice(1024), 1024)).slice()
  backend.truncate(0)
  for (let from = 0; from < 1024; from += CHUNK) await backend.prefill(prompt.slice(from, from + CHUNK), from)
  expect((await backend.prefill(prompt.slice(1024), 1024)).slice()).toEqual(grown)
  await backend.dispose()
})
