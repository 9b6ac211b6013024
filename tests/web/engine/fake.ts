/**
 * A scripted engine: the real API over words instead of a model. Takes its time only where a test opens the gate, so
 * nothing sleeps. Passes the same suite as the real engine (suite.ts).
 */
import type { CompleteResult, Engine, EngineInfo, Stats } from '../../../web/src/engine/api.ts'
import { EngineError } from '../../../web/src/engine/errors.ts'
import { aborted } from '../../../web/src/engine/link.ts'
import { createApi, type Following, type TextRun } from '../../../web/src/engine/openai.ts'
import type { CompleteArgs, GenerateArgs, GenerateResult, Prompt, TextEvent } from '../../../web/src/engine/protocol.ts'
import { randomNumbers } from '../../../web/src/engine/random.ts'
import { createStopMatcher } from '../../../web/src/engine/stop.ts'

export interface Script {
  /** The words of the answer to a prompt; without it, words drawn by the seed. */
  answer?: (prompt: string) => readonly string[]
  /** Awaited before each word: lets a test decide when an answer goes on. */
  beforeWord?: (index: number) => Promise<void>
  info?: Partial<EngineInfo>
  /** Log probability of an answer; without it 10 for the script's answer, 0 for any other. */
  score?: (continuation: string) => number
  /** How a text goes on; without it, the first words of the answer to it. */
  complete?: (args: CompleteArgs, signal: AbortSignal | undefined) => Promise<Partial<CompleteResult>>
}

const VOCABULARY = 'one two three four five six seven eight nine ten'.split(' ').map(word => ` ${word}`)
const ENDLESS = 100_000

const FAKE_INFO: EngineInfo = {
  bundle: { id: 'fake', name: 'Fake', description: '', licence: 'Apache-2.0', family: 'fake', parameters: 1 },
  architecture: 'decoder',
  encoderTask: null,
  prefixes: [],
  variant: 'fake',
  device: 'cpu',
  backend: 'fake',
  adapter: null,
  threads: 1,
  contextLength: 2048,
  work: null,
  toolFormat: null,
  defaults: { temperature: 0.7, top_p: 0.9, top_k: 0, repetition_penalty: 1, max_tokens: 64 },
  proofreading: { trained: true, threshold: 2, margins: {} },
  downloadBytes: 1,
  loadMs: 1,
  selfTest: { passed: true, maxLogitError: 0, allowedLogitError: 1, ms: 1 },
  fallbacks: [],
}

export function fakeEngine(script: Script = {}): Engine {
  const info = { ...FAKE_INFO, ...script.info }
  let tail: Promise<unknown> = Promise.resolve()
  let disposed = false
  const disposal = new AbortController()

  function source(args: GenerateArgs, { signal }: Following): TextRun {
    const left = new AbortController()
    const stopped = AbortSignal.any([left.signal, disposal.signal, ...(signal ? [signal] : [])])
    const queue = textQueue(() => left.abort())
    const job = tail.then(() => produce(args, stopped, queue.push))
    const result = disposed || signal?.aborted ? Promise.reject(aborted(signal?.reason)) : job
    tail = job.catch(() => {})
    result.then(queue.end, queue.end)
    return { events: queue.events, result }
  }

  async function produce(
    args: GenerateArgs,
    signal: AbortSignal,
    push: (text: string) => void,
  ): Promise<GenerateResult> {
    const prompt = promptText(args.prompt)
    const words = script.answer?.(prompt) ?? drawn(args.sampling.seed ?? Math.random() * 2 ** 32)
    const most = args.sampling.max_tokens ?? info.defaults.max_tokens
    const matcher = createStopMatcher(args.stop)
    const started = performance.now()
    let stopReason: Stats['stopReason'] = 'end-of-turn'
    let count = 0
    for (const word of words) {
      await (script.beforeWord?.(count) ?? new Promise(resolve => setTimeout(resolve)))
      if (disposal.signal.aborted) throw aborted()
      if (signal.aborted) stopReason = 'cancelled'
      else if (count >= most) stopReason = 'max-tokens'
      if (stopReason !== 'end-of-turn') break
      count++
      const { text, stopped } = matcher.push(word)
      if (text) push(text)
      if (stopped) {
        stopReason = 'stop-string'
        break
      }
    }
    const rest = matcher.flush()
    if (rest && stopReason !== 'cancelled') push(rest)
    const ms = performance.now() - started
    const stats: Stats = {
      promptTokens: prompt.split(/\s+/).length,
      cachedTokens: 0,
      outputTokens: count,
      timeToFirstTokenMs: ms,
      prefillMs: ms,
      decodeMs: ms,
      tokensPerSecond: count > 1 ? (count / Math.max(ms, 1)) * 1000 : 0,
      stopReason,
      ...{ droppedMessages: 0, draftedTokens: 0, acceptedTokens: 0, recoveries: 0 },
    }
    return { stats, finishReason: stopReason === 'max-tokens' ? 'length' : 'stop' }
  }

  return createApi({
    info,
    source,
    read: name => Promise.reject(new EngineError('unsupported', `The fake model cannot ${name}.`)),
    complete: async (args, signal) => {
      if (disposed || signal?.aborted) throw aborted(signal?.reason)
      const words = script.answer?.(args.before) ?? VOCABULARY
      const text = words.slice(0, args.maxWords === 'sentence' ? words.length : args.maxWords).join('')
      return { ...completionOf(text), ...(await script.complete?.(args, signal)) }
    },
    score: async ({ prompt, continuations }, signal) => {
      if (disposed || signal?.aborted) throw aborted(signal?.reason)
      const answer = (script.answer?.(promptText(prompt)) ?? []).join('').trim()
      return continuations.map(text => script.score?.(text) ?? (text === answer ? 10 : 0))
    },
    count: async ({ prompt }) => {
      const tokens = promptText(prompt).split(/\s+/).length
      const room = Math.max(0, info.contextLength - tokens)
      return { tokens, contextLength: info.contextLength, room, dropped: { messages: 0, tokens: 0, room } }
    },
    async dispose() {
      disposed = true
      disposal.abort()
    },
  })
}

function completionOf(text: string): CompleteResult {
  const stats = { promptTokens: 1, cachedTokens: 0, outputTokens: 1, runs: 1, prefillMs: 1, totalMs: 1 }
  return { text, confidence: 0.9, probability: 0.9, tokens: [], alternatives: [], lettersTyped: 0, withheld: '', stats }
}

function promptText(prompt: Prompt): string {
  if (prompt.kind === 'task') return prompt.text
  if (prompt.kind === 'tokens') return prompt.tokens.join(' ')
  return prompt.kind === 'chat' ? (prompt.messages.at(-1)?.content ?? '') : prompt.text
}

function* drawn(seed: number): Generator<string> {
  const random = randomNumbers(seed)
  for (let count = 0; count < ENDLESS; count++) yield VOCABULARY[Math.floor(random() * VOCABULARY.length)] ?? ''
}

function textQueue(onLeave: () => void) {
  const waiting: TextEvent[] = []
  let open = true
  let wake = () => {}
  async function* events(): AsyncGenerator<TextEvent> {
    try {
      while (open || waiting.length > 0) {
        const next = waiting.shift()
        if (next !== undefined) yield next
        else {
          await new Promise<void>(resolve => {
            wake = resolve
          })
        }
      }
    } finally {
      if (open) onLeave()
    }
  }
  return {
    events: events(),
    push: (text: string) => {
      waiting.push({ kind: 'text', text, tokens: [], infos: [] })
      wake()
    },
    end: () => {
      open = false
      wake()
    },
  }
}
