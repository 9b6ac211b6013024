/** The writing page: documents on one side, the text, what helps with it on the other. */
import { type ReadonlySignal, useSignal } from '@preact/signals'
import type { RefObject } from 'preact'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { offer } from '../../state/commands.ts'
import { isStorageRefused } from '../../state/refused.ts'
import { hasTask } from '../../state/site.ts'
import { Assistant } from '../../state/suggestions/assistant.ts'
import { keepWritingSettings } from '../../state/suggestions/settings.ts'
import { text } from '../../text/index.ts'
import { Dismiss } from '../parts/dismiss.tsx'
import { Icon } from '../parts/icons.tsx'
import { Bar, type Openings, WIDE } from './bar.tsx'
import { Documents } from './documents.tsx'
import { droppedFiles } from './files.ts'
import { DifferenceDialog } from './grammar/difference.tsx'
import { MarksPanel } from './grammar/panel.tsx'
import { MarkPopup } from './grammar/popup.tsx'
import { KeysDialog } from './keys.tsx'
import { SiteOpenings } from './openings.tsx'
import { SuggestionPanel } from './panel.tsx'
import { SiteStart } from './site-start.tsx'
import { Status, TouchKeys } from './status.tsx'
import { TrialDialog } from './trial.tsx'
import { VersionsDialog } from './versions.tsx'
import { Workplace } from './workplace.ts'
import '../css/write.css'
import '../css/grammar.css'

export function WritePage() {
  const open = useOpenings()
  const work = useMemo(() => new Workplace(new Assistant(), open.marks), [])
  const whole = useRef<HTMLDivElement>(null)
  const host = useRef<HTMLDivElement>(null)
  const dragging = useDrop(work, whole)
  useEffect(() => {
    if (!host.current) return
    const stopWork = work.start(host.current)
    const stopAssistant = work.assistant.start()
    const stopKeeping = keepWritingSettings()
    return () => {
      stopWork()
      stopAssistant()
      stopKeeping()
    }
  }, [])
  useCommands(work, open)
  const { write: words, suggest, grammar } = text.value
  const focus = work.focusMode.value
  return (
    <div class="write" data-focus={focus} ref={whole}>
      {open.list.value ? (
        <aside class="write-side" aria-label={words.documents}>
          <Documents
            work={work}
            onChosen={() => {
              if (!matchMedia(WIDE).matches) open.list.value = false
            }}
          />
        </aside>
      ) : null}
      <section class="write-main" aria-label={words.editor}>
        <Bar work={work} open={open} />
        <Notices work={work} />
        <SiteStart work={work} />
        <SiteOpenings work={work} />
        <div class="write-text" ref={host} data-focus={focus} />
        <TouchKeys work={work} />
        <Status work={work} />
        {focus === 'off' ? null : (
          <button type="button" class="tool write-leave-focus" onClick={() => work.leaveFocus()}>
            <Icon name="close" />
            {words.leaveFocus}
          </button>
        )}
      </section>
      {open.panel.value && !open.marks.value ? (
        <aside class="write-side write-panel" aria-label={suggest.title}>
          <SuggestionPanel work={work} open={open} />
        </aside>
      ) : null}
      {open.marks.value ? (
        <aside class="write-side write-panel" aria-label={grammar.title}>
          <MarksPanel desk={work.grammar} difference={open.difference} />
        </aside>
      ) : null}
      <MarkPopup desk={work.grammar} />
      <DifferenceDialog desk={work.grammar} open={open.difference} />
      {dragging.value ? <p class="write-drop">{words.dropHere}</p> : null}
      <VersionsDialog work={work} open={open.versions} />
      <KeysDialog open={open.keys} />
      <TrialDialog open={open.trial} />
    </div>
  )
}

function useOpenings(): Openings {
  const wide = matchMedia(WIDE).matches
  return {
    list: useSignal(wide),
    panel: useSignal(wide && hasTask('autocomplete')),
    marks: useSignal(wide && hasTask('grammar') && !hasTask('autocomplete')),
    difference: useSignal(false),
    versions: useSignal(false),
    keys: useSignal(false),
    trial: useSignal(false),
  }
}

