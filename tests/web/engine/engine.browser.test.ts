import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Device, Engine, EngineOptions, LoadProgress } from '../../../web/src/engine/api.ts'
import { createEngine } from '../../../web/src/engine/client.ts'
import { removeStoredBundle, storedBundles } from '../../../web/src/engine/disk.ts'
import { parseManifest } from '../../../web/src/engine/manifest.ts'
import { faultyWorkers } from './loop.ts'
import { engineSuite, failureOf } from './suite.ts'

const BUNDLE = '/bundles/tiny-llama/'
const load = (over: Partial<EngineOptions> = {}) => createEngine({ bundle: BUNDLE, device: 'cpu', ...over })
/** A spoiled copy of the tiny bundle, at an address of its own. */
const damaged = (kind: string) => `/damaged/${kind}/${crypto.randomUUID()}/tiny-llama/`

const { make, tell } = faultyWorkers()
engineSuite('the real engine on the CPU', () => createEngine({ bundle: BUNDLE, device: 'cpu' }, make), tell)

describe.each<{ variant: string; device: Device; backend: 'ort' | 'simd'; runs: RegExp }>([
  { variant: 'cpu-int8', device: 'cpu', backend: 'simd', runs: /^simd-(relaxed|simd128)$/ },
  { variant: 'cpu-int8', device: 'cpu', backend: 'ort', runs: /^ort-wasm$/ },
  { variant: 'webgpu-q4f32', device: 'webgpu', backend: 'ort', runs: /^ort-webgpu-jspi$/ },
])('$variant on $backend', ({ variant, device, backend, runs }) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await load({ variant, device, backend })
  })
  afterAll(() => engine?.dispose())

  const continued = (prompt: string, max_tokens: number) =>
    engine.completions.create({ prompt, max_tokens, temperature: 0, stream: false })

  test('runs where it says', () => {
    expect(engine.info).toMatchObject({ variant, device, fallbacks: [] })
    expect(engine.info.backend).toMatch(runs)
    expect(engine.info.adapter === null).toBe(device === 'cpu')
    expect(engine.info.selfTest.passed).toBe(true)
  })

  test('downloads the variant, the tokenizer and the template, and nothing else of the bundle', async () => {
    const { files, variants, prompts } = parseManifest(await (await fetch(`${BUNDLE}manifest.json`)).text(), BUNDLE)
    expect(files.some(({ path }) => path.startsWith('report/'))).toBe(true)
    const texts = ['tokenizer.json', 'tokenizer_config.json', prompts.chat_template]
    const needed = [
      ...files.filter(({ path }) => texts.includes(path)),
      ...variants.filter(({ name }) => name === variant).flatMap(entry => entry.files),
    ]
    expect(engine.info.downloadBytes).toBe(needed.reduce((total, { size_bytes }) => total + size_bytes, 0))
  })

  test('computes only what is new: a longer prompt, then a shorter one, then another', async () => {
    await continued('Alice was beginning to get very tired of sitting by her sister', 4)
    const first = engine.stats()
    await continued('Alice was beginning to get very tired of sitting by her sister on the bank', 4)
    const longer = engine.stats()
    // The last token of the first prompt may be spelled otherwise once the text goes on.
    expect(longer?.cachedTokens).toBeGreaterThanOrEqual((first?.promptTokens ?? 0) - 1)
    expect(longer?.cachedTokens).toBeLessThan(longer?.promptTokens ?? 0)
    await continued('Alice was beginning', 4)
    expect(engine.stats()?.cachedTokens).toBe((engine.stats()?.promptTokens ?? 0) - 1)
    await continued('Zebras', 4)
    expect(engine.stats()?.cachedTokens).toBe(0)
  })

  test('a prefix taken over gives the same text as one computed afresh', async () => {
    const prompt = 'The Queen turned crimson with fury, and, after glaring at her'
    await continued('Something else entirely', 3)
    const fresh = await continued(prompt, 16)
    expect(engine.stats()?.cachedTokens).toBe(0)
    await continued(`${prompt} for a moment like a wild beast`, 5)
    const reused = await continued(prompt, 16)
    expect(engine.stats()?.cachedTokens).toBeGreaterThan(5)
    expect(reused.choices[0].text).toBe(fresh.choices[0].text)
  })
})

