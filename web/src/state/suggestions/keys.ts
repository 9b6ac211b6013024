/**
 * The editor's keys: which key does what, in CodeMirror's spelling (`Mod-ArrowRight`; `Mod` is ⌘ on a Mac, else Ctrl), as
 * people read them, and which two do not go together. Pure.
 */
/** What the keys do with suggestions and the editor. */
export type GhostAction =
  | 'accept'
  | 'acceptWord'
  | 'dismiss'
  | 'next'
  | 'previous'
  | 'trigger'
  | 'toggle'
  | 'pause'
  | 'read'
  | 'focusMode'
/** What they do with corrections. */
export type MarkAction = 'nextMark' | 'previousMark' | 'acceptMark' | 'dismissMark' | 'markMenu' | 'markList'
export type KeyAction = GhostAction | MarkAction

export type KeyBindings = Readonly<Record<KeyAction, readonly string[]>>

export const DEFAULT_KEYS: KeyBindings = {
  accept: ['Tab'],
  acceptWord: ['Mod-ArrowRight'],
  dismiss: ['Escape'],
  next: ['Alt-]'],
  previous: ['Alt-['],
  trigger: ['Ctrl-Space', 'Alt-\\'],
  toggle: ['Alt-Shift-s'],
  pause: ['Alt-Shift-p'],
  read: ['Alt-Shift-r'],
  focusMode: ['Alt-Shift-f'],
  nextMark: ['F8', 'Alt-.'],
  previousMark: ['Shift-F8', 'Alt-,'],
  acceptMark: ['Alt-Enter'],
  dismissMark: ['Alt-Shift-d'],
  markMenu: ['Mod-.'],
  markList: ['Alt-Shift-g'],
}

export const KEY_ACTIONS = Object.keys(DEFAULT_KEYS) as KeyAction[] // its keys are exactly the actions

/** What an editor's user has in their fingers: nothing here may take it away unsaid. */
const EDITOR_KEYS: Readonly<
  Record<string, 'undo' | 'redo' | 'find' | 'save' | 'copy' | 'selectAll' | 'commands' | 'open'>
> = {
  'Mod-z': 'undo',
  'Mod-y': 'redo',
  'Mod-Shift-z': 'redo',
  'Mod-f': 'find',
  'Mod-s': 'save',
  'Mod-o': 'open',
  'Mod-c': 'copy',
  'Mod-v': 'copy',
  'Mod-x': 'copy',
  'Mod-a': 'selectAll',
  'Mod-k': 'commands',
}
export type EditorKey = (typeof EDITOR_KEYS)[string]

const MODIFIERS: ReadonlySet<string> = new Set(['Control', 'Shift', 'Alt', 'Meta', 'AltGraph', 'CapsLock', 'Dead'])
/** Keys that write nothing and move nothing: the only ones that may stand without Ctrl, Alt or ⌘. */
const ALONE = /^(?:Tab|Escape|F\d+|End|Home|Insert|PageUp|PageDown|ArrowRight|ArrowLeft)$/

export interface KeyPress {
  key: string
  /** The key's place on the keyboard: what is left where Alt turns a letter into a sign, as on a Mac. */
  code: string
  ctrlKey: boolean
  altKey: boolean
  metaKey: boolean
  shiftKey: boolean
}

/** The spelling of a pressed key; null for a modifier alone and for keys that write text. */
export function bindingOf(press: KeyPress, mac: boolean): string | null {
  const { ctrlKey, altKey, metaKey } = press
  const name = nameOf(press)
  if (MODIFIERS.has(name)) return null
  if (!ctrlKey && !altKey && !metaKey && !ALONE.test(name)) return null
  const mod = mac ? metaKey : ctrlKey
  const other = mac ? ctrlKey : metaKey
  // A sign already says that Shift was held: `}` is what Shift makes of `]`.
  const shiftKey = press.shiftKey && (name.length > 1 || /[a-z]/.test(name))
  const parts = [mod ? 'Mod' : '', other ? (mac ? 'Ctrl' : 'Meta') : '', altKey ? 'Alt' : '', shiftKey ? 'Shift' : '']
  return [...parts.filter(Boolean), name].join('-')
}

function nameOf({ key, code, altKey }: KeyPress): string {
  const letter = /^(?:Key|Digit)(.)$/.exec(code)?.[1]
  if (altKey && letter && !/^[ -~]+$/.test(key === 'Dead' ? '´' : key)) return letter.toLowerCase()
  if (key === ' ') return 'Space'
  return key.length === 1 ? key.toLowerCase() : key
}

const NAMES: Readonly<Record<string, string>> = {
  ArrowRight: '→',
  ArrowLeft: '←',
  ArrowUp: '↑',
  ArrowDown: '↓',
  Escape: 'Esc',
}

/** As people read it: `Ctrl+→`, on a Mac `⌘→`. */
export function shownKey(binding: string, mac: boolean): string {
  const parts = binding.split('-').filter(Boolean)
  const last = binding.endsWith('-') ? '-' : (parts.pop() ?? '')
  const name = NAMES[last] ?? (last.length === 1 ? last.toUpperCase() : last)
  const signs: Record<string, string> = mac
    ? { Mod: '⌘', Ctrl: '⌃', Alt: '⌥', Shift: '⇧', Meta: '⌘' }
    : { Mod: 'Ctrl', Ctrl: 'Ctrl', Alt: 'Alt', Shift: 'Shift', Meta: 'Meta' }
  return [...parts.map(part => signs[part] ?? part), name].join(mac ? '' : '+')
}

/** Why a key is not free: another action has it, or the editor itself. Null where it is free. */
export function conflictOf(
  action: KeyAction,
  binding: string,
  keys: KeyBindings,
  mac: boolean,
): { action: KeyAction } | { editor: EditorKey } | null {
  const same = (other: string) => plain(other, mac) === plain(binding, mac)
  for (const other of KEY_ACTIONS) {
    if (other !== action && keys[other].some(same)) return { action: other }
  }
  const editor = Object.entries(EDITOR_KEYS).find(([key]) => same(key))
  return editor ? { editor: editor[1] } : null
}

/** One spelling for `Mod-x` and what it stands for. */
function plain(binding: string, mac: boolean): string {
  return binding.replace('Mod-', mac ? 'Meta-' : 'Ctrl-')
}
