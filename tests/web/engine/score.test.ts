/** Log probabilities of several answers: exact, whatever they have in common, and computed once. */
import { expect, test } from 'vitest'
import { Context } from '../../../web/src/engine/context.ts'
import { generate } from '../../../web/src/engine/generate.ts'
import { scores } from '../../../web/src/engine/proofread/score.ts'
import { randomNumbers } from '../../../web/src/engine/random.ts'
import { hashBackend, logProbability } from './hash-backend.ts'

const SIZE = 64
const END = 2
const ENDS = [END, 1]
const NEVER = new AbortController().signal
const alone = { giveWay: async () => false, signal: NEVER }

/** Token by token, nothing reused. */
function naive(prompt: readonly number[], continuation: readonly number[], ends: readonly number[]): number {
  const all = [...prompt]
  let sum = 0
  for (const token of continuation) {
    sum += logProbability(all, token, SIZE)
    all.push(token)
  }
  return sum + Math.log(ends.reduce((mass, end) => mass + Math.exp(logProbability(all, end, SIZE)), 0))
}

function commonLength(lists: readonly (readonly number[])[]): number {
  const [first = []] = lists
  let length = 0
  while (lists.every(list => length < list.length && list[length] === first[length])) length++
  return length
}

test('sums, and differences, are those of every answer alone (300 random sets)', async () => {
  const random = randomNumbers(5)
  const drawn = (count: number) => Array.from({ length: count }, () => 3 + Math.floor(random() * 60))
  const context = new Context(hashBackend(SIZE))
  for (let round = 0; round < 300; round++) {
    const prompt = drawn(1 + Math.floor(random() * 40))
    const base = drawn(Math.floor(random() * 50))
    const continuations = Array.from({ length: 1 + Math.floor(random() * 5) }, () => {
      const cut = Math.floor(random() * (base.length + 1))
      return [...base.slice(0, cut), ...drawn(Math.floor(random() * 3)), ...base.slice(cut + Math.floor(random() * 2))]
    })
    const differences = random() < 0.7
    const found = await scores(context, { prompt, continuations, endOfTurn: [END, 1], ...alone, differences })
    const shared = differences ? commonLength(continuations) : 0
    const before = continuations.length > 0 ? naiveShared(prompt, continuations[0]?.slice(0, shared) ?? []) : 0
    for (const [index, continuation] of continuations.entries())
      expect(found[index]).toBeCloseTo(naive(prompt, continuation, [END, 1]) - before, 3)
  }
})

function naiveShared(prompt: readonly number[], shared: readonly number[]): number {
  return shared.reduce((sum, token, at) => sum + logProbability([...prompt, ...shared.slice(0, at)], token, SIZE), 0)
}

test('what answers have in common is computed once, and what lies in the cache not at all', async () => {
  const backend = hashBackend(SIZE)
  const context = new Context(backend)
  const prompt = Array.from({ length: 100 }, (_, index) => 3 + (index % 50))
  const sentence = Array.from({ length: 40 }, (_, index) => 5 + ((index * 7) % 50))
  const other = (at: number) => sentence.map((token, index) => (index === at ? 4 : token))
  await context.prefill(prompt, false)
  const before = backend.computed
  await scores(context, {
    prompt,
    continuations: [sentence, other(30), other(35)],
    endOfTurn: [END],
    differences: true,
    ...alone,
  })
  // 40 tokens, then 10 and 5 from where they differ, and one more each for the row that the first different token comes from.
  expect(backend.computed - before).toBeLessThanOrEqual(40 + 11 + 6 + 1)
})

/** The greedy answer, without the token that ends it; null where the limit does. */
async function written(context: Context, prompt: readonly number[], draft: readonly number[] | null) {
  const tokens: number[] = []
  const steps = generate(context, {
    ...{ prompt, maxTokens: 40, endOfTurn: new Set(ENDS), stops: [], resume: [], ...alone },
    sampler: {
      ...{ temperature: 0, topP: 1, topK: 0, minP: 0, seed: 1 },
      ...{ repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0, logitBias: new Map<number, number>() },
    },
    ...{ decoder: { push: () => 'a' }, spell: () => ({ text: '', bytes: [] }), constraint: null, topLogprobs: null },
    speculation: draft && { draft },
  })
  for (;;) {
    const { done, value } = await steps.next()
    if (done) return value.stopReason === 'end-of-turn' ? tokens : null
    if (value.kind === 'text') tokens.push(...value.tokens)
  }
}

test('what writing an answer has told of it and of its draft is not computed again (100 random drafts)', async () => {
  const random = randomNumbers(7)
  const below = (count: number) => Math.floor(random() * count)
  const backend = hashBackend(SIZE)
  const context = new Context(backend)
  const free = { asked: 0, given: 0 }
  for (let round = 0; round < 100; round++) {
    const prompt = Array.from({ length: 1 + below(30) }, () => 3 + below(60))
    const answer = await written(context, prompt, null)
    if (!answer || answer.length < 3) continue
    const changes = Array.from({ length: below(4) }, () => 1 + below(answer.length - 1))
    const changed = (places: readonly number[]) =>
      answer.map((token, at) => (places.includes(at) ? 3 + ((token + 7) % 60) : token))
    const draft = changed(changes)
    expect(await written(context, prompt, draft)).toEqual(answer)
    const before = backend.computed
    const scoring = { prompt, endOfTurn: ENDS, differences: false, ...alone }
    const continuations = [answer, draft, ...changes.map((_, left) => changed(changes.filter((__, at) => at !== left)))]
    const [own, copy] = await scores(context, { ...scoring, continuations: continuations.slice(0, 2) })
    expect(own).toBeCloseTo(naive(prompt, answer, ENDS), 3)
    expect(copy).toBeCloseTo(naive(prompt, draft, ENDS), 3)
    free.asked++
    if (backend.computed === before) free.given++
    for (const [index, score] of (await scores(context, { ...scoring, continuations })).entries())
      expect(score).toBeCloseTo(naive(prompt, continuations[index] ?? [], ENDS), 3)
  }
  expect(free.asked).toBeGreaterThan(25)
  expect(free.given, 'drafts of up to 31 tokens are checked at once').toBeGreaterThan(0.8 * free.asked)
})

test('an abort ends it', async () => {
  const stop = new AbortController()
  const giveWay = async () => {
    stop.abort()
    return false
  }
  const scoring = {
    prompt: [1],
    continuations: [[3], [4]],
    endOfTurn: [END],
    differences: true,
    giveWay,
    signal: stop.signal,
  }
  await expect(scores(new Context(hashBackend(SIZE)), scoring)).rejects.toMatchObject({ name: 'AbortError' })
})
