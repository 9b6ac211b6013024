/** What every `Engine` must do, whatever is behind it: run over the real engine and over the fake one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChatChunk, ChatRequest, CompletionRequest, Engine } from '../../../web/src/engine/api.ts'
import { EngineError } from '../../../web/src/engine/errors.ts'
import type { ToFaulty } from './faulty-backend.ts'
import { waitsAfter } from './loop.ts'

const MESSAGES = [{ role: 'user' as const, content: 'Who is Alice?' }]
const SEEDED = { seed: 11, temperature: 1, max_tokens: 12 }

export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of stream) items.push(item)
  return items
}

const textOf = (chunks: ChatChunk[]) => chunks.map(chunk => chunk.choices[0].delta.content ?? '').join('')

export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}

/** @param tell speaks to the worker behind the engine that was made last, where it is a faulty one */
export function engineSuite(
  name: string,
  create: () => Promise<Engine>,
  tell: (message: ToFaulty) => void = () => {},
): void {
  describe(name, () => {
    let engine: Engine
    beforeAll(async () => {
      engine = await create()
    })
    afterAll(() => engine.dispose())

    const chat = (over: Partial<ChatRequest> = {}) =>
      engine.chat.completions.create({ messages: MESSAGES, ...SEEDED, ...over, stream: false })
    const streamed = (over: Partial<ChatRequest> = {}) =>
      engine.chat.completions.create({ messages: MESSAGES, ...SEEDED, ...over, stream: true })

    test('has no figures before the first job', () => {
      expect(engine.stats()).toBeNull()
    })

    test('says what it is', () => {
      const { info } = engine
      expect(info.bundle.id).not.toBe('')
      expect(info.contextLength).toBeGreaterThan(0)
      expect(info.threads).toBeGreaterThanOrEqual(1)
      expect(info.selfTest.passed).toBe(true)
      expect(info.selfTest.maxLogitError).toBeLessThanOrEqual(info.selfTest.allowedLogitError)
    })

    test('streams OpenAI chunks: role first, then text, then the reason and the usage', async () => {
      const chunks = await collect(streamed())
      expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
      expect(
        chunks.every(chunk => chunk.object === 'chat.completion.chunk' && chunk.model === engine.info.bundle.id),
      ).toBe(true)
      expect(chunks[0]?.choices[0].delta).toEqual({ role: 'assistant' })
      expect(chunks.slice(0, -1).every(chunk => chunk.choices[0].finish_reason === null && !chunk.usage)).toBe(true)
      const last = chunks.at(-1)
      expect(last?.choices[0]).toEqual({ index: 0, delta: {}, finish_reason: 'length' })
      expect(last?.usage?.completion_tokens).toBe(12)
      expect(textOf(chunks)).not.toBe('')
    })

    test('gives the same text whole as streamed', async () => {
      const whole = await chat()
      expect(whole.object).toBe('chat.completion')
      expect(whole.choices[0].message).toEqual({ role: 'assistant', content: textOf(await collect(streamed())) })
      expect(whole.choices[0].finish_reason).toBe('length')
    })

    test('completes raw text, whole and streamed', async () => {
      const request: CompletionRequest = { prompt: 'Once upon a time', ...SEEDED }
      const whole = await engine.completions.create({ ...request, stream: false })
      const chunks = await collect(engine.completions.create({ ...request, stream: true }))
      expect(whole.object).toBe('text_completion')
      expect(chunks.map(chunk => chunk.choices[0].text).join('')).toBe(whole.choices[0].text)
      expect(chunks.at(-1)?.usage?.completion_tokens).toBe(whole.usage.completion_tokens)
    })

    test('the same seed gives the same text, another seed another', async () => {
      const [first, again, other] = [await chat(), await chat(), await chat({ seed: 12 })]
      expect(again.choices[0].message.content).toBe(first.choices[0].message.content)
      expect(other.choices[0].message.content).not.toBe(first.choices[0].message.content)
    })

    test('stops at max_tokens', async () => {
      const { choices, usage } = await chat({ max_tokens: 3 })
      expect(choices[0].finish_reason).toBe('length')
      expect(usage.completion_tokens).toBe(3)
      expect(usage.total_tokens).toBe(usage.prompt_tokens + 3)
      expect(engine.stats()?.stopReason).toBe('max-tokens')
    })

    test('stops at a stop string and shows nothing of it', async () => {
      const full = (await chat()).choices[0].message.content
      const stop = full.slice(Math.floor(full.length / 2), Math.floor(full.length / 2) + 3)
      const chunks = await collect(streamed({ stop }))
      expect(textOf(chunks)).toBe(full.slice(0, full.indexOf(stop)))
      expect(chunks.at(-1)?.choices[0].finish_reason).toBe('stop')
      expect(engine.stats()?.stopReason).toBe('stop-string')
    })

    test('figures agree with the usage', async () => {
      const { usage } = await chat()
      const stats = engine.stats()
      expect(stats).toMatchObject({ promptTokens: usage.prompt_tokens, outputTokens: usage.completion_tokens })
      expect(stats?.cachedTokens).toBe(usage.prompt_tokens_details.cached_tokens)
      expect(stats?.tokensPerSecond).toBeGreaterThan(0)
      expect(stats?.timeToFirstTokenMs).toBeGreaterThanOrEqual(0)
    })

    test('an abort stops the answer, rejects with an AbortError, and the next job runs', async () => {
      const stop = new AbortController()
      let seen = 0
      tell(waitsAfter(20))
      const reading = (async () => {
        for await (const chunk of streamed({ max_tokens: 500, signal: stop.signal })) {
          if (!chunk.choices[0].delta.content || ++seen !== 2) continue
          stop.abort()
          tell({ goOn: true })
        }
      })()
      expect(await failureOf(reading)).toMatchObject({ name: 'AbortError' })
      expect(engine.stats()?.stopReason).toBe('cancelled')
      // It ended before its own end. That nothing runs once the wish is there, loop.test.ts tells.
      expect(engine.stats()?.outputTokens).toBeLessThan(500)
      expect((await chat()).usage.completion_tokens).toBe(12)
    })

    test('leaving a stream early stops the job too', async () => {
      for await (const chunk of streamed({ max_tokens: 1500 })) if (chunk.choices[0].delta.content) break
      expect((await chat()).usage.completion_tokens).toBe(12)
    })

    test('a signal that is aborted already runs nothing', async () => {
      expect(await failureOf(chat({ signal: AbortSignal.abort() }))).toMatchObject({ name: 'AbortError' })
    })

    test('jobs asked for together are answered one after the other, each with its own text', async () => {
      const order: number[] = []
      const jobs = [1, 2, 3].map(async index => {
        const answer = await chat({ seed: index })
        order.push(index)
        return answer.choices[0].message.content
      })
      const together = await Promise.all(jobs)
      expect(order).toEqual([1, 2, 3])
      for (const [index, text] of together.entries()) {
        expect((await chat({ seed: index + 1 })).choices[0].message.content).toBe(text)
      }
    })

    test.each<[string, Partial<ChatRequest>]>([
      ['messages', { messages: [] }],
      ['messages[0].role', { messages: [{ role: 'robot' as 'user', content: 'Hi' }] }],
      ['messages[0].content', { messages: [{ role: 'user', content: 7 as unknown as string }] }],
      ['temperature', { temperature: -1 }],
      ['temperature', { temperature: Number.NaN }],
      ['top_p', { top_p: 0 }],
      ['top_k', { top_k: 1.5 }],
      ['repetition_penalty', { repetition_penalty: 0 }],
      ['max_tokens', { max_tokens: 0 }],
      ['seed', { seed: 0.5 }],
      ['stop', { stop: ['a', 'b', 'c', 'd', 'e'] }],
      ['stop', { stop: '' }],
    ])('refuses a wrong %s: %j', async (field, over) => {
      const error = await failureOf(chat(over))
      expect(error).toBeInstanceOf(EngineError)
      expect(error).toMatchObject({ code: 'bad-request' })
      expect(String(error)).toContain(`${field}: expected`)
      expect(await failureOf(collect(streamed(over)))).toMatchObject({ code: 'bad-request' })
    })

    test('after dispose, the open job and every later one reject with an AbortError', async () => {
      const own = await create()
      const open = own.completions.create({ prompt: 'Once', max_tokens: 1500, stream: false })
      const failure = failureOf(open)
      await own.dispose()
      await own.dispose()
      expect(await failure).toMatchObject({ name: 'AbortError' })
      expect(await failureOf(own.completions.create({ prompt: 'Once' }))).toMatchObject({ name: 'AbortError' })
    })
  })
}