test('a prompt longer than one chunk, and a cache that grows: the same text as from a bigger start', async () => {
  const engine = await load()
  const sentence = 'The Hatter opened his eyes very wide on hearing this, but all he said was nothing. '
  const prompt = sentence.repeat(45) // beyond the first 1,024 places of the cache, and many chunks of 128
  const fresh = await engine.completions.create({ prompt, max_tokens: 8, temperature: 0 })
  expect(fresh.usage.prompt_tokens).toBeGreaterThan(1024)
  await engine.completions.create({ prompt: sentence.repeat(3), max_tokens: 2, temperature: 0 })
  const grown = await engine.completions.create({ prompt, max_tokens: 8, temperature: 0 })
  expect(grown.choices[0].text).toBe(fresh.choices[0].text)
  await engine.dispose()
})

describe('chat', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await load()
  })
  afterAll(() => engine?.dispose())

  test('the second turn computes only its own tokens', async () => {
    const first = { role: 'user' as const, content: 'Who is Alice?' }
    const answer = await engine.chat.completions.create({ messages: [first], temperature: 0, max_tokens: 8 })
    const before = engine.stats()?.promptTokens ?? 0
    const messages = [first, answer.choices[0].message, { role: 'user' as const, content: 'And the Queen?' }]
    await engine.chat.completions.create({ messages, temperature: 0, max_tokens: 8 })
    const stats = engine.stats()
    // The whole first prompt is there; of the answer as much as is spelled with the same tokens.
    expect(stats?.cachedTokens).toBeGreaterThanOrEqual(before)
    expect(stats?.promptTokens).toBeGreaterThan(stats?.cachedTokens ?? 0)
  })

  test('a cancelled prefill leaves a cache that the next answer can trust', async () => {
    const prompt = 'Down, down, down. Would the fall never come to an end? '.repeat(30)
    const request = { prompt, max_tokens: 6, temperature: 0 }
    const undisturbed = await engine.completions.create(request)
    await engine.completions.create({ prompt: 'Pig and Pepper', max_tokens: 1 })
    const stop = new AbortController()
    const cancelled = failureOf(engine.completions.create({ ...request, signal: stop.signal }))
    stop.abort()
    expect(await cancelled).toMatchObject({ name: 'AbortError' })
    expect(engine.stats()).toMatchObject({ stopReason: 'cancelled', outputTokens: 0 })
    const after = await engine.completions.create(request)
    expect(after.choices[0].text).toBe(undisturbed.choices[0].text)
  })
})

