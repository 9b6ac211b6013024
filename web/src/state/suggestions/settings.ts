/** How the user wants suggestions and the editor, kept in localStorage. `null` means "as measured best for the model". */
import { effect, signal } from '@preact/signals'
import { siteName } from '../../engine/names.ts'
import { chosen, sharedArea } from '../shared.ts'
import { DEFAULT_KEYS, KEY_ACTIONS, type KeyBindings } from './keys.ts'

export type SuggestionLength = 1 | 4 | 'sentence'

export interface WritingSettings {
  enabled: boolean
  /** Until this time (ms since 1970) no suggestion is shown. */
  pausedUntil: number
  /** Least confidence of a shown suggestion, 0 to 1; null leaves it to the model's measured default. */
  minConfidence: number | null
  length: SuggestionLength
  /** What kind of text this is, in the user's words. */
  note: string
  tabAccepts: 'all' | 'word'
  tabIndentsLists: boolean
  /** Whether phrases of accepted text are remembered: only where the user asked for it. */
  remembers: boolean
  keys: KeyBindings
}

export const WRITING_DEFAULTS: Readonly<WritingSettings> = {
  enabled: true,
  pausedUntil: 0,
  minConfidence: null,
  length: 4,
  note: '',
  tabAccepts: 'all',
  tabIndentsLists: true,
  remembers: false,
  keys: DEFAULT_KEYS,
}

const KEY = siteName('slm-playground.writing')
const NOTE_CHARACTERS = 200

export const writing = signal<WritingSettings>(read())

export function changeWriting(part: Partial<WritingSettings>): void {
  writing.value = { ...writing.value, ...part }
}

/** Saves every change. */
export function keepWritingSettings(): () => void {
  return effect(() => {
    try {
      localStorage.setItem(KEY, JSON.stringify(writing.value))
    } catch {
      // Storage is full or forbidden: the settings hold for this page only.
    }
  })
}

/** What other shells share; a pause is this window's. */
export const sharedWriting = sharedArea({
  name: 'writing',
  key: KEY,
  read: () => {
    const { pausedUntil: _, ...shared } = writing.value
    return chosen(shared, WRITING_DEFAULTS, Object.keys(shared))
  },
  write: values => {
    writing.value = { ...writingFrom(values), pausedUntil: writing.peek().pausedUntil }
  },
  reload: () => {
    writing.value = read()
  },
})

function read(): WritingSettings {
  try {
    return writingFrom(JSON.parse(localStorage.getItem(KEY) ?? '{}'))
  } catch {
    return { ...WRITING_DEFAULTS }
  }
}

/** Stored values of the right type over the defaults: an older or damaged entry must not break the page. */
function writingFrom(value: unknown): WritingSettings {
  const known: WritingSettings = { ...WRITING_DEFAULTS }
  const stored: Record<string, unknown> = Object(value)
  const { enabled, pausedUntil, minConfidence, length, note, tabAccepts, tabIndentsLists, remembers, keys } = stored
  if (typeof enabled === 'boolean') known.enabled = enabled
  if (typeof pausedUntil === 'number') known.pausedUntil = pausedUntil
  if (typeof minConfidence === 'number' && minConfidence >= 0 && minConfidence <= 1) known.minConfidence = minConfidence
  if (length === 1 || length === 4 || length === 'sentence') known.length = length
  if (typeof note === 'string') known.note = note.slice(0, NOTE_CHARACTERS)
  if (tabAccepts === 'all' || tabAccepts === 'word') known.tabAccepts = tabAccepts
  if (typeof tabIndentsLists === 'boolean') known.tabIndentsLists = tabIndentsLists
  if (typeof remembers === 'boolean') known.remembers = remembers
  known.keys = readKeys(keys)
  return known
}

function readKeys(stored: unknown): KeyBindings {
  const keys = { ...DEFAULT_KEYS }
  for (const action of KEY_ACTIONS) {
    const list: unknown = Object(stored)[action]
    if (Array.isArray(list) && list.every(key => typeof key === 'string')) keys[action] = list
  }
  return keys
}
