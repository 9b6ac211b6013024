/**
 * The editor: CodeMirror in a shadow root, because the page's Content-Security-Policy allows no style elements and a
 * shadow root takes style sheets made by script. What stands over the text (ghost text; marks of other tasks) comes in
 * as `over`; the editor knows none of it.
 */
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { markdown } from '@codemirror/lang-markdown'
import { syntaxHighlighting } from '@codemirror/language'
import { search, searchKeymap } from '@codemirror/search'
import { Compartment, EditorState, type Extension } from '@codemirror/state'
import { EditorView, keymap, placeholder } from '@codemirror/view'
import { classHighlighter } from '@lezer/highlight'
import type { TextFormat } from '../../state/documents/store.ts'
import sheet from '../css/editor.css?inline'
import { paragraphAtCaret } from './paragraphs.ts'

export interface EditorOptions {
  /** For screen readers. */
  label: string
  placeholder: string
  /** CodeMirror's own words, such as those of its search panel, in the page's language. */
  phrases: Record<string, string>
  /** What stands over the text. */
  over: readonly Extension[]
  keys: Extension
}

export interface EditorEvents {
  onChange: (editor: Editor) => void
  /** Caret or selection moved, the focus came or went. */
  onMove: (editor: Editor) => void
}

export class Editor {
  readonly view: EditorView
  readonly #events: EditorEvents
  readonly #over: readonly Extension[]
  readonly #keys = new Compartment()
  readonly #words = new Compartment()
  readonly #format = new Compartment()
  readonly #current: { keys: Extension; words: Extension; format: TextFormat }

  constructor(host: HTMLElement, options: EditorOptions, events: EditorEvents) {
    this.#events = events
    this.#over = options.over
    this.#current = { keys: options.keys, words: wordsOf(options), format: 'text' }
    const root = host.shadowRoot ?? host.attachShadow({ mode: 'open', delegatesFocus: true })
    this.view = new EditorView({ state: this.#state('', 0), parent: root, root })
    const style = new CSSStyleSheet()
    style.replaceSync(sheet)
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, style] // behind CodeMirror's own: ours win
  }

  /** Another document, with an undo history of its own. */
  show(text: string, caret: number, format: TextFormat): void {
    this.#current.format = format
    this.view.setState(this.#state(text, caret))
    this.view.dispatch({ effects: EditorView.scrollIntoView(caret, { y: 'center' }) })
  }

  setFormat(format: TextFormat): void {
    this.#current.format = format
    this.view.dispatch({ effects: this.#format.reconfigure(languageOf(format)) })
  }

  setKeys(keys: Extension): void {
    this.#current.keys = keys
    this.view.dispatch({ effects: this.#keys.reconfigure(keys) })
  }

  setWords(options: Pick<EditorOptions, 'label' | 'placeholder' | 'phrases'>): void {
    this.#current.words = wordsOf(options)
    this.view.dispatch({ effects: this.#words.reconfigure(this.#current.words) })
  }

  /** Another text in the same document, one step of undo. */
  replace(text: string): void {
    const { state } = this.view
    this.view.dispatch({
      changes: { from: 0, to: state.doc.length, insert: text },
      selection: { anchor: Math.min(state.selection.main.head, state.toText(text).length) },
      userEvent: 'input.replace',
    })
  }

  get text(): string {
    return this.view.state.doc.toString()
  }

  get caret(): number {
    return this.view.state.selection.main.head
  }

  get selected(): string {
    const { from, to } = this.view.state.selection.main
    return this.view.state.sliceDoc(from, to)
  }

  focus(): void {
    this.view.focus()
  }

  destroy(): void {
    this.view.destroy()
  }

  #state(doc: string, caret: number): EditorState {
    const { keys, words, format } = this.#current
    return EditorState.create({
      doc,
      selection: { anchor: Math.min(caret, doc.length) },
      extensions: [
        this.#keys.of(keys),
        history(),
        search({ top: true }),
        keymap.of([...searchKeymap, ...historyKeymap, ...defaultKeymap]),
        this.#format.of(languageOf(format)),
        this.#words.of(words),
        syntaxHighlighting(classHighlighter),
        EditorView.lineWrapping,
        EditorView.perLineTextDirection.of(true),
        EditorView.contentAttributes.of(WRITING),
        typingOverSelection,
        paragraphAtCaret,
        ...this.#over,
        EditorView.updateListener.of(update => {
          if (update.docChanged) this.#events.onChange(this)
          if (update.docChanged || update.selectionSet || update.focusChanged) this.#events.onMove(this)
        }),
      ],
    })
  }
}

/** Prose, on any keyboard, in any language: CodeMirror's defaults are made for code. */
const WRITING = {
  spellcheck: 'true',
  autocorrect: 'on',
  autocapitalize: 'sentences',
  writingsuggestions: 'false',
  lang: '',
}

/**
 * Letters in place of selected text go into the document themselves: left to do it, Chromium joins the lines with inline
 * styles, which the page's Content-Security-Policy forbids and reports as an error. Input methods are left alone.
 */
const typingOverSelection = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { state, composing } = view
    const isPlain = event.inputType === 'insertText' && !event.isComposing && !composing && !state.readOnly
    if (!isPlain || !event.data || state.selection.main.empty) return false
    event.preventDefault()
    view.dispatch(state.replaceSelection(event.data), { userEvent: 'input.type', scrollIntoView: true })
    return true
  },
})

function wordsOf({
  label,
  placeholder: hint,
  phrases,
}: Pick<EditorOptions, 'label' | 'placeholder' | 'phrases'>): Extension {
  return [placeholder(hint), EditorState.phrases.of(phrases), EditorView.contentAttributes.of({ 'aria-label': label })]
}

function languageOf(format: TextFormat): Extension {
  return format === 'markdown' ? markdown() : []
}
