/**
 * Corrections as marks over the text: underlines that move with it and go when their words are touched. They are never
 * part of the document. Which there are is the checker's business.
 */
import { isolateHistory } from '@codemirror/commands'
import {
  type ChangeDesc,
  type EditorState,
  type Extension,
  StateEffect,
  StateField,
  type Text,
} from '@codemirror/state'
import { Decoration, type DecorationSet, EditorView, ViewPlugin, type ViewUpdate } from '@codemirror/view'
import type { Mark, MarkPlace, Placed, Range } from '../../../state/grammar/checker.ts'

/** Whoever wants to know of the marks. */
export interface MarkListener {
  /** The marks as they stand now; called often. */
  onMarks: (marks: readonly Mark[]) => void
  onChanged: (byUser: boolean) => void
  onMoved: () => void
  /** A mark was clicked or tapped; null: another place of the text was. */
  onPointed: (mark: Mark | null) => void
}

const setAll = StateEffect.define<{ found: readonly Placed[]; kept: readonly Range[] }>()
const setIn = StateEffect.define<{ range: Range; found: readonly Placed[] }>()
const setActive = StateEffect.define<number | null>()

interface Standing {
  marks: readonly Mark[]
  active: number | null
  decorations: DecorationSet
}

const NOTHING: Standing = { marks: [], active: null, decorations: Decoration.none }
let lastId = 0

const field = StateField.define<Standing>({
  create: () => NOTHING,
  update(standing, transaction) {
    let { marks, active } = standing
    if (transaction.docChanged && marks.length > 0) marks = moved(marks, transaction.changes, transaction.newDoc)
    for (const effect of transaction.effects) {
      if (effect.is(setActive)) active = effect.value
      else if (effect.is(setAll)) {
        const { found, kept } = effect.value
        const left = marks.filter(mark => kept.some(({ from, to }) => mark.from >= from && mark.to <= to))
        marks = sorted([...left, ...identified(found, marks)])
      } else if (effect.is(setIn)) {
        const { range, found } = effect.value
        const others = marks.filter(({ from, to }) => to < range.from || from > range.to)
        marks = sorted([...others, ...identified(found, marks)])
      }
    }
    if (marks === standing.marks && active === standing.active) return standing
    return { marks, active, decorations: drawn(marks, active, transaction.newDoc) }
  },
  provide: own => EditorView.decorations.from(own, ({ decorations }) => decorations),
})

export function marksOf(state: EditorState): readonly Mark[] {
  return state.field(field, false)?.marks ?? []
}

export function showActive(view: EditorView, id: number | null): void {
  if ((view.state.field(field, false)?.active ?? null) !== id) view.dispatch({ effects: setActive.of(id) })
}

/** Marks in their new places; those whose words were touched are gone. */
function moved(marks: readonly Mark[], changes: ChangeDesc, doc: Text): readonly Mark[] {
  return marks.flatMap(mark => {
    if (isTouched(mark, changes, doc)) return []
    const from = changes.mapPos(mark.from, mark.from === mark.to ? -1 : 1)
    const to = mark.from === mark.to ? from : changes.mapPos(mark.to, -1)
    return [{ ...mark, from, to }]
  })
}