describe('loading', () => {
  // What is on disk is not downloaded: nothing would be there to damage.
  beforeEach(async () => {
    for (const { bundle } of await storedBundles()) await removeStoredBundle(bundle)
  })

  test('reports every phase in order, and bytes up to the total', async () => {
    const seen: LoadProgress[] = []
    const engine = await load({ onProgress: progress => seen.push({ ...progress }) })
    const phases = seen.map(({ phase }) => phase).filter((phase, index, all) => phase !== all[index - 1])
    expect(phases).toEqual(['manifest', 'download', 'runtime', 'session', 'self-test', 'ready'])
    const bytes = seen.map(({ loadedBytes }) => loadedBytes)
    expect(bytes).toEqual([...bytes].sort((a, b) => a - b))
    expect(seen.at(-1)).toMatchObject({ loadedBytes: engine.info.downloadBytes, totalBytes: engine.info.downloadBytes })
    await engine.dispose()
  })

  test('several threads where the page is isolated, one where it asks for one', async () => {
    expect(crossOriginIsolated).toBe(true)
    const engine = await load({ threads: 1 })
    expect(engine.info.threads).toBe(1)
    await engine.dispose()
  })

  test('an abort while loading', async () => {
    const stop = new AbortController()
    const loading = load({
      signal: stop.signal,
      onProgress: ({ phase }) => {
        if (phase === 'download') stop.abort()
      },
    })
    expect(await failureOf(loading)).toMatchObject({ name: 'AbortError' })
    expect(await failureOf(load({ signal: AbortSignal.abort() }))).toMatchObject({ name: 'AbortError' })
  })

  test.each([
    ['corrupted', 'integrity', /model\.onnx\.data does not have the checksum .*download or export the bundle again/],
    ['truncated', 'integrity', /model\.onnx\.data ended after \d+ of \d+ bytes.*cut short/],
    ['longer', 'integrity', /model\.onnx\.data is longer than the manifest says/],
    ['missing-file', 'download', /model\.onnx\.data could not be downloaded: the server answered 404/],
    ['format-2', 'bad-manifest', /format: this version reads format 1, found 2.*update SLM Playground/],
    ['not-json', 'bad-manifest', /manifest\.json: is not JSON/],
  ])('a bundle that is %s fails with "%s" and says what next', async (kind, code, message) => {
    const error = await failureOf(load({ bundle: damaged(kind) }))
    expect(error).toMatchObject({ name: 'EngineError', code })
    expect(String(error)).toMatch(message)
  })

  test('a file that arrives damaged once is fetched again', async () => {
    const seen: number[] = []
    const engine = await load({
      bundle: damaged('corrupted-once'),
      onProgress: ({ loadedBytes }) => seen.push(loadedBytes),
    })
    expect(engine.info.selfTest.passed).toBe(true)
    expect(seen.some((bytes, index) => bytes < (seen[index - 1] ?? 0))).toBe(true) // it was counted back
    expect(seen.at(-1)).toBe(engine.info.downloadBytes)
    await engine.dispose()
  })

  test('no bundle at the address', async () => {
    const error = await failureOf(load({ bundle: '/bundles/nothing-here/' }))
    expect(error).toMatchObject({ code: 'no-model' })
    expect(String(error)).toMatch(/There is no model at .*nothing-here.*export the model/)
  })

  test('a variant that the bundle does not have, and wrong options', async () => {
    expect(await failureOf(load({ variant: 'q2' }))).toMatchObject({ code: 'bad-request' })
    expect(await failureOf(load({ threads: 0 }))).toMatchObject({ code: 'bad-request' })
    expect(await failureOf(load({ bundle: 'http://[' }))).toMatchObject({ code: 'bad-request' })
  })

  test('a prompt that does not fit says so, and an answer ends where the context does', async () => {
    const engine = await load({ bundle: damaged('short-context') }) // 128 positions
    const request = { max_tokens: 200, temperature: 0 }
    const error = await failureOf(
      engine.completions.create({ ...request, prompt: 'The Mock Turtle sighed. '.repeat(40) }),
    )
    expect(error).toMatchObject({ code: 'bad-request' })
    expect(String(error)).toMatch(/The prompt has \d+ tokens and the model reads at most 128/)
    const { usage, choices } = await engine.completions.create({ ...request, prompt: 'Alice' })
    expect(choices[0].finish_reason).toBe('length')
    expect(usage.total_tokens).toBe(129) // the last token is shown but never read
    expect(engine.stats()?.stopReason).toBe('context-full')
    await engine.dispose()
  })
})

