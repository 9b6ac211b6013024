/** The desktop app on this machine: its icon in the tray, its shortcut, and the question for a newer version. */
import { computed, effect, signal } from '@preact/signals'
import { type Language, language } from '../text/index.ts'
import { modelList } from './models.ts'
import { read, write } from './server.ts'

export interface MachineChoices {
  tray: boolean
  shortcut: boolean
  /** Such as Ctrl+Alt+Space. */
  keys: string
  /** Of the icon's menu. */
  language: Language
}

export interface Machine {
  version: string
  /** What is asked for the newest version, null where the package names nobody. */
  releases: string | null
  /** Starts the app, or raises its window. */
  command: string
  choices: MachineChoices
  tray: 'off' | 'shown' | 'no-tray' | 'not-installed' | 'failed'
  shortcut: 'off' | 'on' | 'taken' | 'no-such-key' | 'not-installed' | 'failed' | 'wayland' | 'macos'
}

export interface Newest {
  own: string
  newest: string
  is_newer: boolean
  page: string | null
}

/** Null until somebody looks. */
export const machine = signal<Machine | null>(null)
/** Whether the page is shown by the desktop app. */
export const isInApp = computed(() => Boolean(modelList.value?.shell))

/** @throws ServerError; TypeError where no server answers */
export async function lookAtMachine(): Promise<void> {
  machine.value = (await read('desktop/machine')) as Machine // our own server's, typed and tested in playground/
}

/** Takes until it is known how that went. @throws ServerError where the keys will not do, or it cannot be kept */
export async function choose(part: Partial<MachineChoices>): Promise<void> {
  const body = { language: language.peek(), ...part }
  machine.value = (await write('PUT', 'desktop/machine', body)) as Machine
}

/** The one request to another server, made by ours. @throws ServerError with the reason where it was in vain */
export async function askForNewest(): Promise<Newest> {
  return (await write('POST', 'desktop/update')) as Newest
}

const iconLanguage = computed(() => {
  const known = machine.value
  if (!known) return modelList.value?.shell?.icon_language ?? null
  return known.choices.tray ? known.choices.language : null
})

/** The icon's menu speaks as the page does. */
export function followLanguage(): () => void {
  return effect(() => {
    const spoken = language.value
    // Untold, the menu stays in the language it has.
    if (iconLanguage.value !== null && iconLanguage.value !== spoken) choose({}).catch(() => {})
  })
}
