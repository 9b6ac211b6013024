/** The page's settings: how answers are written and where the model runs. Beside the page where there is room, else over it. */
import { type Signal, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { undo } from '../../state/announce.ts'
import { changeControls, chatSettings, modelDefaults, resetControls } from '../../state/controls.ts'
import { engine, loadState } from '../../state/engine.ts'
import { route } from '../../state/route.ts'
import { change, settings } from '../../state/settings.ts'
import { text } from '../../text/index.ts'
import { useActors } from '../parts/context.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Icon } from '../parts/icons.tsx'
import { SettingsForm } from './form.tsx'
import { Presets } from './presets.tsx'
import '../css/controls.css'

/** So wide that the list of chats, the conversation and this stand side by side. */
const WIDE = '(min-width: 85rem)'

export function SettingsDialog({ open }: { open: Signal<boolean> }) {
  const { title, close } = text.value.controls
  const isBeside = useMatches(WIDE) && route.value.page === 'chat'
  if (isBeside) return open.value ? <SidePanel open={open} /> : null
  return (
    <Dialog open={open} title={title} closeLabel={close}>
      {open.value ? <Content /> : null}
      <div class="panel-row">
        <ResetButton />
        <button type="submit" class="primary">
          {text.value.controls.done}
        </button>
      </div>
    </Dialog>
  )
}

function SidePanel({ open }: { open: Signal<boolean> }) {
  const { title, close } = text.value.controls
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    heading.current?.focus()
    return () => {
      open.value = false // on another page it would open over everything
    }
  }, [])
  return (
    <aside class="side-panel" aria-labelledby="side-panel-title">
      <div class="panel-row">
        <h2 id="side-panel-title" tabIndex={-1} ref={heading}>
          {title}
        </h2>
        <button
          type="button"
          class="tool"
          aria-label={close}
          onClick={() => {
            open.value = false
          }}
        >
          <Icon name="close" />
        </button>
      </div>
      <Content />
      <div class="panel-row">
        <ResetButton />
      </div>
    </aside>
  )
}

function Content() {
  const state = loadState.value
  const model = 'model' in state ? state.model?.name : undefined
  const isAdvanced = settings.value.controls === 'advanced'
  return (
    <>
      <Mode />
      {model ? <p class="small">{text.value.controls.forModel(model)}</p> : null}
      <Presets settings={chatSettings.value} prefix="page" onChange={changeControls} />
      <SettingsForm
        settings={chatSettings.value}
        defaults={modelDefaults.value}
        contextLength={engine.value?.info.contextLength ?? null}
        isAdvanced={isAdvanced}
        prefix="page"
        onChange={changeControls}
      />
      <DeviceChoice />
    </>
  )
}

function Mode() {
  const words = text.value.controls
  return (
    <fieldset class="field">
      <legend class="visually-hidden">{words.mode}</legend>
      <div class="segments">
        {(['simple', 'advanced'] as const).map(mode => (
          <label key={mode}>
            <input
              type="radio"
              name="controls-mode"
              checked={settings.value.controls === mode}
              onChange={() => change({ controls: mode })}
            />
            <span>{words[mode]}</span>
          </label>
        ))}
      </div>
    </fieldset>
  )
}

function ResetButton() {
  const { resetAll, wasReset } = text.value.controls
  return (
    <button
      type="button"
      class="secondary"
      onClick={() => {
        undo.value = { text: wasReset, act: resetControls() }
      }}
    >
      {resetAll}
    </button>
  )
}

function DeviceChoice() {
  const { loader } = useActors()
  const words = text.value.controls
  return (
    <fieldset class="field">
      <legend>{words.device}</legend>
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
            {words.devices[device]}
          </label>
        ))}
      </div>
      <p class="small">{words.deviceDoes}</p>
    </fieldset>
  )
}

function useMatches(query: string): boolean {
  const matches = useSignal(matchMedia(query).matches)
  useEffect(() => {
    const list = matchMedia(query)
    const look = () => {
      matches.value = list.matches
    }
    list.addEventListener('change', look)
    return () => list.removeEventListener('change', look)
  }, [query])
  return matches.value
}
