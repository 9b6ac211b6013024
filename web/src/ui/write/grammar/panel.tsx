/** Beside the text: who checks, how far it is, all corrections with filters, what was learnt. */
import type { Signal } from '@preact/signals'
import { changeGrammar, DIALECTS, SOURCES, grammar as settings } from '../../../state/grammar/settings.ts'
import { fetchModels } from '../../../state/models.ts'
import { text } from '../../../text/index.ts'
import { CopyButton } from '../../parts/copy.tsx'
import { Icon } from '../../parts/icons.tsx'
import { Ticked } from '../../parts/ticked.tsx'
import { ToModels } from '../../parts/to-models.tsx'
import type { GrammarDesk } from './desk.ts'
import { MarkList } from './list.tsx'
import { MarkState } from './state.tsx'
import { Taught } from './taught.tsx'
import { Threshold } from './threshold.tsx'

export function MarksPanel({ desk, difference }: { desk: GrammarDesk; difference: Signal<boolean> }) {
  const { grammar } = text.value
  return (
    <>
      <h3>{grammar.title}</h3>
      <div class="field">
        <label class="write-check">
          <input type="checkbox" checked={settings.value.enabled} onChange={() => desk.checker.toggle()} />
          {grammar.on}
        </label>
        <p class="small">{grammar.english}</p>
        {settings.value.enabled ? <Working desk={desk} /> : null}
      </div>
      {settings.value.enabled ? (
        <>
          <MarkList desk={desk} difference={difference} />
          <Sources />
          {settings.value.source === 'rules' ? null : <Threshold desk={desk} />}
        </>
      ) : null}
      <Taught desk={desk} />
    </>
  )
}

function Working({ desk }: { desk: GrammarDesk }) {
  const { grammar } = text.value
  const { checker } = desk
  const progress = checker.progress.value
  return (
    <>
      <div class="panel-row">
        <span class="small">
          <MarkState desk={desk} />
        </span>
        {progress ? (
          <button type="button" class="quiet" onClick={() => checker.cancel()}>
            {grammar.state.stop}
          </button>
        ) : null}
        {checker.isStopped.value ? (
          <button type="button" class="quiet" onClick={() => checker.resume()}>
            {grammar.state.goOn}
          </button>
        ) : null}
      </div>
      {progress ? (
        <progress max={progress.total} value={progress.done} aria-label={grammar.title} />
      ) : (
        <div class="mark-progress-room" />
      )}
      <Model desk={desk} />
    </>
  )
}

/** What the corrections lack, and how to get it. */
function Model({ desk }: { desk: GrammarDesk }) {
  const { model: words } = text.value.grammar
  const { helpers } = desk.checker
  const model = helpers.model.value
  const rulesTrouble = helpers.rulesTrouble.value
  return (
    <>
      {model.status === 'missing' ? <Missing withRules={rulesTrouble === ''} /> : null}
      {model.status === 'failed' ? <Trouble desk={desk} said={words.failed(model.message)} /> : null}
      {rulesTrouble ? <Trouble desk={desk} said={words.rulesFailed(rulesTrouble)} /> : null}
    </>
  )
}

function Trouble({ desk, said }: { desk: GrammarDesk; said: string }) {
  return (
    <div class="mark-trouble" role="alert">
      <p>
        <Icon name="alert" /> {said}
      </p>
      <button type="button" class="secondary" onClick={() => desk.checker.helpers.retry()}>
        {text.value.grammar.model.again}
      </button>
    </div>
  )
}

const COMMAND = 'slm-export default --model smollm2-135m-grammar --models .data/models'

function Missing({ withRules }: { withRules: boolean }) {
  const { model: words } = text.value.grammar
  const isAlone = settings.value.source === 'model'
  return (
    <div class="mark-missing">
      <p>
        <strong>{words.missing}</strong>{' '}
        {isAlone ? words.missingAlone : withRules ? words.missingRules : words.missingBoth}
      </p>
      <p class="small">
        <Ticked words={words.missingHow} />
      </p>
      <code>{COMMAND}</code>
      <div class="panel-row start">
        <CopyButton text={COMMAND} label={words.copy} />
        <button type="button" class="secondary" onClick={() => void fetchModels().catch(() => {})}>
          {words.look}
        </button>
        {isAlone ? (
          <button type="button" class="secondary" onClick={() => changeGrammar({ source: 'rules' })}>
            {words.useRules}
          </button>
        ) : null}
        <ToModels words={text.value.suggest.state.models} />
      </div>
    </div>
  )
}

function Sources() {
  const { grammar } = text.value
  const { source, dialect } = settings.value
  return (
    <fieldset class="field">
      <legend>{grammar.source.title}</legend>
      <div class="choices">
        {SOURCES.map(choice => (
          <label key={choice}>
            <input
              type="radio"
              name="grammar-source"
              checked={source === choice}
              onChange={() => changeGrammar({ source: choice })}
            />
            {grammar.source[choice]}
          </label>
        ))}
      </div>
      <p class="small">{grammar.source.hint}</p>
      {source === 'model' ? null : (
        <label class="mark-dialect">
          <span class="small">{grammar.dialect}</span>
          <select
            value={dialect}
            onChange={({ currentTarget: { value } }) =>
              changeGrammar({ dialect: DIALECTS.find(one => one === value) ?? dialect })
            }
          >
            {DIALECTS.map(one => (
              <option key={one} value={one}>
                {grammar.dialects[one]}
              </option>
            ))}
          </select>
        </label>
      )}
    </fieldset>
  )
}
