/** Top bar: product, pages, model and what it runs on, and the page's own controls. */
import type { Signal } from '@preact/signals'
import { loadState, runsOn } from '../../state/engine.ts'
import { choiceOf, deviceFacts } from '../../state/fit.ts'
import { chatModels, keptBundles, type ModelSummary } from '../../state/models.ts'
import { href } from '../../state/route.ts'
import { change, settings } from '../../state/settings.ts'
import { isSite, site } from '../../state/site.ts'
import { text } from '../../text/index.ts'
import { useActors } from '../parts/context.ts'
import { bytes, parameters } from '../parts/format.ts'
import { Icon } from '../parts/icons.tsx'
import { lettered } from '../parts/keys.ts'
import { currentPage } from './outlet.tsx'
import { pages as shown } from './pages.ts'

const THEMES = {
  system: { next: 'light', icon: 'screen' },
  light: { next: 'dark', icon: 'sun' },
  dark: { next: 'system', icon: 'moon' },
} as const

interface HeaderProps {
  settingsOpen: Signal<boolean>
  commandsOpen: Signal<boolean>
}

export function Header({ settingsOpen, commandsOpen }: HeaderProps) {
  const { tools, settings: settingsName, commands, theme, product } = text.value.shell
  const { next, icon } = THEMES[settings.value.theme]
  return (
    <header class="bar">
      <div class="brand">
        <img src={site.value?.logo ?? './icon.svg'} alt="" width="28" height="28" />
        <h1 title={site.value?.title}>{site.value?.title ?? product}</h1>
      </div>
      <Pages />
      <ModelName />
      <nav class="tools" aria-label={tools}>
        <Tool name={`${commands.open} (${lettered('Ctrl+K')})`} icon="search" open={commandsOpen} />
        <Tool name={settingsName} icon="sliders" open={settingsOpen} />
        <button
          type="button"
          class="tool"
          aria-label={theme[settings.value.theme]}
          title={theme[settings.value.theme]}
          onClick={() => change({ theme: next })}
        >
          <Icon name={icon} />
        </button>
      </nav>
    </header>
  )
}

function Tool({ name, icon, open }: { name: string; icon: 'search' | 'sliders'; open: Signal<boolean> }) {
  return (
    <button
      type="button"
      class="tool"
      aria-label={name}
      title={name}
      aria-haspopup="dialog"
      onClick={() => {
        open.value = true
      }}
    >
      <Icon name={icon} />
    </button>
  )
}

/** Tabs of the bar; on phones a row at the bottom. Not there while there is only one page. */
function Pages() {
  const { pages } = text.value.shell
  if (shown.value.length < 2) return null
  const current = currentPage()
  return (
    <nav class="pages" aria-label={pages.label}>
      {shown.value.map(({ name, icon }) => (
        <a key={name} href={href(name)} aria-current={name === current.name ? 'page' : undefined}>
          <Icon name={icon} />
          <span>{pages[name]}</span>
        </a>
      ))}
    </nav>
  )
}

function ModelName() {
  const state = loadState.value
  const model = 'model' in state ? state.model : null
  const { loader } = useActors()
  if (!model) return <div class="model" />
  const models = chatModels.value
  return (
    <div class="model">
      {models.length > 1 ? (
        <select
          aria-label={text.value.shell.model}
          value={model.id}
          onChange={event => loader.choose(event.currentTarget.value)}
        >
          {models.map(entry => (
            <option key={entry.id} value={entry.id}>
              {nameWithSize(entry)}
            </option>
          ))}
        </select>
      ) : (
        <span class="model-name" title={text.value.shell.modelFacts(parameters(model.parameters), model.licence)}>
          {model.name}
        </span>
      )}
      <Badge />
    </div>
  )
}

/** On a site, what a model not kept yet would download is told before it is chosen. */
function nameWithSize({ name, url, variants }: ModelSummary): string {
  const isHere = !isSite || keptBundles.value.some(({ bundle, variants: kept }) => bundle === url && kept.length > 0)
  const chosen = deviceFacts.value && choiceOf(variants, deviceFacts.value, settings.value.device)
  return isHere || !chosen ? name : `${name} (${bytes(chosen.download_bytes)})`
}

/** Device and variant of the running engine, leading to the device's page; while it loads, that it does. */
function Badge() {
  const state = loadState.value
  const words = text.value.shell
  if (state.status === 'loading') return <span class="badge">{words.modelLoading}</span>
  if (state.status === 'failed') return <span class="badge bad">{words.modelOff}</span>
  if (state.status !== 'ready') return null
  const { device, variant, threads, adapter, backend } = state.engine.info
  const code = backend.startsWith('simd') ? words.ownKernels : 'ONNX Runtime'
  const more = device === 'cpu' ? ` · ${code}, ${words.threads(threads)}` : ''
  const badge = (
    <span class="badge good">
      <Icon name="chip" />
      {runsOn(state.engine.info)}
      <span class="wide">{more}</span>
    </span>
  )
  if (!shown.value.some(({ name }) => name === 'device')) return badge
  return (
    <a class="badge-button" href={href('device')} title={words.badge(adapter ?? words.processor, backend, variant)}>
      {badge}
    </a>
  )
}
