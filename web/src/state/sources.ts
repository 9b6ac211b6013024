/** Which parts of attached texts an answer is given: all where they fit, else the passages that matter most. */
import type { Engine } from '../engine/api.ts'
import { breather } from '../tasks/grammar/breather.ts'
import { chosen, type Passage, passagesIn, rankByMeaning, rankByWords, type Sources } from '../tasks/sources.ts'
import type { Attachment } from './chats/types.ts'
import { engines } from './engines.ts'
import { fetchModels, type ModelSummary, modelList } from './models.ts'

/** Of what the model reads: the part that passages may fill. The rest is for the conversation and the answer. */
const SHARE_FOR_PASSAGES = 0.4
/** Attached texts as a whole, before anything else is read in their place. */
const SHARE_FOR_WHOLE = 0.6
const CHARACTERS_PER_TOKEN = 3.5
const BATCH = 16
/** Passages that a model for embeddings reads, some of them a second: of more, those that share most words with the question. */
const MOST_BY_MEANING = 500

/** Vectors by model and passage: each is read once, however many questions follow. */
const vectors = new Map<string, Float32Array>()

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
  const pause = breather()
  const breathe = () => {
    signal.throwIfAborted()
    return pause()
  }
  const parts: Passage[][] = []
  for (const { id, text } of attachments) parts.push(await passagesIn(text, id, breathe))
  const passages = parts.flat()
  const room = contextLength * SHARE_FOR_PASSAGES * CHARACTERS_PER_TOKEN
  const byWords = await rankByWords(passages, question, breathe)
  const near = best(passages, byWords, MOST_BY_MEANING)
  const byMeaning = await meaning(near, question, signal)
  if (byMeaning) return { by: 'meaning', passages: chosen(near, byMeaning, room) }
  return { by: 'words', passages: chosen(passages, byWords, room) }
}

/** Those of the highest scores, in the order of their texts. */
function best(passages: readonly Passage[], scores: readonly number[], most: number): readonly Passage[] {
  if (passages.length <= most) return passages
  const order = passages.map((_, index) => index).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0))
  const taken = new Set(order.slice(0, most))
  return passages.filter((_, index) => taken.has(index))
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
  const keyOf = ({ attachment, start }: Passage) => `${engine.info.bundle.id} ${attachment} ${start}`
  const unread = passages.filter(passage => !vectors.has(keyOf(passage)))
  for (let at = 0; at < unread.length; at += BATCH) {
    const batch = unread.slice(at, at + BATCH)
    const found = await engine.embed(
      batch.map(({ text }) => text),
      { signal },
    )
    batch.forEach((passage, index) => {
      vectors.set(keyOf(passage), found.vectors[index] ?? new Float32Array())
    })
  }
  return passages.map(passage => vectors.get(keyOf(passage)) ?? new Float32Array())
}
