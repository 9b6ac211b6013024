/** A call for text as the worker performs it: prompt and settings from the request and the manifest, events to the page. */
import type { TokenCount } from './api.ts'
import { EngineError } from './errors.ts'
import { dropOldest, type Fit } from './fitting.ts'
import { type Generation, generate } from './generate.ts'
import type { LoadedModel } from './load.ts'
import type { Manifest } from './manifest.ts'
import { scores } from './proofread/score.ts'
import type {
  CountArgs,
  GenerateArgs,
  GenerateEvent,
  GenerateResult,
  PlainPrompt,
  Sampling,
  ScoreArgs,
} from './protocol.ts'
import { cannotWrite } from './read.ts'
import type { SamplerSettings } from './sampler.ts'
import { plainPrompt } from './task-prompt.ts'
import type { TextCodec } from './tokenizer.ts'
import { wrong } from './wrong.ts'

export interface Job {
  args: GenerateArgs
  report: (event: GenerateEvent) => void
  signal: AbortSignal
  giveWay: Generation['giveWay']
}

/** @throws EngineError 'unsupported' for a model that only reads, 'bad-request' for a prompt that does not fit */
export async function produce(
  { manifest, codec, context }: LoadedModel,
  { args, report, signal, giveWay }: Job,
): Promise<GenerateResult> {
  if (!context) throw cannotWrite(manifest)
  const { sampling } = args
  const foreign = args.resume.find(token => token >= manifest.vocab_size)
  if (foreign !== undefined) throw wrong('prefix_tokens', `ids below ${manifest.vocab_size}`, foreign)
  const maxTokens = sampling.max_tokens ?? manifest.generation.max_tokens
  const contextLength = context.backend.contextLength
  const prompt = plainPrompt(args.prompt, { manifest, codec })
  const fit =
    args.contextPolicy === 'drop-oldest' ? fitted(codec, prompt, { contextLength, maxTokens }) : whole(codec, prompt)
  report({ kind: 'start', prompt: fit.tokens, droppedMessages: fit.droppedMessages })
  const draft = args.speculation?.draft
  const endOfTurn = new Set(manifest.special_tokens.eos)
  const steps = generate(context, {
    prompt: fit.tokens,
    sampler: samplerSettings(sampling, manifest),
    maxTokens,
    endOfTurn,
    stops: args.stop,
    decoder: codec.decoder(),
    spell: codec.spell,
    constraint: args.constraint && codec.constraints(context.backend.vocabularySize).open(args.constraint, endOfTurn),
    topLogprobs: args.topLogprobs,
    speculation: args.speculation && { draft: draft ? codec.encodeContinuation(draft) : [] },
    resume: args.resume,
    giveWay,
    signal,
  })
  try {
    for (;;) {
      const step = await steps.next()
      if (!step.done) report(step.value)
      else {
        const stats = { ...step.value, droppedMessages: fit.droppedMessages, recoveries: 0 }
        return { stats, finishReason: finishReason(stats.stopReason) }
      }
    }
  } catch (error) {
    const isRefusal = error instanceof EngineError && (error.code === 'bad-request' || error.code === 'unsupported')
    if (!isRefusal) context.forget()
    throw error
  }
}

/** What a prompt comes to. Runs no model. @throws EngineError like `produce` */
export function countTokens({ manifest, codec, context }: LoadedModel, args: CountArgs): TokenCount {
  if (!context) throw cannotWrite(manifest)
  const { backend } = context
  const { contextLength } = backend
  if (args.constraint)
    codec.constraints(backend.vocabularySize).open(args.constraint, new Set(manifest.special_tokens.eos))
  const prompt = plainPrompt(args.prompt, { manifest, codec })
  const { length: tokens } = whole(codec, prompt).tokens
  const maxTokens = args.maxTokens ?? manifest.generation.max_tokens
  const fit = fitted(codec, prompt, { contextLength, maxTokens })
  const left = fit.tokens.length
  return {
    tokens,
    contextLength,
    room: backend.room(tokens),
    dropped: { messages: fit.droppedMessages, tokens: tokens - left, room: backend.room(left) },
  }
}

/** Log probabilities of answers. @throws EngineError 'unsupported' for a model that only reads */
export async function score(
  { manifest, codec, context }: LoadedModel,
  { args, signal, giveWay }: Omit<Job, 'args' | 'report'> & { args: ScoreArgs },
): Promise<number[]> {
  if (!context) throw cannotWrite(manifest)
  const prompt = encode(codec, plainPrompt(args.prompt, { manifest, codec }))
  const continuations = args.continuations.map(text => codec.encodeContinuation(text))
  try {
    const endOfTurn = args.withEnd ? manifest.special_tokens.eos : []
    return await scores(context, { prompt, continuations, endOfTurn, differences: args.differences, giveWay, signal })
  } catch (error) {
    context.forget()
    throw error
  }
}

function whole(codec: TextCodec, prompt: PlainPrompt): Fit {
  return { tokens: encode(codec, prompt), droppedMessages: 0 }
}

function fitted(codec: TextCodec, prompt: PlainPrompt, room: { contextLength: number; maxTokens: number }): Fit {
  if (prompt.kind !== 'chat') return whole(codec, prompt)
  return dropOldest(prompt.messages, {
    ...room,
    encode: messages => encode(codec, { ...prompt, messages: [...messages] }),
  })
}

function encode(codec: TextCodec, prompt: PlainPrompt): number[] {
  if (prompt.kind === 'tokens') return prompt.tokens
  return prompt.kind === 'chat' ? codec.encodeChat(prompt.messages, prompt) : codec.encodePrompt(prompt.text)
}

function samplerSettings(sampling: Sampling, { generation, vocab_size }: Manifest): SamplerSettings {
  const bias = Object.entries(sampling.logit_bias ?? {}).map(([token, value]) => [Number(token), value] as const)
  return {
    temperature: sampling.temperature ?? generation.temperature,
    topP: sampling.top_p ?? generation.top_p,
    topK: sampling.top_k ?? generation.top_k,
    minP: sampling.min_p ?? 0,
    repetitionPenalty: sampling.repetition_penalty ?? generation.repetition_penalty,
    presencePenalty: sampling.presence_penalty ?? 0,
    frequencyPenalty: sampling.frequency_penalty ?? 0,
    logitBias: new Map(bias.filter(([token]) => token < vocab_size)),
    seed: sampling.seed ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
  }
}

function finishReason(reason: GenerateResult['stats']['stopReason']): GenerateResult['finishReason'] {
  return reason === 'max-tokens' || reason === 'context-full' ? 'length' : 'stop'
}
