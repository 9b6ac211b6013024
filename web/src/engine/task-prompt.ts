/** What a model is asked for a task: the prompt that its bundle says it was trained with, or the usual one. */
import type { EngineInfo } from './api.ts'
import type { LoadedModel } from './load.ts'
import type { Manifest } from './manifest.ts'
import type { PlainPrompt, Prompt } from './protocol.ts'

type Asked = Pick<LoadedModel, 'manifest' | 'codec'>

/** For bundles that say nothing of the task. */
const USUAL = { decoder: 'Fix: {text}', seq2seq: 'grammar: {text}' }

export function plainPrompt(prompt: Prompt, model: Asked): PlainPrompt {
  if (prompt.kind !== 'task') return prompt
  const { manifest, codec } = model
  const trained = trainedPrompt(manifest, prompt.task)
  const usual = manifest.architecture === 'encoder-decoder' ? USUAL.seq2seq : USUAL.decoder
  const text = (trained?.user ?? usual).replace('{text}', () => prompt.text)
  if (!codec.chats)
    return { kind: 'text', text: manifest.architecture === 'encoder-decoder' || trained ? text : `${text}\n` }
  const system = trained?.system ? [{ role: 'system' as const, content: trained.system }] : []
  return { kind: 'chat', messages: [...system, { role: 'user', content: text }], tools: [], prefix: '' }
}

/** A prompt of the task's own, or the words that come before its texts. */
function trainedPrompt({ prompts: { tasks, prefixes } }: Manifest, task: string) {
  const own = tasks?.find(entry => entry.task === task)
  const before = prefixes?.find(entry => entry.task === task)
  return own ?? (before && { user: `${before.prefix}{text}`, system: null, least_gain: null, margins: null })
}

/** Nats of gain over the copy where nobody has tuned a model's own. */
const USUAL_GAIN = 2

export function proofreading(manifest: Manifest): EngineInfo['proofreading'] {
  const trained = trainedPrompt(manifest, 'grammar')
  const margins = Object.fromEntries((trained?.margins ?? []).map(({ type, nats }) => [type, nats]))
  return { trained: trained !== undefined, threshold: trained?.least_gain ?? USUAL_GAIN, margins }
}
