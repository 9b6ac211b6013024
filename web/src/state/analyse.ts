/** The analyse page: one text, what was asked of it, and what came out. A newer run makes the older one void. */
import { computed, signal } from '@preact/signals'
import type { Engine } from '../engine/api.ts'
import { EngineError, type ErrorCode } from '../engine/errors.ts'
import { entitiesOf, type NamedEntity } from '../tasks/analyse/entities.ts'
import type { Kind } from '../tasks/analyse/kinds.ts'
import { type Answer, answerFrom } from '../tasks/analyse/question.ts'
import { type Feeling, feelingOf } from '../tasks/analyse/sentiment.ts'
import { type CheckedSentence, checkSummary, summaryRequest, translationRequest } from '../tasks/analyse/summary.ts'
import { inWords } from './in-words.ts'

export type Result =
  | { kind: 'sentiment'; text: string; feeling: Feeling }
  | { kind: 'names'; text: string; entities: NamedEntity[] }
  | { kind: 'question'; text: string; question: string; answer: Answer }
  | { kind: 'summary'; text: string; summary: string; checked: CheckedSentence[] }
  | { kind: 'translation'; text: string; language: string; translation: string }

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

/** Runs what is chosen on what is written; the result is told by `results`, trouble by `analyseState`. */
export async function analyse(engine: Engine): Promise<void> {
  current?.abort()
  const abort = new AbortController()
  current = abort
  const tell = (done: number, all: number, written = '') => {
    if (current === abort) analyseState.value = { status: 'running', done, all, written }
  }
  tell(0, 1)
  try {
    const result = await run(engine, abort.signal, tell)
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
  const text = source.value
  switch (kind.value) {
    case 'sentiment':
      return { kind: 'sentiment', text, feeling: await feelingOf(engine, text, { signal, onSentence: tell }) }
    case 'names':
      return { kind: 'names', text, entities: await entitiesOf(engine, text, { signal, onProgress: tell }) }
    case 'question': {
      const asked = { text, question: question.value, signal, onProgress: tell }
      return { kind: 'question', text, question: question.value, answer: await answerFrom(engine, asked) }
    }
    case 'summary': {
      const summary = await written(engine, summaryRequest(text, sentences.value, signal), tell)
      return { kind: 'summary', text, summary, checked: checkSummary(summary, text) }
    }
    case 'translation': {
      const language = target.value
      const translation = await written(engine, translationRequest(text, language, signal), tell)
      return { kind: 'translation', text, language, translation }
    }
  }
}

async function written(engine: Engine, request: ReturnType<typeof summaryRequest>, tell: Tell): Promise<string> {
  let text = ''
  for await (const { choices } of engine.chat.completions.create(request)) {
    text += choices[0].delta.content ?? ''
    tell(0, 0, text)
  }
  return text.trim()
}

function failure(error: unknown): AnalyseState {
  const message = inWords(error)
  return { status: 'failed', code: error instanceof EngineError ? error.code : 'internal', message }
}
