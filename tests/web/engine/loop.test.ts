/** The parts of the loop that need no model: whose turn it is, what is copied, what is left out, what fits in memory. */
import { describe, expect, test } from 'vitest'
import type { ChatMessage } from '../../../web/src/engine/api.ts'
import type { Backend } from '../../../web/src/engine/backend.ts'
import { Context } from '../../../web/src/engine/context.ts'
import { Copier } from '../../../web/src/engine/copying.ts'
import { dropOldest } from '../../../web/src/engine/fitting.ts'
import { generate } from '../../../web/src/engine/generate.ts'
import { LogProbabilities } from '../../../web/src/engine/logprobs.ts'
import { MemoryBudget, type Tenant } from '../../../web/src/engine/memory.ts'
import { Scheduler } from '../../../web/src/engine/scheduler.ts'

/** A promise that the test resolves. */
function gate() {
  let open = () => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { opened, open }
}

const NEVER = new AbortController().signal
const settled = () => new Promise(resolve => setTimeout(resolve))

describe('an abort', () => {
  test('runs the model for no further token, however fast it is', async () => {
    let runs = 0
    const step = async () => {
      runs++
      return Float32Array.of(0, 1)
    }
    const backend: Backend = {
      ...{ name: 'counting', vocabularySize: 2, contextLength: 1000, continuesPrompt: true, chunkTokens: 128 },
      get length() {
        return runs
      },
      ...{ room: () => 999, prefill: step, decode: step, verify: async () => [], truncate: () => {} },
      dispose: async () => {},
    }
    const stop = new AbortController()
    const events = generate(new Context(backend), {
      ...{ prompt: [0], maxTokens: 500, endOfTurn: new Set<number>(), stops: [], signal: stop.signal },
      sampler: {
        ...{ temperature: 0, topP: 1, topK: 0, minP: 0, seed: 1 },
        ...{ repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0, logitBias: new Map<number, number>() },
      },
      ...{ decoder: { push: () => 'a' }, spell: () => ({ text: '', bytes: [] }), giveWay: async () => false },
      ...{ constraint: null, topLogprobs: null, resume: [], speculation: null },
    })
    for (let texts = 0; texts < 2; ) {
      const { done, value } = await events.next()
      if (done) throw new Error('The answer ended by itself.')
      if (value.kind === 'text') texts++
    }
    const before = runs
    stop.abort()
    expect(await events.next()).toMatchObject({ done: true, value: { stopReason: 'cancelled', outputTokens: 2 } })
    expect(runs).toBe(before)
  })
})

describe('scheduler', () => {
  test('interactive jobs go before background ones, each kind in order', async () => {
    const scheduler = new Scheduler()
    const first = gate()
    const order: string[] = []
    const job = (name: string, priority: 'interactive' | 'background') =>
      scheduler.run({ priority, signal: NEVER }, async () => {
        if (name === 'first') await first.opened
        order.push(name)
      })
    const jobs = [job('first', 'interactive'), job('b1', 'background'), job('i1', 'interactive')]
    jobs.push(job('b2', 'background'), job('i2', 'interactive'))
    first.open()
    await Promise.all(jobs)
    expect(order).toEqual(['first', 'i1', 'i2', 'b1', 'b2'])
  })

  test('a background job gives way and goes on afterwards, before others of its kind', async () => {
    const scheduler = new Scheduler()
    const order: string[] = []
    const started = gate()
    const goOn = gate()
    const background = scheduler.run({ priority: 'background', signal: NEVER }, async turn => {
      started.open()
      await goOn.opened
      order.push(`used: ${await turn.giveWay()}`, 'background', `used: ${await turn.giveWay()}`)
    })
    await started.opened
    const later = scheduler.run({ priority: 'background', signal: NEVER }, async () => order.push('later'))
    const interactive = scheduler.run({ priority: 'interactive', signal: NEVER }, async turn => {
      order.push('interactive', `gives way: ${await turn.giveWay()}`)
    })
    goOn.open()
    await Promise.all([background, later, interactive])
    expect(order).toEqual([...['interactive', 'gives way: false', 'used: true', 'background', 'used: false', 'later']])
  })

  test('a job that fails frees the model; one cancelled while it waits never starts, and at once', async () => {
    const scheduler = new Scheduler()
    const first = gate()
    const failing = scheduler.run({ priority: 'interactive', signal: NEVER }, async () => {
      await first.opened
      throw new Error('no luck')
    })
    const stop = new AbortController()
    let started = false
    const cancelled = scheduler.run({ priority: 'interactive', signal: stop.signal }, async () => (started = true))
    const third = scheduler.run({ priority: 'interactive', signal: NEVER }, async () => 'third')
    stop.abort()
    await expect(cancelled).rejects.toMatchObject({ name: 'AbortError' }) // though the first still runs
    first.open()
    await expect(failing).rejects.toThrow('no luck')
    expect(await third).toBe('third')
    expect(started).toBe(false)
  })

  test('a background job cancelled while it gave way returns without the model, which stays where it is', async () => {
    const scheduler = new Scheduler()
    const stop = new AbortController()
    const started = gate()
    const goOn = gate()
    const background = scheduler.run({ priority: 'background', signal: stop.signal }, async turn => {
      started.open()
      await goOn.opened
      return turn.giveWay()
    })
    await started.opened
    const running = gate()
    const interactive = scheduler.run({ priority: 'interactive', signal: NEVER }, async () => running.opened)
    goOn.open()
    await settled()
    stop.abort()
    expect(await background).toBe(true)
    let begun = false
    const next = scheduler.run({ priority: 'interactive', signal: NEVER }, async () => (begun = true))
    await settled()
    expect(begun).toBe(false) // the first interactive job still has it
    running.open()
    await Promise.all([interactive, next])
    expect(begun).toBe(true)
  })
})

