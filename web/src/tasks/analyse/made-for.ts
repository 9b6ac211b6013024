/** The same questions to models that were trained for them: classifiers, taggers, models that rewrite. Pure but for the engine passed in. */
import type { CompletionRequest, Engine, EngineInfo, Label } from '../../engine/api.ts'
import type { Kind } from './kinds.ts'
import { type Span, sentencesOf } from './sentences.ts'

/** What says of a model which kinds it was made for. */
export interface ModelFacts {
  architecture: EngineInfo['architecture']
  tasks?: string[]
}

export function isMadeFor(kind: Kind, { architecture, tasks = [] }: ModelFacts): boolean {
  if (kind === 'sentiment') return tasks.includes('text-classification')
  if (kind === 'names') return tasks.includes('token-classification')
  if (kind === 'summary' || kind === 'translation') return architecture === 'encoder-decoder'
  return false
}

export interface ClassedSentence extends Span {
  /** Best first, with the model's own names. */
  labels: Label[]
}

export interface Classes {
  sentences: ClassedSentence[]
  /** Of the whole text: its sentences' scores, weighted by their length; best first. */
  labels: Label[]
}

/** A tagged span, with the model's own name of its kind. */
export type Tagged = Span & Label

interface Watch {
  signal?: AbortSignal
  onProgress?: (done: number, all: number) => void
}

/** @throws as `Engine.classify` */
export async function classesOf(engine: Pick<Engine, 'classify'>, text: string, watch: Watch = {}): Promise<Classes> {
  const sentences = await bySentence(text, watch, async span => {
    const { labels } = await engine.classify(span.text, watch.signal ? { signal: watch.signal } : {})
    return { ...span, labels }
  })
  const length = sentences.reduce((sum, span) => sum + span.text.length, 0)
  const sums = new Map<string, number>()
  for (const { text: own, labels } of sentences) {
    for (const { label, score } of labels) sums.set(label, (sums.get(label) ?? 0) + (score * own.length) / length)
  }
  const labels = [...sums].map(([label, score]) => ({ label, score })).sort((a, b) => b.score - a.score)
  return { sentences, labels }
}

/** Places are those of the whole text. @throws as `Engine.tag` */
export async function taggedOf(engine: Pick<Engine, 'tag'>, text: string, watch: Watch = {}): Promise<Tagged[]> {
  const found = await bySentence(text, watch, async span => {
    const { entities } = await engine.tag(span.text, watch.signal ? { signal: watch.signal } : {})
    return entities.map(entity => ({ ...entity, start: span.start + entity.start, end: span.start + entity.end }))
  })
  return found.flat()
}

/** A sentence at a time: no text is cut off at what such a model reads, and progress can be told. */
async function bySentence<T>(text: string, { onProgress }: Watch, ask: (span: Span) => Promise<T>): Promise<T[]> {
  const spans = sentencesOf(text)
  const found: T[] = []
  for (const span of spans) {
    found.push(await ask(span))
    onProgress?.(found.length, spans.length)
  }
  return found
}

const CODES: Readonly<Record<string, string>> = {
  ...{ English: 'en', French: 'fr', German: 'de', Spanish: 'es', Italian: 'it', Portuguese: 'pt', Romanian: 'ro' },
}
/** Families whose models are told by the text's beginning what to do; others do one thing. */
const TOLD = new Set(['t5', 'mt5'])

type Rewriter = Pick<EngineInfo, 'prefixes'> & { bundle: Pick<EngineInfo['bundle'], 'family'> }

export function rewriteRequest(
  { prefixes, bundle }: Rewriter,
  { kind, text, language }: { kind: 'summary' | 'translation'; text: string; language: string },
  signal: AbortSignal,
): CompletionRequest & { stream: true } {
  const task = kind === 'summary' ? 'summarization' : `translation_en_to_${CODES[language] ?? ''}`
  const usual = kind === 'summary' ? 'summarize: ' : `translate English to ${language}: `
  const prefix = prefixes.find(entry => entry.task === task)?.prefix ?? (TOLD.has(bundle.family) ? usual : '')
  return { prompt: `${prefix}${text.trim()}`, stream: true, signal, temperature: 0 }
}
