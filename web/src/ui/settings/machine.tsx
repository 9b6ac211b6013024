/** Settings that belong to the app on this machine, not to a chat: shown by the desktop app alone. */
import { type Signal, useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { announcement } from '../../state/announce.ts'
import { inWords } from '../../state/in-words.ts'
import { askForNewest, choose, lookAtMachine, type Machine, machine, type Newest } from '../../state/machine.ts'
import { text } from '../../text/index.ts'
import '../css/data.css'

type Doing = 'look' | 'tray' | 'shortcut' | 'update'

/** Runs one thing at a time, keeps what went wrong beside what it was for. */
interface Attempts {
  running: Signal<Doing | null>
  failure: Signal<{ of: Doing; said: string } | null>
  attempt: (of: Doing, act: () => Promise<unknown>) => Promise<void>
}

export function MachineSection() {
  const running = useSignal<Doing | null>(null)
  const failure = useSignal<{ of: Doing; said: string } | null>(null)
  const words = text.value.machine
  const attempt: Attempts['attempt'] = async (of, act) => {
    if (running.peek()) return
    running.value = of
    if (failure.peek()?.of === of) failure.value = null
    try {
      await act()
    } catch (error) {
      failure.value = { of, said: inWords(error) }
      announcement.value = failure.value.said
    } finally {
      running.value = null
    }
  }
  const attempts = { running, failure, attempt }
  return (
    <details
      class="data-kept"
      onToggle={event => {
        if (event.currentTarget.open) void attempt('look', lookAtMachine)
      }}
    >
      <summary>{words.title}</summary>
      <div class="data-body">
        <p class="small">{words.lead}</p>
        <Failure of="look" {...attempts} />
        {machine.value ? (
          <>
            <Tray now={machine.value} {...attempts} />
            <Shortcut now={machine.value} {...attempts} />
            <Updates now={machine.value} {...attempts} />
          </>
        ) : null}
      </div>
    </details>
  )
}

type PartProps = Attempts & { now: Machine }

function Tray({ now, ...attempts }: PartProps) {
  const words = text.value.machine
  const state = now.choices.tray ? words.trayIs[now.tray] : ''
  return (
    <div class="field">
      <Switch
        name={words.tray}
        does={words.trayDoes}
        id="machine-tray"
        checked={now.choices.tray}
        onChange={tray => void attempts.attempt('tray', () => choose({ tray }))}
      />
      <State of="tray" {...attempts} isGood={now.tray === 'shown'}>
        {state}
      </State>
    </div>
  )
}

function Shortcut({ now, ...attempts }: PartProps) {
  const words = text.value.machine
  const { shortcut: isOn, keys } = now.choices
  if (now.shortcut === 'wayland' || now.shortcut === 'macos') {
    return (
      <div class="field">
        <p class="small">
          <strong>{words.shortcut}</strong>
        </p>
        <p class="small">{words.shortcutBySystem[now.shortcut]}</p>
        <code class="path">{now.command}</code>
      </div>
    )
  }
  const state = isOn ? words.shortcutIs[now.shortcut](keys) : ''
  return (
    <div class="field">
      <Switch
        name={words.shortcut}
        does={words.shortcutDoes}
        id="machine-shortcut"
        checked={isOn}
        onChange={shortcut => void attempts.attempt('shortcut', () => choose({ shortcut }))}
      />
      <KeysField
        key={keys}
        keys={keys}
        isBad={attempts.failure.value?.of === 'shortcut'}
        onChange={wanted => void attempts.attempt('shortcut', () => choose({ keys: wanted, shortcut: true }))}
      />
      <State of="shortcut" {...attempts} isGood={now.shortcut === 'on'}>
        {state}
      </State>
    </div>
  )
}

function KeysField({ keys, isBad, onChange }: { keys: string; isBad: boolean; onChange: (keys: string) => void }) {
  const words = text.value.machine
  const draft = useSignal(keys)
  return (
    <>
      <label class="small" for="machine-keys">
        {words.keys}
      </label>
      <div class="with-button">
        <input
          id="machine-keys"
          type="text"
          autocomplete="off"
          spellcheck={false}
          value={draft.value}
          aria-invalid={isBad}
          onInput={event => {
            draft.value = event.currentTarget.value
          }}
          onKeyDown={event => {
            if (event.key !== 'Enter' || event.isComposing) return
            event.preventDefault() // it would close the dialog
            onChange(draft.value)
          }}
        />
        <button type="button" class="secondary" onClick={() => onChange(draft.value)}>
          {words.keysUse}
        </button>
      </div>
    </>
  )
}

function Updates({ now: { version, releases }, ...attempts }: PartProps) {
  const words = text.value.machine
  const found = useSignal<Newest | null>(null)
  const ask = () =>
    attempts.attempt('update', async () => {
      found.value = null
      found.value = await askForNewest()
      announcement.value = sayFound(found.value)
    })
  return (
    <div class="field">
      <p class="small">
        <strong>{words.version(version)}</strong>
      </p>
      {releases ? (
        <>
          <p class="small" id="machine-update-does">
            {words.updateDoes} <code class="path">{releases}</code>
          </p>
          <div class="panel-row start">
            <button type="button" class="secondary" aria-describedby="machine-update-does" onClick={() => void ask()}>
              {words.updateAsk}
            </button>
          </div>
          <State of="update" {...attempts} isGood>
            {found.value ? (
              <>
                {sayFound(found.value)}{' '}
                {found.value.is_newer && found.value.page ? (
                  <a href={found.value.page} target="_blank" rel="noreferrer">
                    {words.updatePage}
                  </a>
                ) : null}
              </>
            ) : null}
          </State>
        </>
      ) : null}
    </div>
  )
}

function sayFound({ is_newer: isNewer, newest }: Newest): string {
  const words = text.peek().machine
  return isNewer ? words.updateNewer(newest) : words.upToDate(newest)
}

interface SwitchProps {
  name: string
  does: string
  id: string
  checked: boolean
  onChange: (on: boolean) => void
}

function Switch({ name, does, id, checked, onChange }: SwitchProps) {
  return (
    <>
      <label class="data-switch">
        <input
          type="checkbox"
          checked={checked}
          aria-describedby={`${id}-does`}
          onChange={event => onChange(event.currentTarget.checked)}
        />
        {name}
      </label>
      <p class="small" id={`${id}-does`}>
        {does}
      </p>
    </>
  )
}

/** How it stands: under way, what went wrong, or `children`. */
function State({
  of,
  isGood,
  children,
  ...attempts
}: Attempts & { of: Doing; isGood: boolean; children: ComponentChildren }) {
  if (attempts.running.value === of) return <p class="small">{text.value.machine.underWay}</p>
  if (attempts.failure.value?.of === of) return <Failure of={of} {...attempts} />
  return children ? <p class={`small ${isGood ? 'note' : 'bad'}`}>{children}</p> : null
}

function Failure({ of, failure }: Attempts & { of: Doing }) {
  if (failure.value?.of !== of) return null
  return (
    <p class="small bad" role="alert">
      {failure.value.said}
    </p>
  )
}
