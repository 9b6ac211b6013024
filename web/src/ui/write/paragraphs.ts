/** The paragraph at the caret, marked so that all others can be dimmed: lines that no empty line parts from the caret's. */
import type { EditorState, Range } from '@codemirror/state'
import { Decoration, type DecorationSet, type EditorView, ViewPlugin, type ViewUpdate } from '@codemirror/view'

const here = Decoration.line({ class: 'here' })
/** A text without empty lines is one paragraph; so many lines of it are on the screen at most. */
const MOST_LINES = 200

function paragraph(state: EditorState): DecorationSet {
  const { doc, selection } = state
  const caret = doc.lineAt(selection.main.head)
  const lines: Range<Decoration>[] = [here.range(caret.from)]
  for (const step of [-1, 1]) {
    for (let number = caret.number + step; Math.abs(number - caret.number) < MOST_LINES; number += step) {
      if (number < 1 || number > doc.lines || !caret.text.trim()) break
      const line = doc.line(number)
      if (!line.text.trim()) break
      lines.push(here.range(line.from))
    }
  }
  return Decoration.set(lines, true)
}

export const paragraphAtCaret = ViewPlugin.define(
  (view: EditorView) => ({
    lines: paragraph(view.state),
    update(update: ViewUpdate) {
      if (update.docChanged || update.selectionSet) this.lines = paragraph(update.state)
    },
  }),
  { decorations: plugin => plugin.lines },
)
