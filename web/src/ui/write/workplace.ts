/** The writing page's one object: desk, editor and what the buttons do with them. */
import { redo, undo } from '@codemirror/commands'
import { openSearchPanel } from '@codemirror/search'
import { type Extension, Prec } from '@codemirror/state'
import { keymap } from '@codemirror/view'
import { effect, type Signal, signal, untracked } from '@preact/signals'
import { announcement, undo as undoNotice } from '../../state/announce.ts'
import { Counter, type Counts } from '../../state/documents/count.ts'
import { Desk, type OpenDocument } from '../../state/documents/desk.ts'
import { type DocumentEntry, DocumentStore, type TextFormat } from '../../state/documents/store.ts'
import { go, route } from '../../state/route.ts'
import type { Assistant } from '../../state/suggestions/assistant.ts'
import { writing } from '../../state/suggestions/settings.ts'
import { text } from '../../text/index.ts'
import { bytes } from '../parts/format.ts'
import { Editor } from './editor.ts'
import { MOST_BYTES, type PickedFile, pickFiles, readFile, writeFile } from './files.ts'
import { ghostText } from './ghost.ts'
import { ghostKeys } from './ghost-keys.ts'
import { GrammarDesk } from './grammar/desk.ts'

export type FocusMode = 'off' | 'paragraph' | 'all'

const NEXT_FOCUS: Readonly<Record<FocusMode, FocusMode>> = { off: 'paragraph', paragraph: 'all', all: 'off' }
const COUNT_AFTER_MS = 250

export class Workplace {
  readonly store = new DocumentStore()
  readonly desk = new Desk(this.store)
  readonly assistant: Assistant
  /** Corrections of the text. */
  readonly grammar: GrammarDesk
  readonly counts = signal<Counts>({ words: 0, characters: 0 })
  /** Words in the selection; null while nothing is selected. */
  readonly selectedWords = signal<number | null>(null)
  readonly hasFocus = signal(false)
  readonly focusMode = signal<FocusMode>('off')
  /** Why nothing can be kept here: storage is forbidden, full or broken. */
  readonly storageProblem = signal('')
  readonly notice = signal('')
  editor: Editor | null = null
  readonly #counter = new Counter()
  #countTimer: ReturnType<typeof setTimeout> | undefined

  constructor(assistant: Assistant, isListOpen: Signal<boolean> = signal(false)) {
    this.assistant = assistant
    this.grammar = new GrammarDesk({ isListOpen, undo: () => this.undo(), isBusy: () => assistant.pending })
  }

