/** What the user chose, kept in localStorage. `null` means "as the model recommends". */
import { computed, effect, signal } from '@preact/signals'
import type { Device } from '../engine/api.ts'
import { siteName } from '../engine/names.ts'
import { type Language, language, preferred, speak } from '../text/index.ts'
import { chosen, sharedArea } from './shared.ts'

export interface Settings {
  theme: 'system' | 'light' | 'dark'
  language: 'system' | Language
  device: 'auto' | Device
  model: string | null
  /** How many of an answer's settings are shown. */
  controls: 'simple' | 'advanced'
  /** In an answer's tokens: show where the model was unsure. */
  heat: boolean
  /** Reasons for a fallback that the user has read and put away; others are shown again. */
  dismissed: string
}

export const DEFAULTS: Readonly<Settings> = {
  theme: 'system',
  language: 'system',
  device: 'auto',
  model: null,
  controls: 'simple',
  heat: true,
  dismissed: '',
}
const KEY = siteName('slm-playground.settings')

export const settings = signal<Settings>(read())

export function change(part: Partial<Settings>): void {
  settings.value = { ...settings.value, ...part }
}

/** Saves every change, and puts theme and language on the page; ready once the page speaks it. */
export async function keepSettings(): Promise<void> {
  effect(() => {
    try {
      localStorage.setItem(KEY, JSON.stringify(settings.value))
    } catch {
      // Storage is full or forbidden: the settings hold for this page only.
    }
  })
  effect(() => {
    document.documentElement.dataset.theme = settings.value.theme
  })
  effect(() => {
    document.documentElement.lang = language.value
  })
  const wanted = computed(() => (settings.value.language === 'system' ? preferred() : settings.value.language))
  wanted.subscribe(choice => void speak(choice))
  await speak(wanted.value)
}

/** What other shells share, where it is not as it is without a choice. What runs well depends on the browser: not that. */
export const sharedSettings = sharedArea({
  name: 'settings',
  key: KEY,
  read: () => chosen(settings.value, DEFAULTS, ['theme', 'language', 'model', 'controls', 'heat']),
  write: values => {
    const { device, dismissed } = settings.peek()
    settings.value = { ...settingsFrom(values), device, dismissed }
  },
  reload: () => {
    settings.value = read()
  },
})

function read(): Settings {
  try {
    return settingsFrom(JSON.parse(localStorage.getItem(KEY) ?? '{}'))
  } catch {
    return { ...DEFAULTS }
  }
}

/** Stored values of the right type over the defaults: an older or damaged entry must not break the page. */
function settingsFrom(value: unknown): Settings {
  const known: Settings = { ...DEFAULTS }
  const stored: Record<string, unknown> = Object(value)
  const { theme, language: spoken, device, model, controls, heat, dismissed } = stored
  if (theme === 'light' || theme === 'dark') known.theme = theme
  if (spoken === 'en' || spoken === 'de') known.language = spoken
  if (device === 'webgpu' || device === 'cpu') known.device = device
  if (typeof model === 'string') known.model = model
  if (controls === 'advanced') known.controls = controls
  if (typeof heat === 'boolean') known.heat = heat
  if (typeof dismissed === 'string') known.dismissed = dismissed
  return known
}
