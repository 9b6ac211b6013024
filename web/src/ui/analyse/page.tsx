/** One text, five questions to a small model: what it finds, how sure it is, and what it cannot do. */
import { useEffect } from 'preact/hooks'
import {
  analyse,
  analyseState,
  answering,
  chooseModel,
  isReady,
  kind,
  madeFor,
  question,
  results,
  sentences,
  source,
  stopAnalysis,
  target,
} from '../../state/analyse.ts'
import { announcement } from '../../state/announce.ts'
import { engine } from '../../state/engine.ts'
import { KINDS } from '../../tasks/analyse/kinds.ts'
import { text } from '../../text/index.ts'
import { troubleOf } from '../parts/errors.ts'
import { Icon } from '../parts/icons.tsx'
import { LoadPanel } from '../parts/loading.tsx'
import { EXAMPLES } from './examples.ts'
import { ResultView } from './result.tsx'
import '../css/analyse.css'

const SUMMARY_SENTENCES = [1, 2, 3, 5]

export function AnalysePage() {
  const words = text.value.analyse
  useEffect(() => stopAnalysis, [])
  const result = results.value[kind.value]
  return (
    <div class="page">
      <div class="page-inner analyse">
        <div>
          <h2>{words.title}</h2>
          <p class="small">{words.lead}</p>
        </div>
        {engine.value ? null : <LoadPanel />}
        <Kinds />
        <div class="analyse-columns">
          <Form />
          <section aria-label={words.result} aria-busy={analyseState.value.status === 'running'}>
            <Progress />
            <Trouble />
            {result && analyseState.value.status !== 'running' ? <ResultView result={result} /> : null}
            {result || analyseState.value.status !== 'idle' ? null : <Limits />}
          </section>
        </div>
        {result ? <Limits /> : null}
      </div>
    </div>
  )
}

function Kinds() {
  const words = text.value.analyse
  return (
    <fieldset class="analyse-kinds">
      <legend class="visually-hidden">{words.what}</legend>
      {KINDS.map(name => (
        <label key={name}>
          <input
            type="radio"
            name="analyse-kind"
            checked={kind.value === name}
            onChange={() => {
              stopAnalysis()
              kind.value = name
            }}
          />
          <span>{words.kinds[name].name}</span>
        </label>
      ))}
    </fieldset>
  )
}

function Form() {
  const words = text.value.analyse
  const running = analyseState.value.status === 'running'
  const current = engine.value
  const ownCan = current?.info.architecture === 'decoder'
  const canRun = ownCan || answering.value !== null
  const start = async () => {
    if (!canRun || !isReady.peek()) return
    await analyse(current)
    if (analyseState.peek().status === 'idle') announcement.value = words.finished
  }
  return (
    <form
      class="analyse-form"
      onSubmit={event => {
        event.preventDefault()
        void start()
      }}
    >
      <p>{words.kinds[kind.value].lead}</p>
      <div class="field">
        <div class="panel-row">
          <label for="analyse-text">{words.text}</label>
          <button type="button" class="quiet" onClick={takeExample}>
            {words.example}
          </button>
        </div>
        <textarea
          id="analyse-text"
          data-rest-focus
          rows={9}
          placeholder={words.textHint}
          value={source}
          onInput={event => {
            source.value = event.currentTarget.value
          }}
          onKeyDown={event => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void start()
          }}
        />
      </div>
      <More />
      <Answering />
      <div class="panel-row start">
        {running ? (
          <button type="button" class="secondary" onClick={stopAnalysis}>
            {words.stop}
          </button>
        ) : (
          <button type="submit" class="primary" disabled={!canRun || !isReady.value}>
            {words.run}
          </button>
        )}
        {current || canRun ? null : <span class="small">{words.needsModel}</span>}
        {current && !canRun ? <span class="small">{words.needsChatModel}</span> : null}
      </div>
    </form>
  )
}

function takeExample(): void {
  const example = EXAMPLES[kind.peek()]
  source.value = example.text
  if (example.question) question.value = example.question
}

/** What a kind asks for beside the text. */
function More() {
  const words = text.value.analyse
  if (kind.value === 'question') {
    return (
      <div class="field">
        <label for="analyse-question">{words.question}</label>
        <input
          id="analyse-question"
          type="text"
          placeholder={words.questionHint}
          value={question}
          onInput={event => {
            question.value = event.currentTarget.value
          }}
        />
      </div>
    )
  }
  if (kind.value === 'summary') {
    return (
      <div class="field">
        <label for="analyse-sentences">{words.sentences}</label>
        <select
          id="analyse-sentences"
          value={sentences.value}
          onChange={event => {
            sentences.value = Number(event.currentTarget.value)
          }}
        >
          {SUMMARY_SENTENCES.map(count => (
            <option key={count} value={count}>
              {count}
            </option>
          ))}
        </select>
      </div>
    )
  }
  if (kind.value !== 'translation') return null
  return (
    <div class="field">
      <label for="analyse-target">{words.target}</label>
      <select
        id="analyse-target"
        value={target.value}
        onChange={event => {
          target.value = event.currentTarget.value
        }}
      >
        {Object.entries(words.languages).map(([english, name]) => (
          <option key={english} value={english}>
            {name}
          </option>
        ))}
      </select>
    </div>
  )
}

/** Which model answers, where one that was made for it is here. */
function Answering() {
  const words = text.value.analyse
  if (madeFor.value.length === 0) return null
  const own = engine.value?.info
  return (
    <div class="field">
      <label for="analyse-model">{words.model}</label>
      <select
        id="analyse-model"
        value={answering.value?.id ?? ''}
        onChange={event => chooseModel(event.currentTarget.value || null)}
      >
        <option value="">{own ? words.ownModel(own.bundle.name) : words.pageModel}</option>
        {madeFor.value.map(({ id, name }) => (
          <option key={id} value={id}>
            {words.madeModel(name)}
          </option>
        ))}
      </select>
    </div>
  )
}

function Progress() {
  const state = analyseState.value
  const words = text.value.analyse
  if (state.status !== 'running') return null
  if (state.written) return <p class="analyse-written">{state.written}</p>
  return (
    <div class="field">
      {state.done > 0 ? (
        <progress aria-label={words.reading} max={state.all} value={state.done} />
      ) : (
        <progress aria-label={words.reading} />
      )}
      <p class="small">{state.done > 0 ? words.working(state.done, state.all) : words.reading}</p>
    </div>
  )
}

function Trouble() {
  const state = analyseState.value
  if (state.status !== 'failed') return null
  const { title, next } = troubleOf(state.code)
  return (
    <div class="inline-error" role="alert">
      <Icon name="alert" />
      <p>
        <strong>{title}.</strong> {state.message} {next}
      </p>
    </div>
  )
}

/** Honest about what to expect, before and after. */
function Limits() {
  const words = text.value.analyse
  const { can, cannot } = answering.value ? words.madeFor : words.kinds[kind.value]
  return (
    <dl class="limits">
      <div>
        <dt>
          <Icon name="check" />
          {words.canTitle}
        </dt>
        <dd>{can}</dd>
      </div>
      <div>
        <dt>
          <Icon name="alert" />
          {words.cannotTitle}
        </dt>
        <dd>{cannot}</dd>
      </div>
    </dl>
  )
}
