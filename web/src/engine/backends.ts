/** Which code computes which kind of model: sessions of a variant's graphs and the backend over them. */
import { EncoderBackend } from './backend-encoder.ts'
import { MergedBackend } from './backend-merged.ts'
import { OrtBackend } from './backend-ort.ts'
import { PlainBackend } from './backend-plain.ts'
import { Seq2SeqBackend } from './backend-seq2seq.ts'
import { Context } from './context.ts'
import type { Files } from './download.ts'
import { EngineError } from './errors.ts'
import { FOREIGN } from './foreign.ts'
import { checkKvInputs } from './kv.ts'
import type { Manifest, Variant } from './manifest.ts'
import type { Runtime } from './session.ts'

/** A model that writes has a `context`, one that reads an `encoder`. */
export type Computing = { context: Context; encoder: null } | { context: null; encoder: EncoderBackend }

export interface BackendParts {
  manifest: Manifest
  variant: Variant
  files: Files
  name: string
  device: GPUDevice | null
  /** Whether decoding may play recorded runs. */
  capture: boolean
}

/**
 * @throws EngineError 'bad-manifest' where the graphs are not those that the manifest describes, 'out-of-memory' where the
 * GPU has no room for them: it says so on the side, while what was asked for goes on with buffers that are none
 */
export async function makeBackend(runtime: Runtime, parts: BackendParts): Promise<Computing> {
  const { device } = parts
  device?.pushErrorScope('out-of-memory')
  const [made] = await Promise.allSettled([backendOf(runtime, parts)])
  const full = await device?.popErrorScope().catch(() => null) // of a lost device: its loss is reported elsewhere
  if (full) {
    const facts = { variant: parts.variant.name, said: full.message }
    throw new EngineError('out-of-memory', { kind: 'no-gpu-memory', ...facts })
  }
  if (made.status === 'rejected') throw made.reason
  return made.value
}

async function backendOf(runtime: Runtime, parts: BackendParts): Promise<Computing> {
  switch (parts.manifest.architecture) {
    case 'decoder':
      return { context: new Context(await decoder(runtime, parts)), encoder: null }
    case 'encoder-decoder':
      return { context: new Context(await seq2seq(runtime, parts)), encoder: null }
    case 'encoder':
      return { context: null, encoder: await encoder(runtime, parts) }
  }
}

async function decoder(runtime: Runtime, parts: BackendParts) {
  const { manifest, variant, files, name, device } = parts
  // Only our own graphs are made for capture: all of their nodes are on the GPU.
  const capture = parts.capture && manifest.kv !== null
  const session = await runtime.create(await files.session(variant.graph), capture)
  const { vocab_size: vocabularySize, context_length: contextLength } = manifest
  // As others export them: only our exporter's graphs are told lengths instead of a mask.
  if (!session.inputNames.includes('seqlens_k')) {
    return new PlainBackend({ name, session, device, vocabularySize, contextLength })
  }
  const { layers, heads, head_dim: headDim } = required(manifest.kv, 'kv')
  checkKvInputs(session.inputNames, layers)
  const backend = new OrtBackend({
    name,
    session,
    device,
    kv: { layers, heads, headDim, type: variant.kv_dtype },
    vocabularySize,
    contextLength,
  })
  await backend.selectOnGpu(manifest.reference.prompt_tokens[0] ?? 0)
  await backend.captureDecoding(manifest.reference.prompt_tokens)
  return backend
}

async function merged(runtime: Runtime, { manifest, variant, files, name }: BackendParts) {
  const { start, max_tokens: maxAnswerTokens } = required(manifest.decoder, 'decoder')
  const { vocab_size: vocabularySize, context_length: contextLength } = manifest
  const decoder = await runtime.create(await files.session(variant.graph))
  const encoder = await runtime.create(await files.session(required(variant.encoder_graph, 'encoder_graph')))
  return new MergedBackend({ name, encoder, decoder, start, vocabularySize, contextLength, maxAnswerTokens })
}

async function seq2seq(runtime: Runtime, parts: BackendParts) {
  const { manifest, variant, files, name } = parts
  if (manifest.source.kind === FOREIGN) return merged(runtime, parts)
  const { layers, heads, head_dim: headDim } = required(manifest.kv, 'kv')
  const { start, max_tokens, embedding_width } = required(manifest.decoder, 'decoder')
  const open = async (graph: string | null, field: string) =>
    runtime.create(await files.session(required(graph, field)))
  const session = await open(variant.graph, 'graph')
  checkKvInputs(session.inputNames, layers)
  return new Seq2SeqBackend({
    name,
    decoder: session,
    encoder: await open(variant.encoder_graph, 'encoder_graph'),
    embedding: await open(variant.embedding_graph, 'embedding_graph'),
    kv: { layers, heads, headDim },
    start,
    embeddingWidth: embedding_width,
    vocabularySize: manifest.vocab_size,
    contextLength: manifest.context_length,
    maxAnswerTokens: max_tokens,
  })
}

async function encoder(runtime: Runtime, { manifest, variant, files, name }: BackendParts) {
  const session = await runtime.create(await files.session(variant.graph))
  return new EncoderBackend(name, session, required(manifest.encoder, 'encoder'))
}

/** What `parseManifest` has made sure of. */
function required<T>(value: T | null, field: string): T {
  if (value === null) throw new EngineError('bad-manifest', { kind: 'missing-field', field })
  return value
}
