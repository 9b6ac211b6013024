/**
 * Encoder-decoder and encoder models in the real engine on the CPU: the tokens, labels, spans and vectors that PyTorch
 * gives over the same dequantised weights (golden.json, made by tests/fixtures/encoders/).
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { commands } from 'vitest/browser'
import type { Engine, Entity, Label } from '../../../web/src/engine/api.ts'
import { createEngine } from '../../../web/src/engine/client.ts'
import { faultyWorkers, waitsAfter } from './loop.ts'
import { failureOf } from './suite.ts'

const bundle = (name: string) => `/bundles/transformers/${name}/`
const load = (name: string) => createEngine({ bundle: bundle(name), device: 'cpu', threads: 1 })
// Our own script's files.
const golden = async <T>(name: string): Promise<T> => (await fetch(`${bundle(name)}golden.json`)).json()

/** Float sums in another order: probabilities and unit vectors differ by no more than this. */
const TOLERANCE = 1e-4

interface Answered {
  cases: { text: string; tokens: number[]; variant_tokens: number[]; answer: string; float_answer: string }[]
}

/** For docs/families.md: whether every test of a model's suite passed. */
function keepScore(row: string): void {
  let passed = true
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') passed = false
  })
  afterAll(async () => {
    const found = { row, same_tokens: passed }
    await commands.writeFile(`tests/.fixtures/families/browser/${row}.json`, `${JSON.stringify(found)}\n`)
  })
}

describe.each(['tiny-t5', 'tiny-flan-t5', 'tiny-mt5', 'tiny-bart'])('%s writes', name => {
  keepScore(name)
  let engine: Engine
  let cases: Answered['cases']
  beforeAll(async () => {
    ;({ cases } = await golden<Answered>(name))
    engine = await load(name)
  })
  afterAll(() => engine?.dispose())

  const answer = (prompt: string, more = {}) =>
    engine.completions.create({ prompt, temperature: 0, max_tokens: 16, ...more })

  test('passes its self-test and says what it is', () => {
    expect(engine.info).toMatchObject({ architecture: 'encoder-decoder', encoderTask: null, backend: 'ort-wasm' })
    expect(engine.info.selfTest.passed).toBe(true)
  })

  test('the answers of PyTorch, token for token', async () => {
    expect(cases.length).toBeGreaterThan(5)
    for (const { text, variant_tokens, answer: expected } of cases) {
      const { choices, usage } = await answer(text)
      expect(choices[0].text.trim()).toBe(expected.trim())
      expect(usage.completion_tokens).toBe(variant_tokens.length) // its end mark included
      if (variant_tokens.length < 16) expect(engine.stats()?.stopReason).toBe('end-of-turn')
    }
  })

  test('most of these are PyTorch’s own over the float weights', () => {
    const same = cases.filter(({ tokens, variant_tokens }) => tokens.join() === variant_tokens.join())
    expect(same.length).toBeGreaterThanOrEqual(cases.length - 1)
  })
})

test('the float32 variant answers as PyTorch does over the float weights', async () => {
  const { cases } = await golden<Answered>('tiny-bart')
  const engine = await createEngine({ bundle: bundle('tiny-bart'), variant: 'f32', device: 'cpu', threads: 1 })
  expect(engine.info).toMatchObject({ variant: 'f32', device: 'cpu', selfTest: { passed: true } })
  for (const { text, tokens, float_answer: expected } of cases) {
    const { choices, usage } = await engine.completions.create({ prompt: text, temperature: 0, max_tokens: 16 })
    expect(choices[0].text.trim()).toBe(expected.trim())
    expect(usage.completion_tokens).toBe(tokens.length)
  }
  await engine.dispose()
})

