/** Which parts of attached texts an answer is given: all where they fit, else the passages that matter most. */
import type { Engine } from '../engine/api.ts'
import { chosen, type Passage, passagesOf, rankByMeaning, rankByWords, type Sources } from '../tasks/sources.ts'
import type { Attachment } from './chats/types.ts'
import { engines } from './engines.ts'
import { fetchModels, type ModelSummary, modelList } from './models.ts'

/** Of what the model reads: the part that passages may fill. The rest is for the conversation and the answer. */
const SHARE_FOR_PASSAGES = 0.4
/** Attached texts as a whole, before anything else is read in their place. */
const SHARE_FOR_WHOLE = 0.6
const CHARACTERS_PER_TOKEN = 3.5
const BATCH = 16

/** Vectors of passages by model and attachment: a text is read once, however many questions follow. */
const vectors = new Map<string, Float32Array[]>()

/**
 * @returns null where the texts are given as a whole
 * @throws an AbortError; where the model for embeddings fails, words decide
 */
export async function sourcesFor(
  engine: Pick<Engine, 'countTokens' | 'info'>,
  { attachments, question, signal }: { attachments: readonly Attachment[]; question: string; signal: AbortSignal },
): Promise<Sources | null> {
  if (attachments.length === 0) return null
  const { contextLength } = engine.info
  const characters = attachments.reduce((sum, { text }) => sum + text.length, 0)
  const surelyTooLong = characters > contextLength * 8
  if (!surelyTooLong) {
    const { tokens } = await engine.countTokens(attachments.map(({ text }) => text).join('\n\n'))
    if (tokens <= contextLength * SHARE_FOR_WHOLE) return null
  }
  const passages = attachments.flatMap(({ id, text }) => passagesOf(text, id))
  const room = contextLength * SHARE_FOR_PASSAGES * CHARACTERS_PER_TOKEN
  const byMeaning = await meaning(passages, question, signal)
  const scores = byMeaning ?? rankByWords(passages, question)
  return { by: byMeaning ? 'meaning' : 'words', passages: chosen(passages, scores, room) }
}

async function meaning(passages: readonly Passage[], question: string, signal: AbortSignal): Promise<number[] | null> {
  const model = embeddingModel() ?? (await newEmbeddingModel())
  if (!model) return null
  try {
    const engine = await engines.acquire({ bundle: model.url, device: 'cpu' }, { signal })
    try {
      const found = await vectorsOf(engine, passages, signal)
      const { vectors: asked } = await engine.embed([question], { signal })
      return rankByMeaning(found, asked[0] ?? new Float32Array())
    } finally {
      engines.release(engine)
    }
  } catch (error) {
    signal.throwIfAborted()
    console.warn('Passages are chosen by words: the model for embeddings failed.', error)
    return null
  }
}

function embeddingModel(): ModelSummary | undefined {
  return modelList.value?.models.find(({ tasks = [] }) => tasks.includes('embeddings'))
}

/** `make run` makes one beside the server: it may have come since the list was read. */
async function newEmbeddingModel(): Promise<ModelSummary | undefined> {
  await fetchModels().catch(() => {}) // without a server there is none: words decide
  return embeddingModel()
}

/** The vector of each passage. @throws an AbortError */
export async function vectorsOf(
  engine: Pick<Engine, 'embed' | 'info'>,
  passages: readonly Passage[],
  signal: AbortSignal,
): Promise<Float32Array[]> {
  const keyOf = (attachment: string) => `${engine.info.bundle.id} ${attachment}`
  for (const id of new Set(passages.map(({ attachment }) => attachment))) {
    if (vectors.has(keyOf(id))) continue
    const own = passages.filter(({ attachment }) => attachment === id).map(({ text }) => text)
    const found: Float32Array[] = []
    for (let at = 0; at < own.length; at += BATCH) {
      found.push(...(await engine.embed(own.slice(at, at + BATCH), { signal })).vectors)
    }
    vectors.set(keyOf(id), found)
  }
  const seen = new Map<string, number>()
  return passages.map(({ attachment }) => {
    const at = seen.get(attachment) ?? 0
    seen.set(attachment, at + 1)
    return vectors.get(keyOf(attachment))?.[at] ?? new Float32Array()
  })
}
