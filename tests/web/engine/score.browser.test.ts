/** engine.score against the log probabilities that writing reports: the same model, the same numbers. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Engine } from '../../../web/src/engine/api.ts'
import { createEngine } from '../../../web/src/engine/client.ts'
import { OPTIONS } from './loop.ts'
import { failureOf } from './suite.ts'

let engine: Engine
beforeAll(async () => {
  engine = await createEngine(OPTIONS)
})
afterAll(() => engine?.dispose())

test('a continuation’s score is the sum of its tokens’ log probabilities as writing them reports', async () => {
  const prompt = 'Alice was beginning to get very'
  const written = await engine.completions.create({ prompt, temperature: 0, max_tokens: 6, logprobs: 1, stream: false })
  const { text, logprobs } = written.choices[0]
  const sum = (logprobs?.token_logprobs ?? []).reduce((total: number, log) => total + (log ?? 0), 0)
  expect(logprobs?.token_logprobs.length).toBeGreaterThan(2)
  const [score = 0, longer = 0] = await engine.score({ prompt, continuations: [text, `${text} and more`] })
  expect(score).toBeCloseTo(sum, 3)
  expect(longer).toBeLessThan(score) // more tokens are never likelier than their beginning
  expect((await engine.score({ prompt, continuations: [text] }))[0]).toBeCloseTo(score, 5)
})

test('in a conversation the end of the turn counts, unless it is left out', async () => {
  const prompt = [{ role: 'user', content: 'Who are you?' }] as const
  const [whole = 0] = await engine.score({ prompt, continuations: ['A rabbit'] })
  const [open = 0] = await engine.score({ prompt, continuations: ['A rabbit'], withEnd: false })
  expect(whole).toBeLessThan(open)
})

test('wrong requests are refused by name, and a signal ends it', async () => {
  expect(await failureOf(engine.score({ prompt: 'x', continuations: [] }))).toMatchObject({ code: 'bad-request' })
  expect(await failureOf(engine.score({ prompt: 'x', continuations: [''] }))).toMatchObject({ code: 'bad-request' })
  const signal = AbortSignal.abort()
  expect(await failureOf(engine.score({ prompt: 'x', continuations: ['y'], signal }))).toMatchObject({
    name: 'AbortError',
  })
})
