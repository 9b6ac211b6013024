/** Top bar: product, model, what it runs on, and the page's own controls. */
import type { Signal } from '@preact/signals'
import { loadState, runsOn } from '../../state/engine.ts'
import { chatModels } from '../../state/models.ts'
import { change, settings } from '../../state/settings.ts'
import { useActors } from '../parts/context.ts'
import { parameters } from '../parts/format.ts'
import { Icon } from '../parts/icons.tsx'

const THEMES = {
  system: { next: 'light', icon: 'screen', label: 'Theme: as the system. Switch to light' },
  light: { next: 'dark', icon: 'sun', label: 'Theme: light. Switch to dark' },
  dark: { next: 'system', icon: 'moon', label: 'Theme: dark. Switch to the system’s' },
} as const

interface HeaderProps {
  settingsOpen: Signal<boolean>
  speedOpen: Signal<boolean>
  onNewChat: () => void
}

export function Header({ settingsOpen, speedOpen, onNewChat }: HeaderProps) {
  const theme = THEMES[settings.value.theme]
  return (
    <header class="bar">
      <div class="brand">
        <img src="./icon.svg" alt="" width="28" height="28" />
        <h1>SLM Playground</h1>
      </div>
      <ModelName speedOpen={speedOpen} />
      <nav class="tools" aria-label="Page">
        <button type="button" class="tool" onClick={onNewChat} title="New chat (Ctrl+Shift+O)">
          <Icon name="plus" />
          <span class="wide">New chat</span>
        </button>
        <button
          type="button"
          class="tool"
          aria-label="Settings"
          title="Settings"
          aria-haspopup="dialog"
          onClick={() => {
            settingsOpen.value = true
          }}
        >
          <Icon name="sliders" />
        </button>
        <button
          type="button"
          class="tool"
          aria-label={theme.label}
          title={theme.label}
          onClick={() => change({ theme: theme.next })}
        >
          <Icon name={theme.icon} />
        </button>
      </nav>
    </header>
  )
}

function ModelName({ speedOpen }: { speedOpen: Signal<boolean> }) {
  const state = loadState.value
  const model = 'model' in state ? state.model : null
  const { loader } = useActors()
  if (!model) return <div class="model" />
  const models = chatModels.value
  return (
    <div class="model">
      {models.length > 1 ? (
        <select aria-label="Model" value={model.id} onChange={event => loader.choose(event.currentTarget.value)}>
          {models.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      ) : (
        <span class="model-name" title={`${parameters(model.parameters)} parameters, ${model.licence}`}>
          {model.name}
        </span>
      )}
      <Badge speedOpen={speedOpen} />
    </div>
  )
}

/** Device and variant of the running engine, opening its speed; while it loads, that it does. */
function Badge({ speedOpen }: { speedOpen: Signal<boolean> }) {
  const state = loadState.value
  if (state.status === 'loading') return <span class="badge">Loading…</span>
  if (state.status === 'failed') return <span class="badge bad">Not running</span>
  if (state.status !== 'ready') return null
  const { device, variant, threads, adapter, backend } = state.engine.info
  const code = backend.startsWith('simd') ? 'own kernels' : 'ONNX Runtime'
  const more = device === 'cpu' ? ` · ${code}, ${threads} ${threads === 1 ? 'thread' : 'threads'}` : ''
  return (
    <button
      type="button"
      class="badge-button"
      title={`${adapter ?? 'Processor'}, ${backend}, variant ${variant}. Measure its speed`}
      aria-haspopup="dialog"
      onClick={() => {
        speedOpen.value = true
      }}
    >
      <span class="badge good">
        <Icon name="chip" />
        {runsOn(state.engine.info)}
        <span class="wide">{more}</span>
      </span>
    </button>
  )
}