describe('an encoder-decoder among the engine’s other duties', () => {
  let engine: Engine
  const { make, tell } = faultyWorkers()
  const prompt = 'translate English to German: the cat sees the house.'
  beforeAll(async () => {
    engine = await createEngine({ bundle: bundle('tiny-t5'), device: 'cpu', threads: 1 }, make)
  })
  afterAll(() => engine?.dispose())

  test('names the prefixes that its checkpoint names', () => {
    expect(engine.info.prefixes).toContainEqual({
      task: 'translation_en_to_de',
      prefix: 'translate English to German: ',
    })
  })

  test('streams what it gives whole, and reads every prompt anew', async () => {
    const whole = await engine.completions.create({ prompt, temperature: 0 })
    let streamed = ''
    for await (const { choices } of engine.completions.create({ prompt, temperature: 0, stream: true }))
      streamed += choices[0].text
    expect(streamed).toBe(whole.choices[0].text)
    expect(engine.stats()).toMatchObject({ cachedTokens: 0, promptTokens: whole.usage.prompt_tokens })
  })

  test('samples by seed, stops at a text, stops at a limit', async () => {
    const request = { prompt, temperature: 3, seed: 5, max_tokens: 12 }
    const [first, again] = [await engine.completions.create(request), await engine.completions.create(request)]
    expect(again.choices[0].text).toBe(first.choices[0].text)
    const stopped = await engine.completions.create({ prompt, temperature: 0, stop: ' sieht' })
    expect(stopped.choices[0].text.trim()).toBe('die Katze')
    const short = await engine.completions.create({ prompt, temperature: 0, max_tokens: 2 })
    expect(short.choices[0].finish_reason).toBe('length')
  })

  test('a cancel ends an answer, and the next one is right', async () => {
    const stop = new AbortController()
    tell(waitsAfter(20))
    const reading = (async () => {
      const stream = engine.completions.create({
        ...{ prompt: 'Something else', temperature: 5, seed: 1, max_tokens: 500, stream: true },
        signal: stop.signal,
      } as const)
      for await (const { choices } of stream) {
        if (!choices[0].text) continue
        stop.abort()
        tell({ goOn: true })
      }
    })()
    expect(await failureOf(reading)).toMatchObject({ name: 'AbortError' })
    expect(engine.stats()?.stopReason).toBe('cancelled')
    const { choices } = await engine.completions.create({ prompt, temperature: 0 })
    expect(choices[0].text.trim()).toBe('die Katze sieht das Haus.')
  })

  test('a text longer than it reads is refused with the numbers', async () => {
    const error = await failureOf(engine.completions.create({ prompt: 'the cat '.repeat(600) }))
    expect(error).toMatchObject({ code: 'bad-request' })
    expect(String(error)).toMatch(/The prompt has [\d,]+ tokens and the model reads at most 512/)
  })

  test('it does not chat, embed, classify or tag, and says what it does', async () => {
    const chat = failureOf(engine.chat.completions.create({ messages: [{ role: 'user', content: 'Hi' }] }))
    expect(String(await chat)).toMatch(/has no chat format: use completions instead/)
    for (const call of [engine.embed(['a']), engine.classify('a'), engine.tag('a')]) {
      const error = await failureOf(call)
      expect(error).toMatchObject({ name: 'EngineError', code: 'unsupported' })
      expect(String(error)).toMatch(/tiny-t5-hf cannot \w+: that takes a .*It writes texts: use engine.completions/)
    }
  })
})

describe('tiny-bert classifies', () => {
  keepScore('tiny-bert')
  let engine: Engine
  beforeAll(async () => {
    engine = await load('tiny-bert')
  })
  afterAll(() => engine?.dispose())

  test('the labels and scores of transformers', async () => {
    const { cases } = await golden<{ cases: { text: string; labels: Label[]; label: string }[] }>('tiny-bert')
    for (const { text, labels, label } of cases) {
      const { labels: found, truncated } = await engine.classify(text)
      expect(truncated).toBe(false)
      expect(found.map(entry => entry.label)).toEqual(labels.map(entry => entry.label))
      expect(found[0]?.label).toBe(label) // also over the float weights
      found.forEach(({ score }, index) => {
        expect(Math.abs(score - (labels[index]?.score ?? Number.NaN))).toBeLessThan(TOLERANCE)
      })
    }
  })

  test('a long text is cut at its end, and the result says so', async () => {
    const { labels, truncated } = await engine.classify(`This film was wonderful! ${'film '.repeat(200)}`)
    expect(truncated).toBe(true)
    expect(labels[0]?.label).toBe('POSITIVE')
  })

  test('it reads and does not write: the error names the right call', async () => {
    expect(engine.info).toMatchObject({ architecture: 'encoder', encoderTask: 'text-classification' })
    const error = await failureOf(engine.completions.create({ prompt: 'Hi' }))
    expect(error).toMatchObject({ code: 'unsupported' })
    expect(String(error)).toMatch(/reads texts and does not write any\. Use engine\.classify\(text\)/)
    expect(String(await failureOf(engine.embed(['a'])))).toMatch(
      /cannot embed: that takes a model for sentence vectors/,
    )
    const chat = engine.chat.completions.create({ messages: [{ role: 'user', content: 'Hi' }] })
    expect(await failureOf(chat)).toMatchObject({ code: 'unsupported' })
  })

  test('refuses what is no text', async () => {
    expect(await failureOf(engine.classify(7 as unknown as string))).toMatchObject({ code: 'bad-request' })
    expect(await failureOf(engine.embed('a' as unknown as string[]))).toMatchObject({ code: 'bad-request' })
    expect(await failureOf(engine.classify('a', { signal: AbortSignal.abort() }))).toMatchObject({ name: 'AbortError' })
  })
})

