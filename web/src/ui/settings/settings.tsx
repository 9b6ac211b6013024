/** The page's settings: how answers are written and where the model runs. Beside the page where there is room, else over it. */
import type { Signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { undo } from '../../state/announce.ts'
import { chat } from '../../state/chat.ts'
import { changeControls, chatSettings, modelDefaults, resetControls, settingsOf } from '../../state/controls.ts'
import { engine } from '../../state/engine.ts'
import { isInApp } from '../../state/machine.ts'
import { route } from '../../state/route.ts'
import { change, settings } from '../../state/settings.ts'
import { hasControls } from '../../state/site.ts'
import { type ChatSettings, overriding } from '../../tasks/chat.ts'
import { text } from '../../text/index.ts'
import { useActors } from '../parts/context.ts'
import { Dialog } from '../parts/dialog.tsx'
import { restFocus } from '../parts/focus.ts'
import { Icon } from '../parts/icons.tsx'
import { Late } from '../parts/late.ts'
import { useMatches } from '../parts/matches.ts'
import { MissingPart } from '../parts/missing.tsx'
import { DataSection } from './data.tsx'
import { SettingsForm } from './form.tsx'
import { Presets } from './presets.tsx'
import { Scope, scope } from './scope.tsx'
import { Segments } from './segments.tsx'
import '../css/controls.css'

/** Of the desktop app alone. */
const machine = new Late(async () => (await import('./machine.tsx')).MachineSection)

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
  const panel = useRef<HTMLElement>(null)
  const heading = useRef<HTMLHeadingElement>(null)
  const opener = useRef<HTMLElement | null>(null)
  useEffect(() => {
    opener.current = document.activeElement instanceof HTMLElement ? document.activeElement : null
    heading.current?.focus()
    return () => {
      open.value = false // on another page it would open over everything
    }
  }, [])
  const onClose = () => {
    opener.current?.focus()
    if (panel.current?.contains(document.activeElement)) restFocus() // what opened it is gone
    open.value = false
  }
  return (
    <aside
      ref={panel}
      class="side-panel"
      aria-labelledby="side-panel-title"
      onKeyDown={event => {
        if (event.key !== 'Escape' || event.isComposing || event.defaultPrevented) return
        event.preventDefault() // elsewhere on the page it stops the answer
        onClose()
      }}
    >
      <div class="panel-row">
        <h2 id="side-panel-title" tabIndex={-1} ref={heading}>
          {title}
        </h2>
        <button type="button" class="tool" aria-label={close} onClick={onClose}>
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
  const { conversation } = useActors()
  const isAdvanced = hasControls('advanced') && settings.value.controls === 'advanced'
  const isOwn = scope.value === 'chat'
  const { overrides } = chat.value.head
  const shown = isOwn ? settingsOf(chat.value.head) : chatSettings.value
  const set = (part: Partial<ChatSettings>) => {
    if (isOwn) conversation.override(overriding(overrides, part, chatSettings.value))
    else changeControls(part)
  }
  return (
    <>
      {hasControls('advanced') ? <Mode /> : null}
      <Scope />
      {hasControls('presets') ? <Presets key={scope.value} settings={shown} prefix="page" onChange={set} /> : null}
      <SettingsForm
        settings={shown}
        {...(isOwn ? { base: chatSettings.value } : {})}
        defaults={modelDefaults.value}
        contextLength={engine.value?.info.contextLength ?? null}
        isAdvanced={isAdvanced}
        prefix="page"
        onChange={set}
      />
      {hasControls('device') ? <DeviceChoice /> : null}
      {isInApp.value ? <AppSection /> : null}
      <DataSection />
    </>
  )
}

function Mode() {
  const words = text.value.controls
  return (
    <fieldset class="field">
      <legend class="visually-hidden">{words.mode}</legend>
      <Segments
        name="controls-mode"
        choices={{ simple: words.simple, advanced: words.advanced }}
        chosen={settings.value.controls}
        onChoose={controls => change({ controls })}
      />
    </fieldset>
  )
}

function ResetButton() {
  const { conversation } = useActors()
  const { resetAll, wasReset, scope: own } = text.value.controls
  const isOwn = scope.value === 'chat'
  const reset = () => {
    if (!isOwn) return { text: wasReset, act: resetControls() }
    const { id, overrides } = chat.value.head
    conversation.override({})
    const act = async () => {
      if (await conversation.open(id)) conversation.override(overrides)
    }
    return { text: own.wasReset, act }
  }
  return (
    <button
      type="button"
      class="secondary"
      onClick={() => {
        undo.value = reset()
      }}
    >
      {isOwn ? own.reset : resetAll}
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

function AppSection() {
  useEffect(() => machine.ask(), [])
  const Section = machine.component.value
  if (Section) return <Section />
  return machine.isMissing.value ? <MissingPart name={text.value.machine.title} /> : null
}
