/** The analyse page: one text, what was asked of it, and what came out. A newer run makes the older one void. */
import { computed, signal } from '@preact/signals'
import type { Engine } from '../engine/api.ts'
import { EngineError, type ErrorCode } from '../engine/errors.ts'
import { entitiesOf, type NamedEntity } from '../tasks/analyse/entities.ts'
import type { Kind } from '../tasks/analyse/kinds.ts'
import { type Classes, classesOf, isMadeFor, rewriteRequest, type Tagged, taggedOf } from '../tasks/analyse/made-for.ts'
import { type Answer, answerFrom } from '../tasks/analyse/question.ts'
import { type Feeling, feelingOf } from '../tasks/analyse/sentiment.ts'
import {
  type CheckedSentence,
  checkSummary,
  firstSentences,
  summaryRequest,
  translationRequest,
} from '../tasks/analyse/summary.ts'
import { engines } from './engines.ts'
import { inWords } from './in-words.ts'
import { type ModelSummary, modelList } from './models.ts'

/** Each with the text that it is of, and the name of the model that answered. */
export type Result = { text: string; model: string } & (
  | { kind: 'sentiment'; feeling: Feeling }
  | { kind: 'sentiment'; classes: Classes }
  | { kind: 'names'; entities: NamedEntity[] }
  | { kind: 'names'; tagged: Tagged[] }
  | { kind: 'question'; question: string; answer: Answer }
  | { kind: 'summary'; summary: string; checked: CheckedSentence[] }
  | { kind: 'translation'; language: string; translation: string }
)

export type AnalyseState =
  | { status: 'idle' }
  | { status: 'running'; done: number; all: number; written: string }
  | { status: 'failed'; code: ErrorCode; message: string }

export const kind = signal<Kind>('sentiment')
export const source = signal('')
export const question = signal('')
/** Of a summary. */
export const sentences = signal(2)
/** English name of the language to translate into. */
export const target = signal('French')
export const analyseState = signal<AnalyseState>({ status: 'idle' })
/** Of each kind: the model made for it that was chosen; without one the page's model answers. */
const chosen = signal<Partial<Record<Kind, string>>>({})
/** Models among those here that were made for what is asked. */
export const madeFor = computed(() => (modelList.value?.models ?? []).filter(model => isMadeFor(kind.value, model)))
/** The one of them that is to answer, null for the page's model. */
export const answering = computed(() => madeFor.value.find(({ id }) => id === chosen.value[kind.value]) ?? null)

/** @param id null for the page's model */
export function chooseModel(id: string | null): void {
  const { [kind.value]: _, ...others } = chosen.value
  chosen.value = id === null ? others : { ...others, [kind.value]: id }
}

/** The last result of each kind. */
export const results = signal<Partial<Record<Kind, Result>>>({})

/** Whether there is something to run, and nothing runs. */
export const isReady = computed(
  () =>
    analyseState.value.status !== 'running' &&
    source.value.trim() !== '' &&
    (kind.value !== 'question' || question.value.trim() !== ''),
)

let current: AbortController | null = null

/**
 * Runs what is chosen on what is written; the result is told by `results`, trouble by `analyseState`.
 * @param engine the page's, which answers where no model made for it was chosen
 */
export async function analyse(engine: Engine | null): Promise<void> {
  current?.abort()
  const abort = new AbortController()
  current = abort
  const tell = (done: number, all: number, written = '') => {
    if (current === abort) analyseState.value = { status: 'running', done, all, written }
  }
  tell(0, 1)
  try {
    const model = answering.value
    const result = model ? await runOn(model, abort.signal, tell) : engine && (await run(engine, abort.signal, tell))
    if (result === null) return stopAnalysis()
    if (current !== abort) return
    results.value = { ...results.value, [result.kind]: result }
    analyseState.value = { status: 'idle' }
  } catch (error) {
    if (current !== abort) return
    const stopped = abort.signal.aborted || (error instanceof DOMException && error.name === 'AbortError')
    analyseState.value = stopped ? { status: 'idle' } : failure(error)
  }
}

export function stopAnalysis(): void {
  current?.abort()
  current = null
  analyseState.value = { status: 'idle' }
}

type Tell = (done: number, all: number, written?: string) => void

async function run(engine: Engine, signal: AbortSignal, tell: Tell): Promise<Result> {
  const about = { text: source.value, model: engine.info.bundle.name }
  const { text } = about
  switch (kind.value) {
    case 'sentiment':
      return { ...about, kind: 'sentiment', feeling: await feelingOf(engine, text, { signal, onSentence: tell }) }
    case 'names':
      return { ...about, kind: 'names', entities: await entitiesOf(engine, text, { signal, onProgress: tell }) }
    case 'question': {
      const asked = { text, question: question.value, signal, onProgress: tell }
      return { ...about, kind: 'question', question: question.value, answer: await answerFrom(engine, asked) }
    }
    case 'summary': {
      const most = sentences.value
      const summary = await chatted(engine, summaryRequest(text, most, signal), { tell, most })
      return { ...about, kind: 'summary', summary, checked: checkSummary(summary, text) }
    }
    case 'translation': {
      const language = target.value
      const translation = await chatted(engine, translationRequest(text, language, signal), { tell })
      return { ...about, kind: 'translation', language, translation }
    }
  }
}

async function runOn(model: ModelSummary, signal: AbortSignal, tell: Tell): Promise<Result> {
  const engine = await engines.acquire({ bundle: model.url, device: 'cpu' }, { signal })
  try {
    const about = { text: source.value, model: engine.info.bundle.name }
    const { text } = about
    const watch = { signal, onProgress: tell }
    if (kind.value === 'sentiment') return { ...about, kind: kind.value, classes: await classesOf(engine, text, watch) }
    if (kind.value === 'names') return { ...about, kind: kind.value, tagged: await taggedOf(engine, text, watch) }
    const language = target.value
    const wanted = { kind: kind.value === 'summary' ? kind.value : 'translation', text, language } as const
    const written = await rewritten(engine, rewriteRequest(engine.info, wanted, signal), tell)
    if (wanted.kind === 'translation') return { ...about, kind: 'translation', language, translation: written }
    return { ...about, kind: 'summary', summary: written, checked: checkSummary(written, text) }
  } finally {
    engines.release(engine)
  }
}

/** @param most sentences, behind which the model is stopped */
async function chatted(
  engine: Engine,
  request: ReturnType<typeof summaryRequest>,
  { tell, most = Infinity }: { tell: Tell; most?: number },
): Promise<string> {
  let text = ''
  for await (const { choices } of engine.chat.completions.create(request)) {
    text += choices[0].delta.content ?? ''
    const whole = firstSentences(text, most)
    if (whole !== null) return whole
    tell(0, 0, text)
  }
  return text.trim()
}

async function rewritten(engine: Engine, request: ReturnType<typeof rewriteRequest>, tell: Tell): Promise<string> {
  let text = ''
  for await (const { choices } of engine.completions.create(request)) {
    text += choices[0].text
    tell(0, 0, text)
  }
  return text.trim()
}

function failure(error: unknown): AnalyseState {
  const message = inWords(error)
  return { status: 'failed', code: error instanceof EngineError ? error.code : 'internal', message }
}