function isTouched({ from, to }: Range, changes: ChangeDesc, doc: Text): boolean {
  let touched = false
  changes.iterChangedRanges((fromA, toA, fromB, toB) => {
    if (fromA < to && toA > from) touched = true
    else if (fromA === to || toA === from) {
      // Next to it: it is another word now where letters were joined to it.
      const joint = toA === from ? doc.sliceString(toB - 1, toB) : doc.sliceString(fromB, fromB + 1)
      if (toB > fromB && /[\p{L}\p{N}'’]/u.test(joint)) touched = true
    }
  })
  return touched
}

/** A correction that stands already keeps its name. */
function identified(found: readonly Placed[], before: readonly Mark[]): Mark[] {
  return found.map(placed => {
    const same = before.find(
      ({ from, to, finding }) => from === placed.from && to === placed.to && sameText(finding, placed),
    )
    return { ...placed, id: same?.id ?? ++lastId }
  })
}

function sameText({ replacements }: Mark['finding'], { finding }: Placed): boolean {
  return replacements[0] === finding.replacements[0]
}

function sorted(marks: Mark[]): Mark[] {
  return marks.sort((one, other) => one.from - other.from || one.to - other.to)
}

function drawn(marks: readonly Mark[], active: number | null, doc: Text): DecorationSet {
  const ranges = marks.flatMap(mark => {
    const { from, to } = lineUnder(mark, doc)
    if (from >= to) return []
    const { kind, foundBy } = mark.finding
    const shape = mark.from === mark.to ? ' mark-gap' : ''
    const classes = `mark mark-${kind} by-${foundBy}${shape}${mark.id === active ? ' mark-active' : ''}`
    return [Decoration.mark({ class: classes, attributes: { 'data-mark': String(mark.id) } }).range(from, to)]
  })
  return Decoration.set(ranges, true)
}

/**
 * What is underlined: the words themselves, without the space that goes with them; where something is missing, the word in
 * front of it, else the one behind.
 */
function lineUnder({ from, to }: Range, doc: Text): Range {
  if (from < to) {
    const words = doc.sliceString(from, to)
    const [before, after] = [words.length - words.trimStart().length, words.length - words.trimEnd().length]
    return before < words.length
      ? { from: from + before, to: from + words.length - after }
      : { from, to: from + words.length }
  }
  const line = doc.lineAt(Math.min(from, doc.length))
  const before = /\S+\s*$/u.exec(line.text.slice(0, from - line.from))?.[0] ?? ''
  if (before) return { from: from - before.length, to: from - (before.length - before.trimEnd().length) }
  const after = /^\s*\S+/u.exec(line.text.slice(from - line.from))?.[0] ?? ''
  return { from: from + (after.length - after.trimStart().length), to: from + after.length }
}

export function correctionMarks(listener: MarkListener): Extension {
  const pointing = EditorView.domEventHandlers({
    click(event, view) {
      const { target } = event
      const id = target instanceof Element ? target.closest('[data-mark]')?.getAttribute('data-mark') : null
      const mark = id && view.state.selection.main.empty ? marksOf(view.state).find(one => one.id === Number(id)) : null
      listener.onPointed(mark ?? null)
      return false
    },
  })
  const watching = ViewPlugin.define(() => ({
    update(update: ViewUpdate) {
      if (update.startState.field(field, false)?.marks !== update.state.field(field, false)?.marks)
        listener.onMarks(marksOf(update.state))
      if (update.docChanged) listener.onChanged(update.transactions.some(isTyped))
      else if (update.selectionSet || update.focusChanged) listener.onMoved()
    },
  }))
  return [field, pointing, watching]
}

/** Letters of the user, a suggestion taken, a deletion, their undo: not a correction or another document. */
function isTyped(transaction: { isUserEvent: (event: string) => boolean }): boolean {
  return ['input.type', 'input.complete', 'input.paste', 'delete', 'undo', 'redo'].some(event =>
    transaction.isUserEvent(event),
  )
}

/** Enough to see whether a sentence has ended. */
const LOOK_BACK = 12

/** The editor as the checker has it. */
export class EditorMarks implements MarkPlace {
  readonly #view: EditorView

  constructor(view: EditorView) {
    this.#view = view
  }

  get text(): string {
    return this.#view.state.doc.toString()
  }

  get length(): number {
    return this.#view.state.doc.length
  }

  before(place: number): string {
    return this.#view.state.sliceDoc(Math.max(0, place - LOOK_BACK), place)
  }

  get caret(): number | null {
    return this.#view.hasFocus ? this.#view.state.selection.main.head : null
  }

  get view(): Range {
    const { from, to } = this.#view.viewport
    return { from, to }
  }

  setAll(found: readonly Placed[], kept: readonly Range[]): void {
    if (found.length > 0 || marksOf(this.#view.state).length > 0)
      this.#view.dispatch({ effects: setAll.of({ found, kept }) })
  }

  setIn(range: Range, found: readonly Placed[]): void {
    const stands = marksOf(this.#view.state).some(({ from, to }) => to >= range.from && from <= range.to)
    if (found.length > 0 || stands) this.#view.dispatch({ effects: setIn.of({ range, found }) })
  }
}

/** Puts corrections in, all of them one step of undo; the caret stays with its words. */
export function putIn(view: EditorView, marks: readonly Mark[], replacement?: string): void {
  view.dispatch({
    changes: marks.map(({ from, to, finding }) => ({
      ...{ from, to },
      insert: replacement ?? finding.replacements[0] ?? '',
    })),
    annotations: isolateHistory.of('full'),
    userEvent: 'input.correct',
  })
}
