/** Settings in a modal dialog: few, each with the model's own value as default, one reset. */
import type { Signal } from '@preact/signals'
import { engine } from '../../state/engine.ts'
import { changeControls, chatSettings, resetControls } from '../../state/controls.ts'
import { change, settings } from '../../state/settings.ts'
import { useActors } from '../parts/context.ts'
import { Dialog } from '../parts/dialog.tsx'

const DEVICES = { auto: 'Automatic', webgpu: 'GPU (WebGPU)', cpu: 'CPU' } as const

export function SettingsDialog({ open }: { open: Signal<boolean> }) {
  return (
    <Dialog open={open} title="Settings" closeLabel="Close settings">
      <SystemPrompt />
      <Temperature />
      <NumberField
        name="max_tokens"
        label="Longest answer, in tokens"
        least={1}
        most={engine.value?.info.contextLength ?? 8192}
        hint="Question and answer together must fit into what the model can read."
      />
      <NumberField
        name="seed"
        label="Seed"
        least={0}
        most={2 ** 32 - 1}
        hint="Empty: another answer each time. The same seed and settings give the same answer."
      />
      <DeviceChoice />
      <div class="panel-row">
        <button type="button" class="secondary" onClick={resetControls}>
          Reset to defaults
        </button>
        <button type="submit" class="primary">
          Done
        </button>
      </div>
    </Dialog>
  )
}

function SystemPrompt() {
  return (
    <div class="field">
      <label for="system">System prompt</label>
      <textarea
        id="system"
        rows={2}
        value={chatSettings.value.system}
        placeholder="The model’s own"
        onInput={event => changeControls({ system: event.currentTarget.value })}
      />
    </div>
  )
}

function Temperature() {
  const value = chatSettings.value.temperature ?? engine.value?.info.defaults.temperature ?? 0
  const set = (text: string) => {
    const number = Number(text)
    if (text !== '' && number >= 0 && number <= 2) changeControls({ temperature: number })
  }
  return (
    <div class="field">
      <label for="temperature">Temperature</label>
      <div class="pair">
        <input
          id="temperature"
          type="range"
          min="0"
          max="2"
          step="0.05"
          value={value}
          onInput={event => set(event.currentTarget.value)}
        />
        <input
          type="number"
          aria-label="Temperature as a number"
          min="0"
          max="2"
          step="0.05"
          value={value}
          onInput={event => set(event.currentTarget.value)}
        />
      </div>
      <p class="small">0 always takes the likeliest word; higher is more varied and less reliable.</p>
    </div>
  )
}

interface NumberFieldProps {
  name: 'max_tokens' | 'seed'
  label: string
  least: number
  most: number
  hint?: string
}

function NumberField({ name, label, least, most, hint }: NumberFieldProps) {
  const fallback = name === 'max_tokens' ? engine.value?.info.defaults.max_tokens : undefined
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <input
        id={name}
        type="number"
        min={least}
        max={most}
        step="1"
        value={chatSettings.value[name] ?? ''}
        placeholder={fallback === undefined ? 'random' : String(fallback)}
        aria-describedby={hint ? `${name}-hint` : undefined}
        onInput={event => {
          const { value } = event.currentTarget
          const number = Number(value)
          if (value === '') changeControls({ [name]: null })
          else if (Number.isInteger(number) && number >= least && number <= most) changeControls({ [name]: number })
        }}
      />
      {hint ? (
        <p class="small" id={`${name}-hint`}>
          {hint}
        </p>
      ) : null}
    </div>
  )
}

function DeviceChoice() {
  const { loader } = useActors()
  return (
    <fieldset class="field">
      <legend>Runs on</legend>
      <div class="choices">
        {(['auto', 'webgpu', 'cpu'] as const).map(device => (
          <label key={device}>
            <input
              type="radio"
              name="device"
              value={device}
              checked={settings.value.device === device}
              onChange={() => {
                change({ device })
                void loader.retry()
              }}
            />
            {DEVICES[device]}
          </label>
        ))}
      </div>
      <p class="small">Changing this loads the model again.</p>
    </fieldset>
  )
}