describe('copying', () => {
  const text = [1, 2, 3, 4, 5, 6, 7, 8, 9]

  test('guesses what followed the last tokens before', () => {
    const copier = new Copier([], [...text, 20, 3, 4])
    expect(copier.guess(16)).toEqual([5, 6, 7, 8])
    expect(copier.guess(2)).toEqual([5, 6])
    copier.accept(99)
    expect(copier.guess(16)).toEqual([])
    for (const token of [6, 7]) copier.accept(token)
    expect(copier.guess(2)).toEqual([8, 9])
  })

  test('begins with the draft, and finds its way back after a change', () => {
    const copier = new Copier(text, [50, 51])
    expect(copier.guess(3)).toEqual([1, 2, 3])
    for (const token of [1, 2, 77]) copier.accept(token) // in the place of 3
    expect(copier.guess(3)).toEqual([4, 5, 6])
    copier.accept(88) // put in before 4
    copier.accept(4)
    expect(copier.guess(3)).toEqual([5, 6, 7])
    copier.accept(7) // 5 and 6 are left out
    expect(copier.guess(16), 'no further than the draft').toEqual([8, 9])
  })

  test('lets go of a draft that is another text, until something of it comes', () => {
    const copier = new Copier(text, [50, 51])
    for (const token of [91, 92, 93, 94, 95]) copier.accept(token)
    expect(copier.guess(16)).toEqual([])
    for (const token of [6, 7]) copier.accept(token)
    expect(copier.guess(16)).toEqual([8, 9])
  })

  test('guesses more after right guesses and less after wrong ones', () => {
    const copier = new Copier([], [...Array.from({ length: 100 }, (_, index) => index), 0, 1])
    expect(copier.guess(50).length).toBe(4)
    copier.learn(4, 4)
    expect(copier.guess(50).length).toBe(8)
    for (let round = 0; round < 5; round++) copier.learn(8, 8)
    expect(copier.guess(50).length).toBe(16)
    for (let round = 0; round < 9; round++) copier.learn(16, 0)
    expect(copier.guess(50).length).toBe(1)
  })
})

describe('a conversation that does not fit', () => {
  /** A token per character and four for each message, as a chat format adds some. */
  const encode = (messages: readonly ChatMessage[]) =>
    messages.flatMap(({ content }) => [0, 0, 0, 0, ...Array.from(content, letter => letter.codePointAt(0) ?? 0)])
  const turn = (index: number): ChatMessage[] => [
    { role: 'user', content: `question ${String(index).padStart(3)}` },
    { role: 'assistant', content: `answer ${String(index).padStart(3)}` },
  ]
  const system: ChatMessage = { role: 'system', content: 'Be kind.' }
  const conversation = (turns: number): ChatMessage[] => [
    system,
    ...Array.from({ length: turns }, (_, index) => turn(index)).flat(),
    { role: 'user', content: 'and now?' },
  ]
  const rules = { encode, contextLength: 400, maxTokens: 1000 }

  test('stays whole where it fits with a quarter of the context for the answer', () => {
    const messages = conversation(8)
    expect(encode(messages).length).toBeLessThanOrEqual(300)
    expect(dropOldest(messages, rules)).toEqual({ tokens: encode(messages), droppedMessages: 0 })
  })

  test('loses whole turns from the oldest on, never the system message nor the last turn', () => {
    for (let turns = 10; turns < 60; turns++) {
      const messages = conversation(turns)
      const { tokens, droppedMessages } = dropOldest(messages, rules)
      expect(droppedMessages % 2).toBe(0)
      expect(droppedMessages).toBeGreaterThan(0)
      expect(tokens).toEqual(encode([system, ...messages.slice(1 + droppedMessages)]))
      expect(tokens.length).toBeLessThanOrEqual(300)
      expect(tokens.length).toBeGreaterThan(300 - 100 - 40) // no more than a block and a turn too much
    }
  })

  test('the next turns mostly leave out the same ones, so that their prompt is in the cache', () => {
    const dropped = Array.from(
      { length: 40 },
      (_, index) => dropOldest(conversation(10 + index), rules).droppedMessages,
    )
    const changes = dropped.filter((count, index) => index > 0 && count !== dropped[index - 1]).length
    expect(changes).toBeGreaterThan(5)
    expect(changes).toBeLessThan(16)
  })

  test('a short answer leaves more room; a last turn that is too long stays as it is', () => {
    expect(dropOldest(conversation(11), { ...rules, maxTokens: 10 }).droppedMessages).toBe(0)
    const long = [system, ...turn(1), { role: 'user' as const, content: 'x'.repeat(500) }]
    const { tokens, droppedMessages } = dropOldest(long, rules)
    expect(droppedMessages).toBe(2)
    expect(tokens.length).toBeGreaterThan(400)
  })
})

