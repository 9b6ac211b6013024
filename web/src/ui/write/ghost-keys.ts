/**
 * Keys of the suggestions, and the way of Tab: it accepts while a suggestion is shown, does nothing in the short gap
 * until the next one, indents in lists where the user wants that, and else leaves the editor. Esc, then Tab, always leaves,
 * and so does a Tab behind the one that brought the focus here.
 */
import { indentLess, indentMore } from '@codemirror/commands'
import { type Extension, Prec } from '@codemirror/state'
import { type Command, EditorView, type KeyBinding, keymap } from '@codemirror/view'
import type { GhostAction, KeyBindings } from '../../state/suggestions/keys.ts'
import { accept, type GhostSource } from './ghost.ts'

/** What the keys do beside accepting. */
export interface GhostActions extends GhostSource {
  /** Work that could end in a suggestion for this very place is under way. */
  readonly pending: boolean
  dismiss(): void
  /** The next (1) or previous (-1) of the suggestions. */
  turn(by: 1 | -1): void
  trigger(): void
  toggle(): void
  pause(): void
  /** Has the suggestion, or that there is none, read out. */
  read(): void
}

export interface KeyOptions {
  keys: KeyBindings
  tabAccepts: 'all' | 'word'
  tabIndentsLists: boolean
  onFocusMode: () => void
}

/**
 * Someone who accepts word by word presses Tab faster than words come. So long after a Tab that accepted, the next one
 * waits with them; while the model still works on this place, a little longer.
 */
const GAP_MS = 700
const PENDING_GAP_MS = 2000
const LIST_ITEM = /^\s*(?:[-*+]|\d+[.)])\s/
const SILENT_KEYS: ReadonlySet<string> = new Set(['Tab', 'Shift', 'Control', 'Alt', 'Meta', 'CapsLock'])

export function ghostKeys(
  source: GhostActions,
  options: KeyOptions,
  now: () => number = () => performance.now(),
): Extension {
  const tab = new TabKey(source, options, now)
  const commands: Record<GhostAction, Command> = {
    accept: view => accept(view, source, options.tabAccepts),
    acceptWord: view => accept(view, source, 'word'),
    dismiss: () => {
      if (!source.ghost) return false
      source.dismiss()
      return true
    },
    next: always(() => source.turn(1)),
    previous: always(() => source.turn(-1)),
    trigger: always(() => source.trigger()),
    toggle: always(() => source.toggle()),
    pause: always(() => source.pause()),
    read: always(() => source.read()),
    focusMode: always(options.onFocusMode),
  }
  const actions = Object.keys(commands) as GhostAction[] // its keys are exactly the actions
  const bindings: KeyBinding[] = actions.flatMap(action =>
    options.keys[action].map(key => ({
      key,
      run: key === 'Tab' ? (view: EditorView) => tab.run(view, commands[action]) : commands[action],
    })),
  )
  if (!actions.some(action => options.keys[action].includes('Tab'))) {
    bindings.push({ key: 'Tab', run: view => tab.run(view, () => false) })
  }
  bindings.push({ key: 'Shift-Tab', run: view => !tab.leaves && tab.isInList(view) && indentLess(view) })
  const watch = EditorView.domEventHandlers({
    focus: () => tab.arrived(),
    keydown: event => tab.saw(event),
    keyup: event => tab.released(event),
    pointerdown: () => tab.reset(),
    blur: () => tab.reset(),
  })
  return Prec.highest([watch, keymap.of(bindings)])
}

function always(act: () => void): Command {
  return () => {
    act()
    return true
  }
}

class TabKey {
  /** Esc was the last key, or Tab brought the focus here: the next Tab leaves. */
  leaves = false
  /** No key was pressed since the focus came. */
  #isNew = false
  readonly #source: GhostActions
  readonly #options: KeyOptions
  readonly #now: () => number
  #acceptedAt = Number.NEGATIVE_INFINITY
  #pressedAt = Number.NEGATIVE_INFINITY

  constructor(source: GhostActions, options: KeyOptions, now: () => number) {
    this.#source = source
    this.#options = options
    this.#now = now
  }

  arrived(): false {
    this.#isNew = true
    return false
  }

  saw({ key, repeat }: KeyboardEvent): false {
    if (key === 'Tab' && repeat && this.#isNew)
      this.#passThrough() // held down since before it came here
    else if (key === 'Escape') this.leaves = true
    else if (!SILENT_KEYS.has(key)) this.reset()
    this.#isNew = false
    return false
  }

  /** A Tab that was pressed elsewhere ends here: who walks through the page by Tab writes nothing on the way. */
  released({ key, altKey, ctrlKey, metaKey }: KeyboardEvent): false {
    if (key === 'Tab' && this.#isNew && !altKey && !ctrlKey && !metaKey) this.#passThrough()
    return false
  }

  #passThrough(): void {
    this.leaves = true
    this.#isNew = false
    if (this.#source.ghost || this.#source.pending) this.#source.dismiss()
  }

  reset(): void {
    this.leaves = false
    this.#isNew = false
    this.#acceptedAt = Number.NEGATIVE_INFINITY
    this.#pressedAt = Number.NEGATIVE_INFINITY
  }

  run(view: EditorView, act: Command): boolean {
    if (this.leaves) {
      this.reset()
      return false
    }
    const now = this.#now()
    if (act(view)) {
      this.#acceptedAt = now
      this.#pressedAt = now
      return true
    }
    const waits = this.#source.pending && now - this.#acceptedAt < PENDING_GAP_MS
    if (waits || now - this.#pressedAt < GAP_MS) {
      this.#pressedAt = now
      return true
    }
    return this.isInList(view) && indentMore(view)
  }

  isInList(view: EditorView): boolean {
    const { state } = view
    return this.#options.tabIndentsLists && LIST_ITEM.test(state.doc.lineAt(state.selection.main.head).text)
  }
}
