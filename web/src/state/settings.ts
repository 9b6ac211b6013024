/** What the user chose, kept in localStorage. `null` means "as the model recommends". */
import { effect, signal } from '@preact/signals'
import type { Device } from '../engine/api.ts'

export interface Settings {
  theme: 'system' | 'light' | 'dark'
  device: 'auto' | Device
  model: string | null
  /** Reasons for a fallback that the user has read and put away; others are shown again. */
  dismissed: string
}

export const DEFAULTS: Readonly<Settings> = {
  theme: 'system',
  device: 'auto',
  model: null,
  dismissed: '',
}
const KEY = 'slm-playground.settings'

export const settings = signal<Settings>(read())

export function change(part: Partial<Settings>): void {
  settings.value = { ...settings.value, ...part }
}

/** Saves every change, and puts the theme on the page. */
export function keepSettings(): void {
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
}

/** Stored values of the right type over the defaults: an older or damaged entry must not break the page. */
function read(): Settings {
  const known: Settings = { ...DEFAULTS }
  let stored: Record<string, unknown>
  try {
    stored = Object(JSON.parse(localStorage.getItem(KEY) ?? '{}'))
  } catch {
    return known
  }
  const { theme, device, model, dismissed } = stored
  if (theme === 'light' || theme === 'dark') known.theme = theme
  if (device === 'webgpu' || device === 'cpu') known.device = device
  if (typeof model === 'string') known.model = model
  if (typeof dismissed === 'string') known.dismissed = dismissed
  return known
}
