/** The calls of encoder models: vectors, labels, tags; and what to say where a model does something else. */
import type { Classification, Embeddings, EncoderTask, Tagging } from './api.ts'
import type { EncoderBackend } from './backend-encoder.ts'
import { EngineError } from './errors.ts'
import type { LoadedModel } from './load.ts'
import type { Manifest } from './manifest.ts'
import type { ReadingName, ToWorker } from './protocol.ts'
import { labelScores, pooled, spans } from './readings.ts'

type ReadingCall = Extract<ToWorker, { kind: 'call'; name: ReadingName }>

const TASK_OF = {
  embed: 'embeddings',
  classify: 'text-classification',
  tag: 'token-classification',
} as const satisfies Record<ReadingName, EncoderTask>

/** @throws EngineError 'unsupported' where the model does something else */
export async function readWith(
  model: LoadedModel,
  call: ReadingCall,
  signal: AbortSignal,
): Promise<Embeddings | Classification | Tagging> {
  const { manifest, codec, encoder } = model
  if (encoder?.encoder.task !== TASK_OF[call.name]) throw cannotRead(manifest, call.name)
  const most = encoder.encoder.max_tokens
  switch (call.name) {
    case 'embed':
      return embed(model.codec, { encoder, texts: call.args.texts, signal })
    case 'classify': {
      const { tokens, truncated } = codec.encodeText(call.args.text, most)
      return { labels: labelScores(await encoder.run(tokens), encoder.encoder), truncated }
    }
    case 'tag': {
      const { text } = call.args
      const { tokens, truncated, ...places } = codec.encodeWords(text, most)
      const { labels } = encoder.encoder
      return { entities: spans(text, places, { logits: await encoder.run(tokens), labels }), truncated }
    }
  }
}

async function embed(
  codec: LoadedModel['codec'],
  { encoder, texts, signal }: { encoder: EncoderBackend; texts: readonly string[]; signal: AbortSignal },
): Promise<Embeddings> {
  const result: Embeddings = { vectors: [], truncated: [], promptTokens: 0 }
  for (const text of texts) {
    await new Promise(resolve => setTimeout(resolve)) // lets a cancel in
    if (signal.aborted) break // the caller rejects
    const { tokens, truncated } = codec.encodeText(text, encoder.encoder.max_tokens)
    result.vectors.push(pooled(await encoder.run(tokens), encoder.encoder))
    result.truncated.push(truncated)
    result.promptTokens += tokens.length
  }
  return result
}

/** For a caller who wants text from a model that only reads. */
export function cannotWrite({ name, encoder }: Manifest): EngineError {
  return new EngineError('unsupported', { kind: 'reads-only', model: name, task: encoder?.task ?? null })
}

function cannotRead({ name, encoder }: Manifest, wanted: ReadingName): EngineError {
  return new EngineError('unsupported', { kind: 'cannot-read', model: name, wanted, task: encoder?.task ?? null })
}
