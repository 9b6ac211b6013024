/** What keys, popup and list do with the marks of the editor. The caret stays where it is unless the user moves it. */
import { type Extension, Prec } from '@codemirror/state'
import { type Command, EditorView, keymap } from '@codemirror/view'
import { effect, type Signal, signal } from '@preact/signals'
import type { CorrectionType } from '../../../engine/api.ts'
import { announcement, undo as undoNotice } from '../../../state/announce.ts'
import { Checker, type CheckerOptions, type Mark } from '../../../state/grammar/checker.ts'
import { again, keepGrammarSettings, removeWord } from '../../../state/grammar/settings.ts'
import type { KeyBindings, MarkAction } from '../../../state/suggestions/keys.ts'
import { kindKey } from '../../../tasks/grammar/shown.ts'
import { text } from '../../../text/index.ts'
import { correctionMarks, EditorMarks, marksOf, putIn, showActive } from './marks.ts'
import { spoken } from './spoken.ts'

/** The list and what else follows the marks may be so much behind. */
const SHOWN_AFTER_MS = 120

export class GrammarDesk {
  readonly checker: Checker
  /** The panel with the list. */
  readonly isListOpen: Signal<boolean>
  /** The popup has the focus, or should take it. */
  readonly wantsFocus = signal(false)
  /** Counts up when the text has scrolled or changed under the popup. */
  readonly layouts = signal(0)
  readonly #undo: () => void
  #view: EditorView | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Where the last correction was accepted or turned down, while the caret stays: the next is sought from there. */
  #left: { at: number; caret: number } | null = null

  constructor({ undo, isListOpen, ...options }: CheckerOptions & { undo: () => void; isListOpen: Signal<boolean> }) {
    this.checker = new Checker(options)
    this.isListOpen = isListOpen
    this.#undo = undo
  }

  get view(): EditorView | null {
    return this.#view
  }

