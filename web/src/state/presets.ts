/** Named settings: kept in localStorage, taken out and brought in as JSON files. */
import { effect, signal } from '@preact/signals'
import { siteName } from '../engine/names.ts'
import { type ChatSettings, readChatSettings } from '../tasks/chat.ts'
import { sharedArea } from './shared.ts'

export interface Preset {
  name: string
  settings: ChatSettings
}

/** What a preset's file holds; keys are those of the JSON. */
interface PresetFile {
  format: typeof FORMAT
  version: 1
  name: string
  settings: ChatSettings
}

export type ImportProblem =
  | { kind: 'not-json' }
  | { kind: 'not-a-preset' }
  | { kind: 'too-new'; version: number }
  | { kind: 'wrong-settings'; names: string[] }

const FORMAT = 'slm-playground-preset'
const VERSION = 1
const KEY = siteName('slm-playground.presets')
const LONGEST_NAME = 60

/** By name, in the order of the alphabet. */
export const presets = signal<readonly Preset[]>(read())

/** Saves settings under a name; a preset that has it already is replaced. The returned function undoes it. */
export function savePreset(name: string, settings: ChatSettings): () => void {
  const before = presets.value
  const saved = { name: cleanName(name), settings }
  presets.value = sorted([...before.filter(preset => preset.name !== saved.name), saved])
  return () => {
    presets.value = before
  }
}

/** False where another preset has that name already, or the name is empty. */
export function renamePreset(from: string, to: string): boolean {
  const name = cleanName(to)
  if (name === '' || (name !== from && presets.value.some(preset => preset.name === name))) return false
  presets.value = sorted(presets.value.map(preset => (preset.name === from ? { ...preset, name } : preset)))
  return true
}

/** The returned function brings it back. */
export function deletePreset(name: string): () => void {
  const gone = presets.value.filter(preset => preset.name === name)
  presets.value = presets.value.filter(preset => preset.name !== name)
  return () => {
    presets.value = sorted([...presets.value.filter(preset => preset.name !== name), ...gone])
  }
}

/** Presets that an author gave along; one of the user's own with such a name stays as it is. */
export function offerPresets(files: readonly unknown[]): void {
  for (const file of files) {
    if (presets.value.some(({ name }) => name === Object(file).name)) continue
    const read = readPresetFile(JSON.stringify(file))
    if (!('kind' in read)) presets.value = sorted([...presets.value, read])
  }
}

/** A preset as the text of a file. */
export function presetFile({ name, settings }: Preset): string {
  const file: PresetFile = { format: FORMAT, version: VERSION, name, settings }
  return `${JSON.stringify(file, null, 2)}\n`
}

/** A preset out of a file's text, under a name that no other has. It is not saved by this. */
export function readPresetFile(text: string): Preset | ImportProblem {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return { kind: 'not-json' }
  }
  const { format, version, name, settings: given } = Object(parsed)
  if (format !== FORMAT || typeof name !== 'string' || cleanName(name) === '') return { kind: 'not-a-preset' }
  if (version !== VERSION) return { kind: 'too-new', version: Number(version) }
  const { settings, wrong } = readChatSettings(given)
  return wrong.length > 0 ? { kind: 'wrong-settings', names: wrong } : { name: freeName(name), settings }
}

/** Saves every change. */
export function keepPresets(): () => void {
  return effect(() => {
    try {
      localStorage.setItem(KEY, JSON.stringify(presets.value))
    } catch {
      // Storage is full or forbidden: the presets hold for this page only, and can be exported.
    }
  })
}

/** What other shells share: each preset by its name. */
export const sharedPresets = sharedArea({
  name: 'presets',
  key: KEY,
  read: () => Object.fromEntries(presets.value.map(({ name, settings }) => [name, settings])),
  write: values => {
    const list = Object.entries(values).map(([name, settings]) => ({ name, settings }))
    presets.value = presetsFrom(list)
  },
  reload: () => {
    presets.value = read()
  },
})

function freeName(wanted: string): string {
  const name = cleanName(wanted)
  const taken = new Set(presets.value.map(preset => preset.name))
  if (!taken.has(name)) return name
  for (let number = 2; ; number++) if (!taken.has(`${name} ${number}`)) return `${name} ${number}`
}

function cleanName(name: string): string {
  return name.trim().replace(/\s+/g, ' ').slice(0, LONGEST_NAME)
}

function sorted(list: readonly Preset[]): Preset[] {
  return [...list].sort((a, b) => a.name.localeCompare(b.name))
}

function read(): Preset[] {
  try {
    return presetsFrom(JSON.parse(localStorage.getItem(KEY) ?? '[]'))
  } catch {
    return []
  }
}

function presetsFrom(stored: unknown): Preset[] {
  if (!Array.isArray(stored)) return []
  const named = stored.filter(entry => typeof Object(entry).name === 'string' && Object(entry).name !== '')
  return sorted(named.map(({ name, settings }) => ({ name, settings: readChatSettings(settings).settings })))
}
