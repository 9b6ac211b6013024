/** An editor between two buttons, with a scripted source of suggestions: what each text is followed by. */

import { DEFAULT_KEYS } from '../../../web/src/state/suggestions/keys.ts'
import type { Situation } from '../../../web/src/tasks/autocomplete-types.ts'
import { Editor } from '../../../web/src/ui/write/editor.ts'
import { ghostText } from '../../../web/src/ui/write/ghost.ts'
import { type GhostActions, ghostKeys, type KeyOptions } from '../../../web/src/ui/write/ghost-keys.ts'
import '../../../web/src/ui/tokens.css'

/** Goes on with whatever `target` has behind the text so far; says what it was told and asked. */
class Scripted implements GhostActions {
  readonly told: (Situation | null)[] = []
  readonly asked: string[] = []
  pending = false
  ghost = ''
  readonly #target: string
  #listener = () => {}

  constructor(target: string) {
    this.#target = target
  }

  tell(situation: Situation | null): void {
    this.told.push(situation)
    const before = situation?.before ?? ''
    const fits = situation && !situation.hasSelection && !situation.isComposing && this.#target.startsWith(before)
    this.ghost = fits && !this.pending ? this.#target.slice(before.length) : ''
  }

  take(unit: 'all' | 'word'): string {
    this.asked.push(`take ${unit}`)
    return unit === 'all' ? this.ghost : (/^\s*\S+\s?/.exec(this.ghost)?.[0] ?? '')
  }

  /** The model has answered. */
  answer(ghost: string): void {
    this.pending = false
    this.ghost = ghost
    this.#listener()
  }

  dismiss(): void {
    this.asked.push('dismiss')
    this.answer('')
  }

  turn(by: 1 | -1): void {
    this.asked.push(`turn ${by}`)
  }

  trigger(): void {
    this.asked.push('trigger')
  }

  toggle(): void {
    this.asked.push('toggle')
  }

  pause(): void {
    this.asked.push('pause')
  }

  read(): void {
    this.asked.push('read')
  }

  listen(listener: () => void): () => void {
    this.#listener = listener
    return () => {
      this.#listener = () => {}
    }
  }
}

export interface Bench {
  editor: Editor
  source: Scripted
  clock: { now: number }
  before: HTMLButtonElement
  after: HTMLButtonElement
  /** The ghost text on the screen, null where there is none. */
  ghost: () => HTMLElement | null
}

let editor: Editor | null = null

export function openEditor(target: string, options: Partial<KeyOptions> = {}): Bench {
  editor?.destroy()
  const [before, host, after] = [
    document.createElement('button'),
    document.createElement('div'),
    document.createElement('button'),
  ]
  host.style.cssText = 'height: 300px; width: 420px; font: 18px Georgia, serif'
  before.textContent = 'before'
  after.textContent = 'after'
  document.body.replaceChildren(before, host, after)
  const source = new Scripted(target)
  const clock = { now: 0 }
  const keys = {
    keys: DEFAULT_KEYS,
    tabAccepts: 'all',
    tabIndentsLists: true,
    onFocusMode: () => {},
    ...options,
  } as const
  const made = new Editor(
    host,
    {
      ...{ label: 'Document text', placeholder: 'Write', phrases: {} },
      ...{ over: [ghostText(source)], keys: ghostKeys(source, keys, () => clock.now) },
    },
    { onChange: () => {}, onMove: () => {} },
  )
  editor = made
  made.focus()
  return { editor: made, source, clock, before, after, ghost: () => made.view.dom.querySelector<HTMLElement>('.ghost') }
}
