/** All settings of an answer as one form; knows neither which model they are for nor where they are kept. */
import { useSignal } from '@preact/signals'
import type { Defaults } from '../../state/controls.ts'
import { hasControls } from '../../state/site.ts'
import { type ChatSettings, MAX_STOPS, MODEL_DEFAULTS, type NumberName, RANGES, sameValue } from '../../tasks/chat.ts'
import { language, text } from '../../text/index.ts'
import { Icon } from '../parts/icons.tsx'
import { FieldHead, NumberField } from './field.tsx'
import { FormatField } from './format.tsx'

const SIMPLE = ['temperature', 'max_tokens'] as const
const ADVANCED = [
  ...(['top_p', 'top_k', 'min_p', 'repetition_penalty', 'presence_penalty', 'frequency_penalty'] as const),
]

export interface SettingsFormProps {
  settings: ChatSettings
  /** Null while no model is loaded. */
  defaults: Defaults | null
  contextLength: number | null
  isAdvanced: boolean
  /** Before every id: several forms may be on the page. */
  prefix: string
  /** What each setting is where nothing is set here: other chats' settings. Without it the model's own. */
  base?: ChatSettings
  onChange: (part: Partial<ChatSettings>) => void
}

type FieldOf<Name extends keyof ChatSettings> = Pick<SettingsFormProps, 'settings' | 'base' | 'onChange'> & {
  name: Name
}

/** Whether a setting is other than what lies beneath, and the way back to that. */
function wayBack<Name extends keyof ChatSettings>(field: FieldOf<Name>): { isChanged: boolean; onReset: () => void } {
  const { settings, base = MODEL_DEFAULTS, name, onChange } = field
  const back: Partial<ChatSettings> = { [name]: base[name] }
  return { isChanged: !sameValue(settings[name], base[name]), onReset: () => onChange(back) }
}

export function SettingsForm(props: SettingsFormProps) {
  const { settings, isAdvanced, onChange, prefix } = props
  const words = text.value.controls
  const hidden = isAdvanced ? 0 : advancedChanges(props)
  return (
    <>
      <div class="field">
        <FieldHead id={`${prefix}-system`} label={words.system} own={null} {...wayBack({ ...props, name: 'system' })} />
        <textarea
          id={`${prefix}-system`}
          rows={3}
          value={settings.system}
          placeholder={words.systemOwn}
          aria-describedby={`${prefix}-system-does`}
          onInput={event => onChange({ system: event.currentTarget.value })}
        />
        <p class="small" id={`${prefix}-system-does`}>
          {words.systemDoes}
        </p>
      </div>
      {SIMPLE.map(name => (
        <NumberOf key={name} name={name} {...props} />
      ))}
      {isAdvanced ? ADVANCED.map(name => <NumberOf key={name} name={name} {...props} />) : null}
      <SeedField {...props} />
      {isAdvanced ? <StopField {...props} /> : null}
      {hasControls('format') ? (
        <FormatField format={settings.format} prefix={prefix} onChange={format => onChange({ format })} />
      ) : null}
      {hidden > 0 ? <p class="small">{words.advancedChanged(hidden)}</p> : null}
    </>
  )
}

/** How many settings are changed that the simple form does not show. */
function advancedChanges(props: SettingsFormProps): number {
  return [...ADVANCED, 'stop' as const].filter(name => wayBack({ ...props, name }).isChanged).length
}

function NumberOf(props: SettingsFormProps & { name: Exclude<NumberName, 'seed'> }) {
  const { name, settings, base, defaults, contextLength, prefix, onChange } = props
  const beneath = base?.[name] ?? defaults?.[name] ?? null
  return (
    <NumberField
      name={name}
      value={settings[name] ?? defaults?.[name] ?? null}
      own={beneath === null ? null : ownWords(beneath.toLocaleString(language.value), base)}
      prefix={prefix}
      {...(name === 'max_tokens' ? { most: contextLength ?? 8192 } : {})}
      {...wayBack({ ...props, name })}
      onChange={value => onChange({ [name]: value })}
    />
  )
}

function ownWords(value: string, base: ChatSettings | undefined): string {
  const { modelsOwn, othersOwn } = text.value.controls
  return base ? othersOwn(value) : modelsOwn(value)
}

function SeedField(props: SettingsFormProps) {
  const { settings, base, prefix, onChange } = props
  const words = text.value.controls
  const { name, does } = words.numbers.seed
  const { least, most } = RANGES.seed
  const id = `${prefix}-seed`
  return (
    <div class="field">
      <FieldHead
        id={id}
        label={name}
        own={ownWords(base?.seed?.toString() ?? words.random, base)}
        {...wayBack({ ...props, name: 'seed' })}
      />
      <div class="with-button">
        <input
          id={id}
          type="number"
          min={least}
          max={most}
          step="1"
          value={settings.seed ?? ''}
          placeholder={words.random}
          aria-describedby={`${id}-does`}
          onInput={event => {
            const { value, valueAsNumber } = event.currentTarget
            if (value === '') onChange({ seed: null })
            else if (Number.isInteger(valueAsNumber) && valueAsNumber >= least && valueAsNumber <= most)
              onChange({ seed: valueAsNumber })
          }}
        />
        <button
          type="button"
          class="secondary"
          onClick={() => onChange({ seed: crypto.getRandomValues(new Uint32Array(1))[0] ?? 0 })}
        >
          {words.drawSeed}
        </button>
      </div>
      <p class="small" id={`${id}-does`}>
        {does}
      </p>
    </div>
  )
}

function StopField(props: SettingsFormProps) {
  const { prefix, onChange } = props
  const { stop } = props.settings
  const words = text.value.controls
  const draft = useSignal('')
  const id = `${prefix}-stop`
  const add = () => {
    const added = unescaped(draft.value)
    if (added === '' || stop.includes(added) || stop.length >= MAX_STOPS) return
    onChange({ stop: [...stop, added] })
    draft.value = ''
  }
  return (
    <div class="field">
      <FieldHead id={id} label={words.stop} own={null} {...wayBack({ ...props, name: 'stop' })} />
      <ul class="chips">
        {stop.map(entry => (
          <li key={entry}>
            <code>{escaped(entry)}</code>
            <button
              type="button"
              class="tool"
              aria-label={words.stopRemove(escaped(entry))}
              onClick={() => onChange({ stop: stop.filter(other => other !== entry) })}
            >
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ul>
      <div class="with-button">
        <input
          id={id}
          type="text"
          value={draft.value}
          placeholder={words.stopNew}
          disabled={stop.length >= MAX_STOPS}
          aria-describedby={`${id}-does`}
          onInput={event => {
            draft.value = event.currentTarget.value
          }}
          onKeyDown={event => {
            if (event.key !== 'Enter' || event.isComposing) return
            event.preventDefault() // it would close the dialog
            add()
          }}
        />
        <button type="button" class="secondary" disabled={draft.value === '' || stop.length >= MAX_STOPS} onClick={add}>
          {words.stopAdd}
        </button>
      </div>
      <p class="small" id={`${id}-does`}>
        {words.stopDoes}
      </p>
    </div>
  )
}

function unescaped(typed: string): string {
  return typed.replaceAll('\\n', '\n').replaceAll('\\t', '\t')
}

function escaped(stop: string): string {
  return stop.replaceAll('\n', '\\n').replaceAll('\t', '\\t')
}
