/** One column: model, way to run it and settings at its head, then its answers to the prompts. */
import { type Signal, useSignal } from '@preact/signals'
import { changeLane, isRunning, type Lane, lanes, prompts, removeLane, round } from '../../state/compare.ts'
import { chatModels } from '../../state/models.ts'
import { settings as pageSettings } from '../../state/settings.ts'
import { isHidden } from '../../state/votes.ts'
import { modelFacts, wayOf } from '../../state/ways.ts'
import { text } from '../../text/index.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Icon } from '../parts/icons.tsx'
import { SettingsForm } from '../settings/form.tsx'
import { Presets } from '../settings/presets.tsx'
import { AnswerView } from './answer.tsx'
import { changedSettings, letterOf, nameOf, titleOf, wayLabel } from './names.ts'

interface LaneProps {
  lane: Lane
  /** The lane that is wider than the others, by id. */
  wide: Signal<number | null>
}

export function LaneView({ lane, wide }: LaneProps) {
  const words = text.value.compare
  return (
    <section
      class={wide.value === lane.id ? 'lane wide-lane' : 'lane'}
      id={`lane-${lane.id}`}
      aria-label={words.lane(nameOf(lane))}
    >
      <LaneHead lane={lane} wide={wide} />
      {prompts.value.length === 0 ? (
        <p class="small lane-empty">{words.emptyLane}</p>
      ) : (
        <ol class="lane-turns">
          {prompts.value.map((prompt, turn) => (
            <li key={turn}>
              <h4 class="visually-hidden">{words.question}</h4>
              <div class="bubble">{prompt}</div>
              <h4 class="visually-hidden">{words.answer}</h4>
              <AnswerView lane={lane} turn={turn} />
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}

function LaneHead({ lane, wide }: LaneProps) {
  const words = text.value.compare
  const letter = letterOf(lane)
  const isWide = wide.value === lane.id
  return (
    <header class="lane-head">
      <div class="lane-bar">
        <h3>
          <span class="letter">{letter}</span>
          {round.value && !isHidden.value ? <span class="small">{titleOf(lane)}</span> : null}
        </h3>
        <button
          type="button"
          class="tool widen"
          aria-pressed={isWide}
          aria-label={isWide ? words.shrink : words.expand(letter)}
          title={isWide ? words.shrink : words.expand(letter)}
          onClick={() => {
            wide.value = isWide ? null : lane.id
          }}
        >
          <Icon name="widen" />
        </button>
        {lanes.value.length > 1 && !round.value ? (
          <button
            type="button"
            class="tool"
            aria-label={words.remove(letter)}
            title={words.remove(letter)}
            disabled={isRunning.value}
            onClick={() => removeLane(lane.id)}
          >
            <Icon name="close" />
          </button>
        ) : null}
      </div>
      {round.value ? null : <Choices lane={lane} letter={letter} />}
    </header>
  )
}

function Choices({ lane, letter }: { lane: Lane; letter: string }) {
  const words = text.value.compare
  const { model } = lane.column.value
  const models = chatModels.value
  return (
    <fieldset class="lane-choices" disabled={isRunning.value}>
      <legend class="visually-hidden">{words.lane(letter)}</legend>
      <select
        aria-label={words.model}
        value={model}
        onChange={event =>
          changeLane(lane, { model: event.currentTarget.value, variant: null, device: 'auto', backend: null })
        }
      >
        {models.some(({ id }) => id === model) ? null : <option value={model}>{model}</option>}
        {models.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
      <WayChoice lane={lane} />
      <LaneSettings lane={lane} letter={letter} />
    </fieldset>
  )
}

function WayChoice({ lane }: { lane: Lane }) {
  const words = text.value.compare
  const { model, variant, device, backend } = lane.column.value
  const found = modelFacts.value.get(model)?.ways ?? []
  const chosen = found.findIndex(way => way.variant === variant && way.device === device && way.backend === backend)
  // A link may name a way that is none here: it is shown as it is, and running it says what is wrong.
  const isUnknown = chosen < 0 && (variant !== null || device !== 'auto' || backend !== null)
  return (
    <select
      aria-label={words.way}
      value={isUnknown ? 'unknown' : String(chosen)}
      onChange={event => {
        const way = found[Number(event.currentTarget.value)]
        if (!way) changeLane(lane, { variant: null, device: 'auto', backend: null })
        else changeLane(lane, wayOf(way))
      }}
    >
      <option value="-1">{words.best}</option>
      {isUnknown ? (
        <option value="unknown">{[variant ?? device, backend].filter(part => part).join(' · ')}</option>
      ) : null}
      {found.map((way, index) => (
        <option key={index} value={String(index)} disabled={way.obstacle !== null}>
          {wayLabel(way)}
        </option>
      ))}
    </select>
  )
}

function LaneSettings({ lane, letter }: { lane: Lane; letter: string }) {
  const words = text.value.compare
  const open = useSignal(false)
  const { model, settings } = lane.column.value
  const facts = modelFacts.value.get(model)
  const changed = changedSettings(lane)
  const prefix = `lane-${lane.id}`
  return (
    <>
      <button
        type="button"
        class="secondary"
        aria-haspopup="dialog"
        onClick={() => {
          open.value = true
        }}
      >
        <Icon name="sliders" />
        {changed > 0 ? words.settingsChanged(changed) : words.settings}
        <span class="visually-hidden">: {words.settingsOf(letter)}</span>
      </button>
      <Dialog open={open} title={words.settingsOf(letter)} closeLabel={text.value.controls.close}>
        {open.value ? (
          <>
            <Presets settings={settings} prefix={prefix} onChange={chosen => changeLane(lane, { settings: chosen })} />
            <SettingsForm
              settings={settings}
              defaults={facts?.defaults ?? null}
              contextLength={facts?.contextLength ?? null}
              isAdvanced={pageSettings.value.controls === 'advanced'}
              prefix={prefix}
              onChange={part => changeLane(lane, { settings: { ...settings, ...part } })}
            />
          </>
        ) : null}
        <div class="panel-row">
          <span />
          <button type="submit" class="primary">
            {text.value.controls.done}
          </button>
        </div>
      </Dialog>
    </>
  )
}