describe('tiny-distilbert tags', () => {
  keepScore('tiny-distilbert')
  let engine: Engine
  beforeAll(async () => {
    engine = await load('tiny-distilbert')
  })
  afterAll(() => engine?.dispose())

  test('the spans of transformers, in UTF-16 units', async () => {
    const { cases } = await golden<{ cases: { text: string; entities: Entity[] }[] }>('tiny-distilbert')
    expect(cases.flatMap(({ entities }) => entities).length).toBeGreaterThan(6)
    for (const { text, entities } of cases) {
      const { entities: found, truncated } = await engine.tag(text)
      expect(truncated).toBe(false)
      const places = ({ label, start, end, text: part }: Entity) => ({ label, start, end, text: part })
      expect(found.map(places)).toEqual(entities.map(places))
      for (const [index, { start, end, text: part, score }] of found.entries()) {
        expect(text.slice(start, end)).toBe(part)
        expect(Math.abs(score - (entities[index]?.score ?? Number.NaN))).toBeLessThan(TOLERANCE)
      }
    }
  })

  test('names beyond the longest text are not found, and the result says so', async () => {
    const { entities, truncated } = await engine.tag(`Anna lives in Berlin. ${'Nothing happens. '.repeat(40)} Paris`)
    expect(truncated).toBe(true)
    expect(entities[0]).toMatchObject({ label: 'PER', text: 'Anna' })
    expect(entities.some(({ text }) => text === 'Paris')).toBe(false)
  })

  test('an empty text has no spans', async () => {
    expect((await engine.tag('')).entities.filter(({ text }) => text !== '')).toEqual([])
  })
})

describe('tiny-minilm embeds', () => {
  keepScore('tiny-minilm')
  let engine: Engine
  beforeAll(async () => {
    engine = await load('tiny-minilm')
  })
  afterAll(() => engine?.dispose())

  const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Array.from(a).reduce((sum, value, index) => sum + value * (b[index] ?? Number.NaN), 0)

  test('the vectors of PyTorch: pooled, of unit length', async () => {
    const { cases } = await golden<{ cases: { text: string; vector: number[]; variant_vector: number[] }[] }>(
      'tiny-minilm',
    )
    const { vectors, truncated } = await engine.embed(cases.map(({ text }) => text))
    expect(truncated).toEqual(cases.map(() => false))
    cases.forEach(({ vector, variant_vector }, index) => {
      const found = vectors[index] ?? new Float32Array()
      expect(found.length).toBe(64)
      const worst = Math.max(...variant_vector.map((value, place) => Math.abs(value - (found[place] ?? Number.NaN))))
      expect(worst).toBeLessThan(TOLERANCE)
      expect(dot(found, found)).toBeCloseTo(1, 5)
      expect(dot(found, vector)).toBeGreaterThan(0.999) // cosine to the float weights
    })
    // The films are nearer to each other than to the song.
    expect(dot(vectors[0] ?? [], vectors[1] ?? [])).toBeGreaterThan(dot(vectors[0] ?? [], vectors[2] ?? []))
  })

  test('none for no texts, and a flag for a text that was cut', async () => {
    expect(await engine.embed([])).toEqual({ vectors: [], truncated: [], promptTokens: 0 })
    const { vectors, truncated } = await engine.embed(['The film was great.', 'film '.repeat(100)])
    expect(truncated).toEqual([false, true])
    expect(vectors.length).toBe(2)
  })

  test('an abort between texts', async () => {
    const stop = new AbortController()
    const open = failureOf(engine.embed(new Array(2000).fill('The film was great.'), { signal: stop.signal }))
    stop.abort()
    expect(await open).toMatchObject({ name: 'AbortError' })
    expect((await engine.embed(['a'])).vectors.length).toBe(1)
  })
})

test('a chat model does not embed, and says what would', async () => {
  const engine = await createEngine({ bundle: '/bundles/tiny-llama/', device: 'cpu', threads: 1 })
  const error = await failureOf(engine.embed(['a']))
  expect(error).toMatchObject({ name: 'EngineError', code: 'unsupported' })
  expect(String(error)).toMatch(/cannot embed: that takes a model for sentence vectors, such as MiniLM/)
  expect(engine.stats()).toBeNull()
  await engine.dispose()
})