function Notices({ work }: { work: Workplace }) {
  const words = text.value.write
  const save = work.desk.saveState.value
  const problem = work.storageProblem.value
  // Why it is refused the browser tells in English, and not where it can be allowed.
  const trouble = problem && isStorageRefused() ? words.storageRefused : problem ? words.storageFailed(problem) : ''
  const unsaved = save.status === 'failed' ? words.saveFailed(save.message) : ''
  return (
    <>
      {trouble || unsaved ? (
        <p class="write-notice bad-title" role="alert">
          <Icon name="alert" />
          {unsaved || trouble}
        </p>
      ) : null}
      {work.notice.value ? (
        <p class="write-notice">
          {work.notice.value}
          <Dismiss
            onDismiss={() => {
              work.notice.value = ''
            }}
          />
        </p>
      ) : null}
    </>
  )
}

/** Files dropped anywhere on the page are opened; true while some are held over it. */
function useDrop(work: Workplace, place: RefObject<HTMLElement | null>): ReadonlySignal<boolean> {
  const dragging = useSignal(false)
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false
    const over = (event: DragEvent) => {
      if (!hasFiles(event)) return
      event.preventDefault()
      dragging.value = true
    }
    const leave = (event: DragEvent) => {
      if (!event.relatedTarget) dragging.value = false
    }
    const drop = (event: DragEvent) => {
      dragging.value = false
      if (!event.dataTransfer || !hasFiles(event)) return
      event.preventDefault()
      event.stopPropagation() // the editor would put their text into this document
      void droppedFiles(event.dataTransfer).then(files => work.openFiles(files))
    }
    const area = place.current
    area?.addEventListener('dragover', over)
    area?.addEventListener('dragleave', leave)
    area?.addEventListener('drop', drop, true)
    return () => {
      area?.removeEventListener('dragover', over)
      area?.removeEventListener('dragleave', leave)
      area?.removeEventListener('drop', drop, true)
    }
  }, [])
  return dragging
}

function showMarks(open: Openings): void {
  open.marks.value = true
}

/** Keys of the page, and the same things for the command palette. */
function useCommands(work: Workplace, open: Openings): void {
  useEffect(() => {
    const words = () => text.value.write
    return offer([
      { id: 'write-new', name: () => words().newDocument, act: () => work.newDocument() },
      { id: 'write-open', name: () => words().openFile, keys: 'Ctrl+O', act: () => work.chooseFiles() },
      { id: 'write-save', name: () => words().saveFile, keys: 'Ctrl+S', act: () => work.save() },
      { id: 'write-find', name: () => words().findInText, keys: 'Ctrl+F', act: () => work.find() },
      { id: 'write-marks', name: () => text.value.grammar.title, act: () => showMarks(open) },
      {
        id: 'write-mark-next',
        name: () => text.value.suggest.keys.actions.nextMark,
        act: () => void work.grammar.step(1),
      },
      { id: 'write-focus', name: () => words().focus[work.focusMode.peek()], act: () => work.nextFocus() },
      ...(['versions', 'keys', 'trial'] as const).map(which => ({
        id: `write-${which}`,
        name: () =>
          which === 'versions'
            ? words().versions
            : (which === 'keys' ? text.value.suggest.keys : text.value.trial).title,
        act: () => {
          open[which].value = true
        },
      })),
    ])
  }, [])
  useEffect(() => {
    const closeDrawers = ({ target }: KeyboardEvent) => {
      if (matchMedia(WIDE).matches || !(target instanceof Element && target.closest('.write-side'))) return
      open.list.value = false
      open.panel.value = false
      open.marks.value = false
      work.editor?.focus()
    }
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape') return closeDrawers(event)
      const plain = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && !event.isComposing
      if (!plain || document.querySelector('dialog[open]')) return
      const key = event.key.toLowerCase()
      if (key === 's') void work.save()
      else if (key === 'o') void work.chooseFiles()
      else return
      event.preventDefault()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
}
