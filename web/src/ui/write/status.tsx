/** Below the text: counts, whether it is saved, what the suggestions do; on touch screens buttons in place of keys. */
import { useEffect } from 'preact/hooks'
import { readingMinutes } from '../../state/documents/count.ts'
import { hasTask } from '../../state/site.ts'
import { shownKey } from '../../state/suggestions/keys.ts'
import { writing } from '../../state/suggestions/settings.ts'
import { language, text } from '../../text/index.ts'
import { lettered } from '../parts/keys.ts'
import { ToModels } from '../parts/to-models.tsx'
import { accept } from './ghost.ts'
import { MarkState } from './grammar/state.tsx'
import type { Workplace } from './workplace.ts'

export const IS_MAC = /^mac/i.test(navigator.platform) || /^ip(?:hone|ad|od)/i.test(navigator.platform)

export function Status({ work }: { work: Workplace }) {
  return (
    <footer class="write-status">
      <Counted work={work} />
      <Kept work={work} />
      <span class="write-marks">{hasTask('grammar') ? <MarkState desk={work.grammar} /> : null}</span>
      <span class="write-state">{hasTask('autocomplete') ? <SuggestionState work={work} /> : null}</span>
    </footer>
  )
}

function Kept({ work: { desk, storageProblem } }: { work: Workplace }) {
  const words = text.value.write
  if (storageProblem.value) return <span>{words.notKept}</span>
  return <span>{desk.saveState.value.status === 'saved' ? words.saved : words.unsaved}</span>
}

function Counted({ work }: { work: Workplace }) {
  const { write } = text.value
  const { words, characters } = work.counts.value
  const number = (count: number) => count.toLocaleString(language.value)
  const selected = work.selectedWords.value
  const minutes = Math.round(readingMinutes(words))
  return (
    <>
      <span>
        {selected === null ? write.words(number(words), words === 1) : write.wordsOf(number(selected), number(words))}
      </span>
      <span class="write-wide">{write.characters(number(characters), characters === 1)}</span>
      <span class="write-wide">{minutes < 1 ? write.readingShort : write.reading(number(minutes))}</span>
    </>
  )
}

/** What the suggestions do just now, in a few words; why they are silent by name. */
export function SuggestionState({ work: { assistant, hasFocus } }: { work: Workplace }) {
  const { state, silences } = text.value.suggest
  const { suggestion, silentBecause } = assistant.shown.value
  const available = assistant.availability.value
  if (!writing.value.enabled) return <>{state.off}</>
  if (assistant.isPaused.value) return <>{state.paused}</>
  if (available === 'loading') return <>{state.loading}</>
  if (available !== 'ready') {
    return (
      <>
        <span>{available === 'none' ? state.none : state.failed}</span> <ToModels words={state.models} />
      </>
    )
  }
  if (assistant.trouble.value) return <>{assistant.trouble.value}</>
  if (suggestion && hasFocus.value) {
    const key = lettered(shownKey(writing.value.keys.accept[0] ?? '', IS_MAC))
    const of =
      suggestion.count > 1 ? ` · ${state.alternatives(String(suggestion.index + 1), String(suggestion.count))}` : ''
    const how = matchMedia('(pointer: coarse)').matches ? state.tap : state.shown(key)
    return <>{`${how}${of}`}</>
  }
  if (silentBecause === 'pending') return <>{state.pending}</>
  return <>{silentBecause ? state.silent(silences[silentBecause]) : state.ready}</>
}

/** Over the keyboard of a phone; CSS shows it where a finger is the pointer. */
export function TouchKeys({ work }: { work: Workplace }) {
  useKeyboardSpace()
  const { touch } = text.value.suggest
  const { assistant } = work
  const { suggestion } = assistant.shown.value
  if (!work.hasFocus.value || !writing.value.enabled || assistant.availability.value !== 'ready') return null
  const take = (unit: 'all' | 'word') => () => {
    if (work.editor) accept(work.editor.view, assistant, unit)
  }
  const buttons = suggestion
    ? ([
        [touch.accept, take('all')],
        [touch.word, take('word')],
        ...(suggestion.count > 1 ? [[touch.next, () => assistant.turn(1)] as const] : []),
        [touch.dismiss, () => assistant.dismiss()],
      ] as const)
    : ([[touch.suggest, () => assistant.trigger()]] as const)
  return (
    <section class="write-touch" aria-label={touch.label}>
      {buttons.map(([name, act]) => (
        <button key={name} type="button" onPointerDown={event => event.preventDefault()} onClick={act}>
          {name}
        </button>
      ))}
    </section>
  )
}

/** Where the keyboard lies over the page instead of making it smaller (iOS), tells CSS how much it covers. */
function useKeyboardSpace(): void {
  useEffect(() => {
    const view = window.visualViewport
    if (!view) return
    const measure = () => {
      const covered = view.scale === 1 ? Math.max(0, innerHeight - view.height - view.offsetTop) : 0
      document.documentElement.style.setProperty('--keyboard', `${Math.round(covered)}px`)
    }
    view.addEventListener('resize', measure)
    view.addEventListener('scroll', measure)
    return () => {
      view.removeEventListener('resize', measure)
      view.removeEventListener('scroll', measure)
      document.documentElement.style.removeProperty('--keyboard')
    }
  }, [])
}
