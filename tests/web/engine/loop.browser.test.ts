/** The loop over the tiny model: what is computed twice (nothing), copying, priorities, the context's end. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChatMessage, CompletionRequest, Engine } from '../../../web/src/engine/api.ts'
import { createEngine } from '../../../web/src/engine/client.ts'
import { Host } from '../../../web/src/engine/host.ts'
import type { TextEvent } from '../../../web/src/engine/protocol.ts'
import { completionArgs } from '../../../web/src/engine/request.ts'
import { textRun } from '../../../web/src/engine/running.ts'
import { faultyWorkers, OPTIONS, textOf, waitsAfter, workers } from './loop.ts'
import { collect, failureOf } from './suite.ts'

const GREEDY = { temperature: 0, max_tokens: 24 }
const CHUNK = 128

const cached = (engine: Engine) => engine.stats()?.cachedTokens ?? -1

describe('one engine', () => {
  let engine: Engine
  const { make, tell } = faultyWorkers()
  beforeAll(async () => {
    engine = await createEngine(OPTIONS, make)
  })
  afterAll(() => engine?.dispose())

  const chat = async (messages: ChatMessage[]) => {
    const answer = await engine.chat.completions.create({ messages, ...GREEDY, max_tokens: 4, stream: false })
    return answer.choices[0].message.content ?? ''
  }
  const count = async (input: ChatMessage[] | string) => (await engine.countTokens(input)).tokens
  const user = (content: string): ChatMessage => ({ role: 'user', content })
  const system: ChatMessage = { role: 'system', content: 'You are a rabbit with a watch and you are always late.' }

  test('a prefix is computed once: next turn, regenerate, edited message, another task with the same instructions', async () => {
    const first = [system, user('Who are you?')]
    const answer = await chat(first)
    const firstTokens = await count(first)

    await chat([...first, { role: 'assistant', content: answer }, user('Where do you run?')])
    expect(cached(engine)).toBeGreaterThanOrEqual(firstTokens)

    await chat(first) // regenerate: only the last token, for its logits
    expect(cached(engine)).toBe(firstTokens - 1)

    await chat([system, user('Who is she?')]) // edited: all before the first changed word
    const shared = (await count([system, user('Who')])) - (await count([system, user('')]))
    expect(cached(engine)).toBeGreaterThanOrEqual((await count([system, user('')])) + shared - 8)

    await chat([system, user('Another task altogether')])
    expect(cached(engine)).toBeGreaterThanOrEqual((await count([system])) - 8)
  })

  test('a keystroke computes only what it changed', async () => {
    const before = 'Alice was beginning to get very tired of sitting by her sister on the bank'
    await textOf(engine, { prompt: before, ...GREEDY })
    await textOf(engine, { prompt: `${before}, and`, ...GREEDY })
    expect(cached(engine)).toBeGreaterThanOrEqual((await count(before)) - 1)
    await textOf(engine, { prompt: `${before}, an`, ...GREEDY })
    expect(cached(engine)).toBeGreaterThanOrEqual((await count(before)) - 1)
  })

  test('a chat and the completion of a text take turns, and each computes only what it adds', async () => {
    const turns = [
      system,
      user(`Tell me of the Hatter. ${'He opened his eyes very wide on hearing this. '.repeat(12)}`),
    ]
    let text = 'Down, down, down. Would the fall never come to an end? '.repeat(12)
    await chat(turns)
    await textOf(engine, { prompt: text, ...GREEDY, max_tokens: 2 })
    for (let round = 0; round < 3; round++) {
      const held = [await count(turns), await count(text)]
      await chat([...turns, { role: 'assistant', content: 'So.' }, user(`And then? ${round}`)])
      expect(cached(engine)).toBeGreaterThanOrEqual((held[0] ?? 0) - 8)
      text += ' and so'
      await textOf(engine, { prompt: text, ...GREEDY, max_tokens: 2 })
      expect(cached(engine)).toBeGreaterThanOrEqual((held[1] ?? 0) - 4)
    }
  })

  test('an abort stops an answer before its end (within a token of its arrival: loop.test.ts)', async () => {
    const stop = new AbortController()
    let seen = 0
    const request = { prompt: 'Alice', temperature: 0, max_tokens: 500, signal: stop.signal, stream: true } as const
    tell(waitsAfter(20))
    const reading = (async () => {
      for await (const { choices } of engine.completions.create(request)) {
        if (!choices[0].text || ++seen !== 2) continue
        stop.abort()
        tell({ goOn: true })
      }
    })()
    expect(await failureOf(reading)).toMatchObject({ name: 'AbortError' })
    expect(engine.stats()).toMatchObject({ stopReason: 'cancelled' })
    expect(engine.stats()?.outputTokens).toBeLessThan(25)
  })

  test('the prompt’s progress is told chunk by chunk, and an abort ends it within one', async () => {
    const prompt = 'The Hatter opened his eyes very wide on hearing this. '.repeat(40)
    const tokens = await count(prompt)
    expect(tokens).toBeGreaterThan(4 * CHUNK)
    await textOf(engine, { prompt: 'Pig and Pepper', ...GREEDY })
    const stop = new AbortController()
    const seen: number[] = []
    tell(waitsAfter(2, 'prefill'))
    const aborted = engine.completions.create({
      ...{ prompt, ...GREEDY, stream: false, signal: stop.signal },
      onProgress: ({ prefilledTokens, promptTokens }) => {
        expect(promptTokens).toBe(tokens)
        seen.push(prefilledTokens)
        if (seen.length !== 2) return
        stop.abort()
        tell({ goOn: true })
      },
    })
    expect(await failureOf(aborted)).toMatchObject({ name: 'AbortError' })
    const undisturbed: number[] = []
    const onProgress = ({ prefilledTokens }: { prefilledTokens: number }) => undisturbed.push(prefilledTokens)
    const text = await textOf(engine, { prompt, ...GREEDY, onProgress })
    // What the aborted job had computed is what this one found: no more than one chunk beyond the abort.
    expect(cached(engine)).toBeGreaterThanOrEqual(seen[1] ?? 0)
    expect(cached(engine)).toBeLessThanOrEqual((seen[1] ?? 0) + CHUNK)
    expect(undisturbed.at(-1)).toBe(tokens)
    expect(undisturbed).toEqual([...undisturbed].sort((a, b) => a - b))
    await textOf(engine, { prompt: 'Something else', ...GREEDY })
    expect(await textOf(engine, { prompt, ...GREEDY })).toBe(text)
  })

  const PROMPTS = [
    'Repeat after me: the cat sat on the mat, the cat sat on the mat, the cat',
    'one two three four one two three four one two three four one two',
    'Correct this: He go to school every day. Corrected: He',
    '"I see what I eat" is the same thing as "I eat what I see". "I like what I get" is the same thing as',
    ...Array.from(
      { length: 12 },
      (_, index) => `Chapter ${index}. The Queen said: off with his head! Off with ${index}`,
    ),
  ]

  test.each([
    { name: 'greedy', settings: { temperature: 0 } },
    { name: 'greedy with penalties', settings: { temperature: 0, repetition_penalty: 1.1, frequency_penalty: 0.2 } },
    { name: 'drawn with a seed', settings: { temperature: 0.8, top_p: 0.9, seed: 5 } },
  ])('copying changes nothing in the text, $name', async ({ settings }) => {
    let drafted = 0
    let accepted = 0
    for (const prompt of PROMPTS) {
      const request: CompletionRequest = { prompt, ...settings, max_tokens: 40 }
      const plain = await textOf(engine, request)
      expect(engine.stats()).toMatchObject({ draftedTokens: 0, acceptedTokens: 0 })
      expect(await textOf(engine, { ...request, speculate: 'copy' })).toBe(plain)
      drafted += engine.stats()?.draftedTokens ?? 0
      accepted += engine.stats()?.acceptedTokens ?? 0
      expect(engine.stats()?.outputTokens).toBeLessThanOrEqual(40)
    }
    expect(drafted).toBeGreaterThan(0)
    expect(accepted).toBeGreaterThan(0)
    expect(accepted).toBeLessThanOrEqual(drafted)
  })

  test('a prediction that comes true is taken in a few runs of the model', async () => {
    const request: CompletionRequest = { prompt: 'Alice was', ...GREEDY, max_tokens: 40 }
    const text = await textOf(engine, request)
    expect(await textOf(engine, { ...request, prediction: { type: 'content', content: text } })).toBe(text)
    expect(engine.stats()?.acceptedTokens).toBeGreaterThan(20)
  })

  test('a background job gives way to an interactive one, and its text is that of an undisturbed one', async () => {
    const background: CompletionRequest = { prompt: 'The rabbit hole went', temperature: 0, max_tokens: 400 }
    const interactive: CompletionRequest = { prompt: 'Who are you?', ...GREEDY }
    const undisturbed = await textOf(engine, background)
    const alone = await textOf(engine, interactive)
    const order: string[] = []
    let urgent: Promise<string> | null = null
    const pieces: string[] = []
    tell(waitsAfter(20))
    for await (const { choices } of engine.completions.create({
      ...background,
      priority: 'background',
      stream: true,
    })) {
      pieces.push(choices[0].text)
      if (urgent) continue
      urgent = textOf(engine, interactive).finally(() => order.push('interactive'))
      tell({ goOn: true })
    }
    order.push('background')
    expect(await urgent).toBe(alone)
    expect(order).toEqual(['interactive', 'background'])
    expect(pieces.join('')).toBe(undisturbed)
  })

  test('logit bias forbids and forces', async () => {
    const host = new Host(OPTIONS, workers().make)
    await host.load({})
    const tokens = async (request: CompletionRequest) =>
      (await collect(textRun(host, completionArgs(request, host.info), {}).events)).flatMap(event => event.tokens)
    const request: CompletionRequest = { prompt: 'Alice', ...GREEDY, max_tokens: 3 }
    const [first = -1] = await tokens(request)
    expect(await tokens({ ...request, logit_bias: { [first]: -100 } })).not.toContain(first)
    expect(await tokens({ ...request, logit_bias: { 77: 100 } })).toEqual([77, 77, 77])
    host.dispose()
  })

  test('log probabilities tell of every token and its likeliest rivals', async () => {
    const host = new Host(OPTIONS, workers().make)
    await host.load({})
    const request: CompletionRequest = { prompt: 'Down the', ...GREEDY, max_tokens: 10, logprobs: 5 }
    const events: TextEvent[] = await collect(textRun(host, completionArgs(request, host.info), {}).events)
    const infos = events.flatMap(event => event.infos)
    expect(infos.map(({ id }) => id)).toEqual(events.flatMap(event => event.tokens))
    expect(infos.length).toBe(10)
    for (const { id, logprob, top, bytes, text } of infos) {
      expect(top.length).toBe(5)
      expect(top[0]).toEqual({ id, logprob, bytes, text }) // greedy takes the likeliest
      expect(top.map(entry => entry.logprob)).toEqual(top.map(entry => entry.logprob).sort((a, b) => b - a))
      expect(top.reduce((sum, entry) => sum + Math.exp(entry.logprob), 0)).toBeLessThanOrEqual(1 + 1e-6)
    }
    const spelled = new TextDecoder().decode(Uint8Array.from(infos.flatMap(({ bytes }) => bytes)))
    expect(spelled.replaceAll('\uFFFD', '')).toBe(events.map(({ text }) => text).join(''))
    // Copying reports the same; forcing a token leaves its own probability as the model gave it.
    const copied = await collect(textRun(host, completionArgs({ ...request, speculate: 'copy' }, host.info), {}).events)
    expect(copied.flatMap(event => event.infos).map(({ id }) => id)).toEqual(infos.map(({ id }) => id))
    const forced = { ...request, logprobs: 0, logit_bias: { 77: 100 }, max_tokens: 1 }
    const [only] = (await collect(textRun(host, completionArgs(forced, host.info), {}).events)).flatMap(
      event => event.infos,
    )
    expect(only?.id).toBe(77)
    expect(only?.logprob).toBeLessThan(-1)
    host.dispose()
  })
})

describe('a conversation longer than the context', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await createEngine({ ...OPTIONS, bundle: `/damaged/short-context/${crypto.randomUUID()}/tiny-llama/` })
  })
  afterAll(() => engine?.dispose())

  const messages: ChatMessage[] = [
    { role: 'system', content: 'You are kind.' },
    ...Array.from({ length: 8 }, (_, index): ChatMessage[] => [
      { role: 'user', content: `What is number ${index}?` },
      { role: 'assistant', content: `Number ${index} it is.` },
    ]).flat(),
    { role: 'user', content: 'And the last?' },
  ]

  test('is an error, or loses its oldest turns, as asked; what it would lose is told before', async () => {
    const request = { messages, temperature: 0, max_tokens: 5, stream: false } as const
    const told = await engine.countTokens(messages, { max_tokens: 5 })
    expect(told.tokens).toBeGreaterThan(told.contextLength)
    expect(told.room).toBe(0)
    expect(told.dropped.messages).toBeGreaterThan(0)
    expect(told.dropped.room).toBeGreaterThanOrEqual(5)
    expect(await failureOf(engine.chat.completions.create(request))).toMatchObject({ code: 'bad-request' })

    const answer = await engine.chat.completions.create({ ...request, context_policy: 'drop-oldest' })
    expect(engine.stats()?.droppedMessages).toBe(told.dropped.messages)
    expect(answer.usage.prompt_tokens).toBe(told.tokens - told.dropped.tokens)
    const [system, ...rest] = messages
    const left = [...(system ? [system] : []), ...rest.slice(told.dropped.messages)]
    const same = await engine.chat.completions.create({ ...request, messages: left })
    expect(same.choices[0].message.content).toBe(answer.choices[0].message.content)
  })

  test('what fits is left alone', async () => {
    const short = messages.slice(0, 2)
    const told = await engine.countTokens(short)
    expect(told.dropped).toEqual({ messages: 0, tokens: 0, room: told.room })
    expect(told.room).toBe(told.contextLength - told.tokens + 1)
  })
})
