/** What the user chose, kept in localStorage. `null` means "as the model recommends". */
import { effect, signal } from '@preact/signals'
import type { Device } from '../engine/api.ts'

export interface Settings {
  theme: 'system' | 'light' | 'dark'
  device: 'auto' | Device
  model: string | null
  system: string
  temperature: number | null
  max_tokens: number | null
  seed: number | null
  /** Reasons for a fallback that the user has read and put away; others are shown again. */
  dismissed: string
}

export const DEFAULTS: Readonly<Settings> = {
  theme: 'system',
  device: 'auto',
  model: null,
  system: '',
  temperature: null,
  max_tokens: null,
  seed: null,
  dismissed: '',
}
const KEY = 'slm-playground.settings'

export const settings = signal<Settings>(read())

export function change(part: Partial<Settings>): void {
  settings.value = { ...settings.value, ...part }
}

/** Sampling and system prompt back to the model's own; theme, device and model stay. */
export function resetSampling(): void {
  const { system, temperature, max_tokens, seed } = DEFAULTS
  change({ system, temperature, max_tokens, seed })
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
  const { theme, device, model, system, temperature, max_tokens, seed, dismissed } = stored
  if (theme === 'light' || theme === 'dark') known.theme = theme
  if (device === 'webgpu' || device === 'cpu') known.device = device
  if (typeof model === 'string') known.model = model
  if (typeof system === 'string') known.system = system
  if (typeof dismissed === 'string') known.dismissed = dismissed
  if (isNumber(temperature, 0, 2)) known.temperature = temperature
  if (isNumber(max_tokens, 1, 100_000)) known.max_tokens = Math.round(max_tokens)
  if (isNumber(seed, 0, 2 ** 32 - 1)) known.seed = Math.round(seed)
  return known
}

function isNumber(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && value >= least && value <= most
}