  /** Puts the editor in its place and a document on the desk; the returned function clears up. */
  start(host: HTMLElement): () => void {
    const { write } = text.peek()
    const editor = new Editor(
      host,
      {
        ...{ label: write.editor, placeholder: write.placeholder, phrases: write.phrases },
        over: [this.grammar.extension(), ghostText(this.assistant)],
        keys: this.#keys(),
      },
      { onChange: () => this.#changed(), onMove: () => this.#moved() },
    )
    this.editor = editor
    const leave = () => void this.desk.flush()
    addEventListener('pagehide', leave)
    document.addEventListener('visibilitychange', leave)
    const stops = [
      this.grammar.start(editor.view),
      this.desk.follow(() => void this.#try(() => this.#openNewest())),
      effect(() => {
        const keys = this.#keys()
        untracked(() => editor.setKeys(keys))
      }),
      effect(() => {
        const { editor: label, placeholder, phrases } = text.value.write
        untracked(() => editor.setWords({ label, placeholder, phrases }))
      }),
      effect(() => {
        const opened = this.desk.opened.value
        untracked(() => this.#show(opened))
      }),
      effect(() => {
        const { page, rest } = route.value
        if (page === 'write') untracked(() => void this.#follow(rest))
      }),
    ]
    return () => {
      for (const stop of stops) stop()
      removeEventListener('pagehide', leave)
      document.removeEventListener('visibilitychange', leave)
      clearTimeout(this.#countTimer)
      void this.desk
        .flush()
        .then(() => this.store.close())
        .catch(() => {}) // it never opened, which the page said
      editor.destroy()
      this.editor = null
    }
  }

  /** What lies open goes into the editor. */
  #show(opened: OpenDocument | null): void {
    const format = this.desk.current.peek()?.format ?? 'markdown'
    this.editor?.show(opened?.text ?? '', opened?.caret ?? 0, format)
    this.grammar.opened()
    this.#count()
    const isHere = route.peek().page === 'write' // who has left while it was being opened is not fetched back
    if (opened && isHere) go('write', opened.id, { replace: true })
  }

  /** The address names a document, or none: the one that was changed last. */
  async #follow(rest: string): Promise<void> {
    if (rest && rest === this.desk.opened.peek()?.id) return
    await this.#try(async () => {
      if (this.desk.entries.peek().length === 0) await this.desk.load()
      if (rest && (await this.desk.open(rest))) return
      if (rest) this.say(text.peek().write.missing)
      await this.#openNewest()
    })
  }

  async #openNewest(): Promise<void> {
    const [newest] = this.desk.entries.peek()
    if (!newest || !(await this.desk.open(newest.id))) await this.desk.create()
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work()
      this.storageProblem.value = ''
    } catch (error) {
      this.storageProblem.value = error instanceof Error ? error.message : String(error)
    }
  }

  #changed(): void {
    if (this.desk.opened.peek()) {
      const { editor } = this
      this.desk.changed(() => {
        this.#count() // while somebody types without a pause it is behind
        return { text: editor?.text ?? '', caret: editor?.caret ?? 0, words: this.counts.peek().words }
      })
    }
    clearTimeout(this.#countTimer)
    this.#countTimer = setTimeout(() => this.#count(), COUNT_AFTER_MS)
  }

  #moved(): void {
    const { editor } = this
    if (!editor) return
    this.hasFocus.value = editor.view.hasFocus
    const selected = editor.selected
    this.selectedWords.value = selected ? new Counter().count(selected.split('\n')).words : null
  }

  #count(): void {
    const lines = this.editor?.view.state.doc.iterLines()
    if (lines) this.counts.value = this.#counter.count(lines)
  }

  #keys(): Extension {
    const { keys, tabAccepts, tabIndentsLists } = writing.value
    const onFocusMode = () => this.nextFocus()
    return [
      this.grammar.keys(keys),
      ghostKeys(this.assistant, { keys, tabAccepts, tabIndentsLists, onFocusMode }),
      Prec.low(keymap.of([{ key: 'Escape', run: () => this.leaveFocus() }])),
    ]
  }

  say(sentence: string): void {
    this.notice.value = sentence
    announcement.value = sentence
  }

  newDocument(): Promise<void> {
    return this.#try(async () => {
      await this.desk.create()
      this.editor?.focus()
    })
  }

  async remove(entry: DocumentEntry): Promise<void> {
    await this.#try(async () => {
      const wasOpen = this.desk.opened.peek()?.id === entry.id
      const back = await this.desk.remove(entry.id)
      if (wasOpen) await this.#openNewest()
      const name = titleOf(entry)
      undoNotice.value = {
        text: text.peek().write.removed(name),
        act: async () => {
          await back()
          if (wasOpen) await this.desk.open(entry.id)
        },
      }
      announcement.value = text.peek().write.removed(name)
    })
  }

  setFormat(format: TextFormat): void {
    const id = this.desk.opened.peek()?.id
    this.editor?.setFormat(format)
    if (id) void this.desk.setFormat(id, format)
  }

  async chooseFiles(): Promise<void> {
    await this.openFiles(await pickFiles())
  }

  async openFiles(files: readonly PickedFile[]): Promise<void> {
    const { write } = text.peek()
    for (const picked of files) {
      const opened = await readFile(picked)
      if ('refused' in opened) {
        this.say(
          opened.refused === 'not-text' ? write.notText(opened.name) : write.tooLarge(opened.name, bytes(MOST_BYTES)),
        )
        continue
      }
      await this.#try(async () => {
        await this.desk.openFile(opened.decoded.text, opened.origin)
        this.say((opened.decoded.mixedLineEnds ? write.mixedLineEnds : write.opened)(opened.name))
      })
    }
  }

  async save(elsewhere = false): Promise<void> {
    const { write } = text.peek()
    await this.desk.flush()
    const [entry, content] = [this.desk.current.peek(), this.editor?.text ?? '']
    if (!entry) return
    try {
      const overwrite = (name: string) => confirm(write.changedOnDisk(name))
      const saved = await writeFile({ entry, text: content, elsewhere, overwrite })
      if (!saved) return
      await this.desk.wroteFile(entry.id, saved.origin, content)
      this.say((saved.becameUtf8 ? write.becameUtf8 : write.fileSaved)(saved.origin.name))
    } catch (error) {
      this.say(
        write.fileFailed(entry.file?.name ?? titleOf(entry), error instanceof Error ? error.message : String(error)),
      )
    }
  }

  async restore(version: string): Promise<void> {
    await this.desk.beforeRestore()
    this.editor?.replace(version)
    this.say(text.peek().write.restored)
  }

  undo(): void {
    if (this.editor) undo(this.editor.view)
  }

  redo(): void {
    if (this.editor) redo(this.editor.view)
  }

  find(): void {
    if (this.editor) openSearchPanel(this.editor.view)
  }

  nextFocus(): void {
    this.focusMode.value = NEXT_FOCUS[this.focusMode.peek()]
    announcement.value = text.peek().write.focusChanged[this.focusMode.peek()]
  }

  /** @returns false where there was none to leave */
  leaveFocus(): boolean {
    if (this.focusMode.peek() === 'off') return false
    this.focusMode.value = 'off'
    announcement.value = text.peek().write.focusChanged.off
    return true
  }
}

export function titleOf({ title, opening }: Pick<DocumentEntry, 'title' | 'opening'>): string {
  return title || opening || text.value.write.untitled
}
