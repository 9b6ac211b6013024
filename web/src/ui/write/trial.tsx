/** Two minutes of typing, in turn with and without suggestions, and what they say: whether suggestions help this person. */
import { type Signal, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { engine } from '../../state/engine.ts'
import {
  type Attempt,
  judge,
  plan,
  readTrials,
  type Side,
  saveTrials,
  type Trial,
  type TrialKind,
  type TrialResult,
  trialsJson,
} from '../../state/suggestions/trial.ts'
import { language, text } from '../../text/index.ts'
import { Dialog } from '../parts/dialog.tsx'
import { saveFile } from '../parts/files.ts'
import { duration } from '../parts/format.ts'
import { ToModels } from '../parts/to-models.tsx'
import { TrialBox } from './trial-box.tsx'

const TRIAL_MS = 120_000

export function TrialDialog({ open }: { open: Signal<boolean> }) {
  const words = text.value.trial
  const running = useSignal<TrialKind | null>(null)
  const trials = useSignal<readonly Trial[]>([])
  const kind = useSignal<TrialKind>('copy')
  useEffect(() => {
    trials.value = readTrials()
  }, [])
  const finish = (attempts: Attempt[]) => {
    if (running.value && attempts.length > 0) {
      const model = engine.peek()?.info.bundle.name ?? ''
      trials.value = [{ kind: running.value, model, at: new Date().toISOString(), attempts }, ...trials.value]
      saveTrials(trials.value)
    }
    running.value = null
  }
  const [newest] = trials.value
  return (
    <Dialog
      open={open}
      title={words.title}
      closeLabel={words.close}
      onClose={() => {
        running.value = null
      }}
    >
      {open.value && running.value ? (
        <Run kind={running.value} onEnd={finish} />
      ) : (
        <>
          <p class="small">{words.lead}</p>
          <fieldset class="field">
            <legend>{words.kind}</legend>
            <div class="choices">
              {(['copy', 'compose'] as const).map(choice => (
                <label key={choice}>
                  <input
                    type="radio"
                    name="trial-kind"
                    checked={kind.value === choice}
                    onChange={() => {
                      kind.value = choice
                    }}
                  />
                  {words[choice]}
                </label>
              ))}
            </div>
          </fieldset>
          <div class="panel-row start">
            <button
              type="button"
              class="primary"
              disabled={engine.value?.info.architecture !== 'decoder'}
              onClick={() => {
                running.value = kind.value
              }}
            >
              {newest ? words.again : words.start}
            </button>
            {engine.value?.info.architecture === 'decoder' ? null : <span class="small">{words.needsModel}</span>}
            {engine.value ? null : <ToModels words={text.value.suggest.state.models} />}
          </div>
          {newest ? <Results trials={trials} /> : null}
        </>
      )}
    </Dialog>
  )
}

function Run({ kind, onEnd }: { kind: TrialKind; onEnd: (attempts: Attempt[]) => void }) {
  const words = text.value.trial
  const steps = useRef(plan(kind === 'copy' ? words.sentences : words.topics)).current
  const attempts = useRef<Attempt[]>([]).current
  const at = useSignal(0)
  const startedAt = useRef(performance.now()).current
  const leftMs = useSignal(TRIAL_MS)
  useEffect(() => {
    const timer = setInterval(() => {
      leftMs.value = Math.max(0, TRIAL_MS - (performance.now() - startedAt))
    }, 1000)
    return () => clearInterval(timer)
  }, [])
  const step = steps[at.value]
  const end = () => onEnd(attempts)
  if (!step) return null
  const next = (attempt: Omit<Attempt, 'assisted' | 'target'>) => {
    if (at.value > 0) attempts.push({ ...attempt, assisted: step.assisted, target: step.task })
    const isOver = performance.now() - startedAt >= TRIAL_MS || at.value + 1 >= steps.length
    if (isOver) end()
    else at.value += 1
  }
  return (
    <>
      <div class="panel-row">
        <strong>
          {step.assisted ? words.assisted : words.unassisted}
          {at.value === 0 ? ` · ${words.practice}` : ''}
        </strong>
        <span class="small">{words.left(duration(leftMs.value))}</span>
      </div>
      <p class="small">{kind === 'copy' ? words.copyTask : words.composeTask}</p>
      <p class="trial-target">{step.task}</p>
      <TrialBox key={at.value} label={`${words.box}: ${step.task}`} assisted={step.assisted} onDone={next} />
      <div class="panel-row start">
        <button type="button" class="secondary" onClick={end}>
          {words.stop}
        </button>
      </div>
    </>
  )
}

function Results({ trials }: { trials: Signal<readonly Trial[]> }) {
  const words = text.value.trial
  const [newest, ...earlier] = trials.value
  if (!newest) return null
  return (
    <section class="field" aria-label={words.result}>
      <h3>{words.result}</h3>
      <Verdict trial={newest} />
      {earlier.length === 0 ? null : (
        <details>
          <summary>{words.before}</summary>
          <ul>
            {earlier.map(trial => (
              <li key={trial.at} class="small">
                {words.earlier(day(trial.at), trial.model, changeOf(judge(trial)))}
              </li>
            ))}
          </ul>
        </details>
      )}
      <div class="panel-row start">
        <button
          type="button"
          class="quiet"
          onClick={() => saveFile('typing-trials.json', trialsJson(trials.value), 'application/json')}
        >
          {words.save}
        </button>
        <button
          type="button"
          class="quiet"
          onClick={() => {
            trials.value = []
            saveTrials([])
          }}
        >
          {words.forget}
        </button>
      </div>
    </section>
  )
}

function Verdict({ trial }: { trial: Trial }) {
  const words = text.value.trial
  const result = judge(trial)
  const { assisted, unassisted } = result
  const rows: [string, (side: Side) => string][] = [
    [words.rows.time, side => (side.msPerCharacter === null ? '–' : duration(side.msPerCharacter))],
    [words.rows.sentences, side => number(side.sentences)],
    [words.rows.keys, side => number(side.keysPer100)],
    [words.rows.errors, side => (trial.kind === 'copy' ? number(side.errorsPer100) : words.noErrors)],
    [words.rows.taken, side => number(side.takenCharacters)],
  ]
  return (
    <>
      <p>
        <strong>{sentenceOf(result)}</strong>
      </p>
      <table class="trial-table">
        <thead>
          <tr>
            <th scope="col">{words.columns.what}</th>
            <th scope="col">{words.columns.assisted}</th>
            <th scope="col">{words.columns.unassisted}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{value(assisted)}</td>
              <td>{value(unassisted)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="small">{words.honest(number(assisted.sentences + unassisted.sentences))}</p>
    </>
  )
}

function sentenceOf({ ratio, verdict }: TrialResult): string {
  const { verdict: words } = text.value.trial
  if (!ratio || verdict === 'too-few') return words['too-few']
  const { value, low, high } = ratio
  if (verdict === 'faster') return words.faster(percent(1 - value), percent(1 - high), percent(1 - low))
  if (verdict === 'slower') return words.slower(percent(value - 1), percent(low - 1), percent(high - 1))
  return words.unclear(signed(value - 1), signed(low - 1), signed(high - 1))
}

function changeOf({ ratio }: TrialResult): string {
  return ratio ? `${signed(ratio.value - 1)} (${signed(ratio.low - 1)} … ${signed(ratio.high - 1)})` : '–'
}

function percent(share: number): string {
  return new Intl.NumberFormat(language.value, { style: 'percent' }).format(share)
}

function signed(share: number): string {
  return new Intl.NumberFormat(language.value, { style: 'percent', signDisplay: 'exceptZero' }).format(share)
}

function number(value: number | null): string {
  return value === null ? '–' : value.toLocaleString(language.value, { maximumFractionDigits: 1 })
}

function day(at: string): string {
  return new Intl.DateTimeFormat(language.value, { dateStyle: 'medium' }).format(new Date(at))
}
