/** The models page's decisions: what fits, what the browser takes, names of chosen folders, what the service worker answers for. */
import { describe, expect, test } from 'vitest'
import { isOurs, keyOf, parseList, withIsolation } from '../../../web/src/offline/rules.ts'
import { type Candidate, choiceOf, type DeviceFacts, fitOf } from '../../../web/src/state/fit.ts'
import { folderOf } from '../../../web/src/ui/models/folders.ts'

const GB = 2 ** 30
const facts: DeviceFacts = {
  gpu: 'real',
  hasF16: true,
  memoryBytes: 8 * GB,
  quotaBytes: null,
  usedBytes: null,
  isPersistent: false,
}
const f16: Candidate = { name: 'webgpu-q4f16', device: 'webgpu', requires: ['shader-f16'], memory_bytes: GB }
const f32: Candidate = { name: 'webgpu-q4f32', device: 'webgpu', requires: [], memory_bytes: GB }
const cpu: Candidate = { name: 'cpu-int8', device: 'cpu', memory_bytes: GB }

describe('fits, tight or no', () => {
  test.each([
    ['a real GPU', f16, {}, null, 'fits', []],
    ['no WebGPU', f16, { gpu: 'none' }, null, 'no', ['no-webgpu']],
    ['no adapter', f16, { gpu: 'no-adapter' }, null, 'no', ['no-adapter']],
    ['no 16-bit floats', f16, { hasF16: false }, null, 'no', ['no-f16']],
    ['no 16-bit floats needed', f32, { hasF16: false }, null, 'fits', []],
    ['an emulated GPU', f32, { gpu: 'emulated' }, null, 'tight', ['emulated']],
    ['the CPU without a GPU', cpu, { gpu: 'none' }, null, 'fits', []],
    ['a CPU model above 4 GB', { ...cpu, memory_bytes: 4 * GB }, {}, null, 'no', ['wasm-memory']],
    [
      'the same on own kernels, which need the file alone',
      { ...cpu, memory_bytes: 4 * GB, has_program: true, download_bytes: GB },
      {},
      null,
      'fits',
      [],
    ],
    ['more memory than there is', { ...f16, memory_bytes: 9 * GB }, {}, null, 'no', ['more-memory']],
    ['more than half of it', { ...f16, memory_bytes: 5 * GB }, {}, null, 'tight', ['much-memory']],
    ['memory that nobody knows', { ...f16, memory_bytes: null }, { memoryBytes: null }, null, 'fits', []],
    ['a full disk', cpu, {}, { needs: 2e9, free: 1e9 }, 'no', ['disk-full']],
    ['a nearly full disk', cpu, {}, { needs: 2e9, free: 2.5e9 }, 'tight', ['disk-nearly-full']],
    ['room enough', cpu, {}, { needs: 2e9, free: 9e9 }, 'fits', []],
  ] as const)('%s', (_, candidate, over, disk, verdict, reasons) => {
    expect(fitOf(candidate, { ...facts, ...over } as DeviceFacts, disk)).toEqual({ verdict, reasons })
  })

  test('the browser takes what the engine would', () => {
    const all = [f16, f32, cpu]
    const name = (over: Partial<DeviceFacts>, wish: 'auto' | 'cpu' | 'webgpu' = 'auto') =>
      choiceOf(all, { ...facts, ...over }, wish)?.name
    expect(name({})).toBe('webgpu-q4f16')
    expect(name({ hasF16: false })).toBe('webgpu-q4f32')
    expect(name({ gpu: 'none' })).toBe('cpu-int8')
    expect(name({ gpu: 'emulated' })).toBe('cpu-int8')
    expect(name({ gpu: 'emulated' }, 'webgpu')).toBe('webgpu-q4f16')
    expect(name({}, 'cpu')).toBe('cpu-int8')
    expect(name({ gpu: 'none' }, 'webgpu')).toBeUndefined()
  })
})

describe('a chosen folder', () => {
  const file = new File(['x'], 'x')
  const paths = (...names: string[]) => folderOf(names.map(path => ({ path, file })))
  const inside = ({ name, files }: ReturnType<typeof folderOf>) => [name, files.map(({ path }) => path)]

  test('gives the model its name, and paths inside it', () => {
    expect(inside(paths('My Model/config.json', 'My Model/onnx/model.onnx'))).toEqual([
      'my-model',
      ['config.json', 'onnx/model.onnx'],
    ])
  })

  test('loose files keep their names; what a system hides is left out', () => {
    expect(inside(paths('manifest.json', 'a/.DS_Store', 'model.onnx'))).toEqual([
      'manifest',
      ['manifest.json', 'model.onnx'],
    ])
    expect(inside(paths('...///'))).toEqual(['model', []])
  })
})

describe('the service worker', () => {
  const files = parseList('index.html sha256-AA=|assets/main-12345678.js sha256-BB=|ort/1.30.0/ort.wasm sha256-CC=')
  const scope = 'https://example.org/sub/path/'

  test.each([
    ['its own file', 'assets/main-12345678.js', true],
    ['with a query', 'assets/main-12345678.js?v=2', true],
    ['the API', 'api/models', false],
    ['a model', 'models/tiny/model.onnx.data', false],
    ['a file that nobody listed', 'assets/other.js', false],
  ])('answers for %s: %s', (_, path, ours) => {
    expect(isOurs(scope + path, scope, files)).toBe(ours)
  })

  test('never for another origin, or another folder of its own', () => {
    expect(isOurs('https://elsewhere.org/sub/path/index.html', scope, files)).toBe(false)
    expect(isOurs('https://example.org/index.html', scope, files)).toBe(false)
  })

  test('another list has another name', () => {
    expect(files).toHaveLength(3)
    expect(keyOf(files)).toBe(keyOf(files))
    expect(keyOf(files)).not.toBe(keyOf(parseList('index.html sha256-AB=|assets/main-12345678.js sha256-BB=')))
  })

  test('a page is isolated: the server’s headers stay, a host without them gets them', async () => {
    const served = new Response('x', { headers: { 'Cross-Origin-Embedder-Policy': 'credentialless' } })
    expect(withIsolation(served)).toBe(served)
    const plain = withIsolation(new Response('page', { headers: { 'Content-Type': 'text/html' } }))
    expect(plain.headers.get('Cross-Origin-Embedder-Policy')).toBe('require-corp')
    expect(plain.headers.get('Cross-Origin-Opener-Policy')).toBe('same-origin')
    expect(plain.headers.get('Content-Type')).toBe('text/html')
    expect(await plain.text()).toBe('page')
  })
})
