/** How answers are written, as the user set it for each model; kept in localStorage. What is null is the model's own. */
import { computed, effect, signal } from '@preact/signals'
import { siteName } from '../engine/names.ts'
import { type ChatSettings, MODEL_DEFAULTS, readChatSettings } from '../tasks/chat.ts'
import type { ChatHead } from './chats/types.ts'
import { engine, loadState } from './engine.ts'
import { settings } from './settings.ts'
import { sharedArea } from './shared.ts'

const KEY = siteName('slm-playground.controls')

/** Model id → settings; a model that nobody set anything for is not in it. */
const byModel = signal<Readonly<Record<string, ChatSettings>>>(read())

/** The model that the settings are for: the one that runs or is being loaded, else the one that was chosen. */
export const controlledModel = computed(() => {
  const state = loadState.value
  return ('model' in state ? state.model?.id : null) ?? settings.value.model ?? ''
})

/** Settings of the page's model. */
export const chatSettings = computed<ChatSettings>(() => byModel.value[controlledModel.value] ?? MODEL_DEFAULTS)

/** How the answers of a chat are written: as the page's settings say, but for what the chat has of its own. */
export function settingsOf({ overrides }: Pick<ChatHead, 'overrides'>): ChatSettings {
  return { ...chatSettings.value, ...overrides }
}

/** Whether the settings are shown. */
export const settingsOpen = signal(false)

export type Defaults = Readonly<Record<Exclude<keyof ChatSettings, 'system' | 'stop' | 'format' | 'seed'>, number>>

/** What null stands for: as the bundle's manifest says, off where it says nothing. Null while no model runs. */
export const modelDefaults = computed<Defaults | null>(() => {
  const info = engine.value?.info
  return info ? { min_p: 0, presence_penalty: 0, frequency_penalty: 0, ...info.defaults } : null
})

export function changeControls(part: Partial<ChatSettings>): void {
  byModel.value = { ...byModel.value, [controlledModel.value]: { ...chatSettings.value, ...part } }
}

/** All of them back to the model's own; the returned function undoes it. */
export function resetControls(): () => void {
  const [model, before] = [controlledModel.value, byModel.value[controlledModel.value]]
  const { [model]: _, ...others } = byModel.value
  byModel.value = others
  return () => {
    if (before) byModel.value = { ...byModel.value, [model]: before }
  }
}

/** Saves every change. */
export function keepControls(): () => void {
  return effect(() => {
    try {
      localStorage.setItem(KEY, JSON.stringify(byModel.value))
    } catch {
      // Storage is full or forbidden: the settings hold for this page only.
    }
  })
}

/** What other shells share: the settings of each model. */
export const sharedControls = sharedArea({
  name: 'controls',
  key: KEY,
  read: () => byModel.value,
  write: values => {
    byModel.value = controlsFrom(values)
  },
  reload: () => {
    byModel.value = read()
  },
})

function read(): Record<string, ChatSettings> {
  try {
    return controlsFrom(JSON.parse(localStorage.getItem(KEY) ?? '{}'))
  } catch {
    return {}
  }
}

/** An older or damaged entry must not break the page: what is impossible in it is left to the model. */
function controlsFrom(value: unknown): Record<string, ChatSettings> {
  const stored: Record<string, unknown> = Object(value)
  return Object.fromEntries(Object.entries(stored).map(([model, item]) => [model, readChatSettings(item).settings]))
}
