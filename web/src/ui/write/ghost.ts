/**
 * Ghost text: the suggestion at the caret, drawn as a widget. It is never part of the document, so it cannot be
 * selected, copied, saved or undone; it uses the line's own font and wraps with it. Whether there is one, and which, is
 * the assistant's business; this file tells it what the user does and draws what it shows in the same frame.
 */
import { isolateHistory } from '@codemirror/commands'
import { type Extension, Prec, StateEffect } from '@codemirror/state'
import {
  Decoration,
  type DecorationSet,
  type EditorView,
  ViewPlugin,
  type ViewUpdate,
  WidgetType,
} from '@codemirror/view'
import type { Situation } from '../../tasks/autocomplete-types.ts'

/** Who makes the suggestions. Each method answers at once; what comes later is told to the listeners. */
export interface GhostSource {
  /** The text to show at the caret now, '' for none. */
  readonly ghost: string
  /** After every change of text, caret or state. Null where nobody types: the editor is not focused, or read-only. */
  tell(situation: Situation | null): void
  /** Takes the suggestion, or its first word; what to put in at the caret. Told before the change is made. */
  take(unit: 'all' | 'word'): string
  listen(listener: () => void): () => void
}

/** As much of a very long text as is handed over; the start moves in steps, so that what is in front rarely changes. */
const BEFORE_STEP = 65_536
const AFTER_LENGTH = 4096

const refresh = StateEffect.define<null>()

class GhostWidget extends WidgetType {
  readonly text: string
  readonly accept: () => void

  constructor(text: string, accept: () => void) {
    super()
    this.text = text
    this.accept = accept
  }

  override eq(other: GhostWidget): boolean {
    return other.text === this.text
  }

  override toDOM(): HTMLElement {
    const ghost = document.createElement('span')
    ghost.className = 'ghost'
    ghost.textContent = this.text
    ghost.dir = 'auto' // and so isolated: it cannot turn the user's own words around
    ghost.translate = false
    ghost.ariaHidden = 'true' // read out on request only
    ghost.addEventListener('pointerdown', event => event.preventDefault()) // the focus stays in the text
    ghost.addEventListener('pointerup', event => {
      if (event.pointerType !== 'mouse') this.accept()
    })
    return ghost
  }

  override updateDOM(dom: HTMLElement): boolean {
    dom.textContent = this.text
    return true
  }

  override ignoreEvent(): boolean {
    return true
  }
}

class Ghost {
  decorations: DecorationSet = Decoration.none
  readonly #view: EditorView
  readonly #source: GhostSource
  readonly #stop: () => void
  #composing = false
  #updating = false

  constructor(view: EditorView, source: GhostSource) {
    this.#view = view
    this.#source = source
    this.#stop = source.listen(() => {
      if (!this.#updating) view.dispatch({ effects: refresh.of(null) })
    })
  }

  update(update: ViewUpdate): void {
    const asked = update.transactions.some(({ effects }) => effects.some(effect => effect.is(refresh)))
    if (update.docChanged || update.selectionSet || update.focusChanged) this.#tell()
    else if (!asked) return
    this.decorations = this.#draw()
  }

  compose(composing: boolean): void {
    this.#composing = composing
    this.#tell()
    this.#view.dispatch({ effects: refresh.of(null) })
  }

  destroy(): void {
    this.#stop()
  }

  #tell(): void {
    this.#updating = true
    try {
      this.#source.tell(this.#situation())
    } finally {
      this.#updating = false
    }
  }

  #situation(): Situation | null {
    const { state, hasFocus } = this.#view
    if (!hasFocus || state.readOnly) return null
    const { from, to, empty } = state.selection.main
    const start = Math.floor(from / BEFORE_STEP - 1) * BEFORE_STEP
    return {
      before: state.sliceDoc(Math.max(0, start), from),
      after: state.sliceDoc(to, to + AFTER_LENGTH),
      hasSelection: !empty || state.selection.ranges.length > 1,
      isComposing: this.#composing,
    }
  }

  #draw(): DecorationSet {
    const { state, hasFocus } = this.#view
    const { main, ranges } = state.selection
    const text = this.#source.ghost
    if (!text || !hasFocus || state.readOnly || !main.empty || ranges.length > 1 || this.#composing)
      return Decoration.none
    const widget = new GhostWidget(text, () => accept(this.#view, this.#source, 'all'))
    return Decoration.set(Decoration.widget({ widget, side: 1 }).range(main.head))
  }
}

export function ghostText(source: GhostSource): Extension {
  const plugin = ViewPlugin.define(view => new Ghost(view, source), {
    decorations: ghost => ghost.decorations,
    eventHandlers: {
      compositionstart() {
        this.compose(true)
      },
      compositionend(_, view) {
        // CodeMirror first takes the composed text in.
        queueMicrotask(() => view.plugin(plugin)?.compose(false))
      },
    },
  })
  return Prec.low(plugin) // side by side with other marks at the caret, the ghost comes last
}

/** Puts the suggestion, or its first word, into the text: one step of undo. @returns false where there is none */
export function accept(view: EditorView, source: GhostSource, unit: 'all' | 'word'): boolean {
  if (!source.ghost || !view.hasFocus || view.state.readOnly || view.composing) return false
  const insert = source.take(unit)
  if (!insert) return false
  const { head } = view.state.selection.main
  view.dispatch({
    changes: { from: head, insert },
    selection: { anchor: head + insert.length },
    annotations: isolateHistory.of('full'),
    userEvent: 'input.complete',
    scrollIntoView: true,
  })
  return true
}