  extension(): Extension {
    return [
      correctionMarks({
        onMarks: () => this.#publishSoon(),
        onChanged: byUser => {
          if (byUser) this.close()
          this.checker.changed({ byUser })
        },
        onMoved: () => this.checker.moved(),
        onPointed: mark => this.#point(mark),
      }),
      EditorView.domEventHandlers({ scroll: () => this.#moved() }),
      EditorView.updateListener.of(update => {
        if (update.geometryChanged) this.#moved()
      }),
    ]
  }

  keys(bindings: KeyBindings): Extension {
    const commands: Record<MarkAction, Command> = {
      nextMark: () => this.step(1),
      previousMark: () => this.step(-1),
      acceptMark: () => this.#withMark(mark => this.accept(mark)),
      dismissMark: () => this.#withMark(mark => this.dismiss(mark)),
      markMenu: () => this.#openMenu(),
      markList: () => this.#toggleList(),
    }
    const actions = Object.keys(commands) as MarkAction[] // its keys are exactly the actions
    const own = actions.flatMap(action => bindings[action].map(key => ({ key, run: commands[action] })))
    return Prec.high(keymap.of([...own, { key: 'Escape', run: () => this.close() }]))
  }

  start(view: EditorView): () => void {
    this.#view = view
    const stops = [
      this.checker.start(new EditorMarks(view)),
      keepGrammarSettings(),
      effect(() => {
        const id = this.checker.active.value
        if (this.#view === view) queueMicrotask(() => this.#view && showActive(this.#view, id))
      }),
    ]
    return () => {
      for (const stop of stops) stop()
      clearTimeout(this.#timer)
      this.#view = null
      this.checker.active.value = null
      this.checker.marks.value = []
    }
  }

  /** Another document lies in the editor. */
  opened(): void {
    this.checker.opened()
    this.#publish()
  }

  /** To the next (1) or previous (-1) correction from the one that is looked at, else from the caret. */
  step(by: 1 | -1): boolean {
    const marks = this.#current()
    const [view, { grammar }] = [this.#view, text.peek()]
    if (!view) return false
    if (marks.length === 0) {
      announcement.value = grammar.noneHere
      return true
    }
    const at = marks.findIndex(({ id }) => id === this.checker.active.peek())
    const { head } = view.state.selection.main
    const start = this.#left?.caret === head ? this.#left.at : head
    const behind = marks.findIndex(({ from }) => from >= start)
    const fromCaret = by === 1 ? (behind < 0 ? 0 : behind) : (behind < 0 ? marks.length : behind) - 1
    const index = at >= 0 ? at + by : fromCaret
    const mark = marks.at(((index % marks.length) + marks.length) % marks.length)
    if (mark) this.look(mark)
    return true
  }

  /** Brings a correction into view and opens its popup; said to those who listen. */
  look(mark: Mark): void {
    const { grammar } = text.peek()
    const marks = this.#current()
    this.#view?.dispatch({ effects: EditorView.scrollIntoView(mark.from, { y: 'center' }) })
    this.checker.active.value = mark.id
    const of = marks.length.toLocaleString()
    const at = (marks.findIndex(({ id }) => id === mark.id) + 1).toLocaleString()
    const { original, replacement } = spoken(mark, grammar)
    announcement.value = grammar.read(at, of, grammar.kinds[mark.finding.kind], original, replacement)
  }

  accept(mark: Mark, replacement?: string): void {
    const view = this.#view
    const current = this.#current().find(({ id }) => id === mark.id)
    if (!view || !current || view.state.readOnly) return
    this.close()
    this.checker.accepting(current, replacement ?? current.finding.replacements[0] ?? '')
    putIn(view, [current], replacement)
    this.#leave(current)
    announcement.value = text.peek().grammar.said.accepted
  }

  /** All of a kind, or all: one step of undo. */
  acceptAll(kind: CorrectionType | null): void {
    const view = this.#view
    const { list } = text.peek().grammar
    const marks = this.#current().filter(({ finding }) => kind === null || finding.kind === kind)
    if (!view || marks.length === 0 || view.state.readOnly) return
    this.close()
    putIn(view, marks)
    sayUndoable(list.accepted(marks.length.toLocaleString(), marks.length === 1), this.#undo)
  }

  /** The text as it is, and with all corrections. */
  bothTexts(): [string, string] {
    const before = this.#view?.state.doc.toString() ?? ''
    let [after, end] = ['', 0]
    for (const { from, to, finding } of this.#current()) {
      after += before.slice(end, from) + (finding.replacements[0] ?? '')
      end = to
    }
    return [before, after + before.slice(end)]
  }

  dismiss(mark: Mark): void {
    this.close()
    this.#leave(mark)
    this.checker.dismiss(mark)
    announcement.value = text.peek().grammar.said.dismissed
  }

  addWord(mark: Mark): void {
    this.close()
    this.#leave(mark)
    const word = mark.original.trim()
    if (this.checker.addWord(mark)) sayUndoable(text.peek().grammar.said.added(word), () => removeWord(word))
  }

  never(mark: Mark, name: string): void {
    this.close()
    this.#leave(mark)
    this.checker.never(mark)
    sayUndoable(text.peek().grammar.said.never(name), () => again(kindKey(mark.finding)))
  }

  /** @returns false where nothing was open */
  close(): boolean {
    if (this.checker.active.peek() === null) return false
    const isInside = document.activeElement?.closest('.mark-popup') != null
    const hadFocus = this.wantsFocus.peek() || (isInside && !matchMedia('(pointer: coarse)').matches)
    this.checker.active.value = null
    this.wantsFocus.value = false
    if (hadFocus) this.#view?.focus()
    return true
  }

  #leave({ from }: Mark): void {
    this.#left = this.#view && { at: from, caret: this.#view.state.selection.main.head }
  }

  #point(mark: Mark | null): void {
    this.wantsFocus.value = false
    this.#publish()
    this.checker.active.value = mark?.id ?? null
  }

  #openMenu(): boolean {
    return this.#withMark(mark => {
      this.checker.active.value = mark.id
      this.wantsFocus.value = true
    })
  }

  #toggleList(): boolean {
    this.isListOpen.value = !this.isListOpen.peek()
    return true
  }

  /** The one that is looked at, else the one at the caret. */
  #withMark(act: (mark: Mark) => void): boolean {
    const marks = this.#current()
    const head = this.#view?.state.selection.main.head ?? 0
    const active = marks.find(({ id }) => id === this.checker.active.peek())
    const mark = active ?? marks.find(({ from, to }) => from <= head && head <= to)
    if (mark) act(mark)
    else announcement.value = text.peek().grammar.noneAtCaret
    return true
  }

  /** The marks as they are in the editor now, not as the list last heard of them. */
  #current(): readonly Mark[] {
    this.#publish()
    return this.checker.marks.peek()
  }

  #moved(): void {
    if (this.checker.active.peek() !== null) this.layouts.value += 1
  }

  #publishSoon(): void {
    this.#timer ??= setTimeout(() => this.#publish(), SHOWN_AFTER_MS)
  }

  #publish(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const marks = this.#view ? marksOf(this.#view.state) : []
    if (marks !== this.checker.marks.peek()) this.checker.marks.value = marks
  }
}

function sayUndoable(said: string, act: () => void): void {
  announcement.value = said
  undoNotice.value = { text: said, act }
}