describe('when things break', () => {
  /** The real worker, told that SwiftShader is a graphics card: else `auto` would not even try it. */
  const hardwareWorker = () => new Worker(new URL('./hardware-worker.ts', import.meta.url), { type: 'module' })

  test('a GPU that computes wrongly is left for the CPU, variant by variant, with the reasons', async () => {
    const options = { bundle: damaged('wrong-gpu-weights'), device: 'auto' as const }
    const engine = await createEngine(options, hardwareWorker)
    expect(engine.info).toMatchObject({ device: 'cpu', variant: 'cpu-int8' })
    expect(engine.info.backend).toMatch(/^simd-/)
    const failed = engine.info.fallbacks.find(({ from }) => from === 'webgpu-q4f32')
    expect(failed?.to).toBe('cpu-int8')
    expect(failed?.reason).toMatch(/webgpu-q4f32 failed its self-test on this device: its numbers are off by/)
    expect(engine.info.fallbacks.find(({ from }) => from === 'webgpu-q4f16')).toBeDefined()
    const { choices } = await engine.completions.create({ prompt: 'Alice was', max_tokens: 4 })
    expect(choices[0].text).not.toBe('')
    await engine.dispose()
  })

  test('asked for WebGPU by name, it fails instead, with the same reason', async () => {
    const options = { bundle: damaged('wrong-gpu-weights'), device: 'webgpu' as const, variant: 'webgpu-q4f32' }
    const error = await failureOf(createEngine(options))
    expect(error).toMatchObject({ code: 'unsupported' })
    expect(String(error)).toMatch(/cannot run in this browser\. webgpu-q4f32 failed its self-test/)
  })

  test('a software GPU is passed over for the CPU', async () => {
    const engine = await load({ device: 'auto' })
    expect(engine.info.device).toBe('cpu')
    expect(engine.info.fallbacks[0]?.reason).toMatch(/emulated in software, slower than the CPU/)
    await engine.dispose()
  })

  test('a worker that crashes rejects what is open and what comes later', async () => {
    const crash = `onmessage = () => { postMessage({ kind: 'event', id: 1, event: { progress: {}, variant: null } })
      setTimeout(() => { throw new Error('out of luck') }) }`
    const url = URL.createObjectURL(new Blob([crash], { type: 'text/javascript' }))
    const error = await failureOf(createEngine({ bundle: BUNDLE }, () => new Worker(url)))
    expect(error).toMatchObject({ name: 'EngineError', code: 'internal' })
    expect(String(error)).toMatch(/The engine stopped unexpectedly.*out of luck.*reload the page/)
  })

  test('a worker whose script is missing', async () => {
    const error = await failureOf(createEngine({ bundle: BUNDLE }, () => new Worker('/bundles/no-such-worker.js')))
    expect(error).toMatchObject({ code: 'internal' })
  })

  test('when every variant failed, the code is that of the last failure', async () => {
    const failing = `onmessage = ({ data }) => postMessage({ kind: 'fail', id: data.id, cancelled: false, ...(data.args.passedOver.length
      ? { code: 'unsupported', reasons: [{ kind: 'plain', said: 'It cannot run here. No room.' }], stepDownFrom: null }
      : { code: 'out-of-memory', reasons: [{ kind: 'plain', said: 'No room.' }], stepDownFrom: 'cpu-int8' }) })`
    const url = URL.createObjectURL(new Blob([failing], { type: 'text/javascript' }))
    const error = await failureOf(createEngine({ bundle: BUNDLE }, () => new Worker(url)))
    expect(error).toMatchObject({ code: 'out-of-memory', message: 'It cannot run here. No room.' })
  })

  test('a worker that dies while it tries a variant counts as that variant’s failure', async () => {
    const dying = `onmessage = () => { postMessage({ kind: 'event', id: 1, event: { progress: {}, variant: 'webgpu-q4f16' } })
      setTimeout(() => { throw new Error('abort()') }) }`
    const url = URL.createObjectURL(new Blob([dying], { type: 'text/javascript' }))
    let workers = 0
    const engine = await createEngine({ bundle: BUNDLE }, () => (++workers === 1 ? new Worker(url) : hardwareWorker()))
    expect(workers).toBe(2)
    expect(engine.info.variant).not.toBe('webgpu-q4f16')
    expect(engine.info.fallbacks.find(({ from }) => from === 'webgpu-q4f16')?.reason).toMatch(/stopped unexpectedly/)
    await engine.dispose()
  })
})

test('two engines at once do not disturb each other', async () => {
  const [one, two] = await Promise.all([load(), load()])
  const request = { prompt: 'The White Rabbit put on his spectacles.', max_tokens: 12, temperature: 0 }
  const answers = await Promise.all([one.completions.create(request), two.completions.create(request)])
  expect(answers[0].choices[0].text).toBe(answers[1].choices[0].text)
  await Promise.all([one.dispose(), two.dispose()])
})