describe('memory budget', () => {
  const tenant = (name: string, log: string[]): Tenant & { isBusy: boolean } => ({
    isBusy: false,
    loading: null,
    unload: () => log.push(name),
    dropSpare: () => log.push(`spare of ${name}`),
  })

  test('unloads what was used longest ago, and no more than needed', () => {
    const log: string[] = []
    const budget = new MemoryBudget(100)
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(name => tenant(name, log))
    if (!a || !b || !c || !d) throw new Error('four')
    budget.admit(a, 40)
    budget.admit(b, 40)
    budget.touch(a)
    budget.admit(c, 30)
    expect(log).toEqual(['b'])
    expect(budget.usedBytes).toBe(70)
    budget.admit(d, 90)
    expect(log).toEqual(['b', 'a', 'c'])
  })

  test('does not unload what is busy, nor anything where that would not be enough', () => {
    const log: string[] = []
    const budget = new MemoryBudget(100)
    const [a, b] = [tenant('a', log), tenant('b', log)]
    budget.admit(a, 60)
    budget.admit(b, 30)
    a.isBusy = true
    expect(() => budget.admit(tenant('c', log), 50)).toThrow(/needs about 1 MiB of memory and 1 MiB of the budget/)
    expect(log).toEqual([])
    expect(budget.usedBytes).toBe(90)
  })

  test('what is kept to be faster counts, and goes before any model does, that of a busy one not', () => {
    const log: string[] = []
    const budget = new MemoryBudget(100)
    const [a, b, c] = [tenant('a', log), tenant('b', log), tenant('c', log)]
    budget.admit(a, 30)
    budget.admit(b, 30)
    budget.keepSpare(a, 20)
    budget.keepSpare(b, 20)
    expect(budget.usedBytes).toBe(100)
    budget.admit(c, 15)
    expect(log).toEqual(['spare of a'])
    expect(budget.usedBytes).toBe(95)
    b.isBusy = true
    budget.keepSpare(c, 20)
    expect(log).toEqual(['spare of a', 'spare of c'])
    expect(budget.usedBytes).toBe(95)
    budget.leave(b)
    expect(budget.usedBytes).toBe(45)
    budget.keepSpare(b, 50) // it is no tenant any more
    expect(budget.usedBytes).toBe(45)
  })
})

describe('log probabilities', () => {
  const logits = Float32Array.from([1, 3, 3, -2, 0.5])
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0)
  const spell = (id: number) => ({ text: `t${id}`, bytes: [id] })

  test('are those of the plain softmax, the likeliest first, at equal ones the lower id', () => {
    const found = new LogProbabilities(3, spell, 5).of(logits, 4)
    expect(found?.logprob).toBeCloseTo(Math.log(Math.exp(0.5) / total), 6)
    expect(found?.top.map(({ id }) => id)).toEqual([1, 2, 0])
    expect(found?.top[0]).toMatchObject({ text: 't1', bytes: [1] })
    expect(found?.top[0]?.logprob).toBeCloseTo(Math.log(Math.exp(3) / total), 6)
    expect(new LogProbabilities(0, spell, 5).of(logits, 4)?.top).toEqual([])
    expect(new LogProbabilities(20, spell, 5).of(logits, 4)?.top.length).toBe(5)
  })

  test('come from candidates where these hold the token and the likeliest, else need all logits', () => {
    const ids = Int32Array.of(1, 2, 0)
    const step = { ids, logits: Float32Array.of(3, 3, 1), logSumExp: Math.log(total), floor: 0.5, perRow: 3 }
    const whole = new LogProbabilities(2, spell, 5).of(logits, 0)
    const partial = new LogProbabilities(2, spell, 5).of(step, 0)
    expect(partial?.top.map(({ id }) => id)).toEqual(whole?.top.map(({ id }) => id))
    expect(partial?.logprob).toBeCloseTo(whole?.logprob ?? 0, 6)
    expect(new LogProbabilities(2, spell, 5).of(step, 4)).toBeNull()
    expect(new LogProbabilities(4, spell, 5).of(step, 0)).toBeNull()
    const several = new LogProbabilities(0, spell, 5)
    expect([...several.logs(step, [0, 4]).keys()], 'of several what they hold').toEqual([0])
    expect(several.logs(logits, [0, 4]).get(4)).toBeCloseTo(Math.log(Math.exp(0.5) / total), 6)
    expect(several.logs(step, [0]).get(0)).toBeCloseTo(several.logs(logits, [0]).get(0) ?? 0, 6)
  })
})
