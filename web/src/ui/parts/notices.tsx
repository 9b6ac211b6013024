/** Short notices over the page: a fallback from the GPU, and a way back from a new chat. */
import { problem, undo } from '../../state/announce.ts'
import { engine } from '../../state/engine.ts'
import { reasonsInWords } from '../../state/in-words.ts'
import { change, settings } from '../../state/settings.ts'
import { text } from '../../text/index.ts'
import { Dismiss } from './dismiss.tsx'
import { restFocus } from './focus.ts'
import { ChromeButton } from './shell-notice.tsx'

/** Why a better device or variant is not used: shown until dismissed, and again when the reason is another one. */
export function FallbackNotice() {
  const current = engine.value
  const fallbacks = current?.info.fallbacks ?? []
  if (!current || fallbacks.length === 0) return null
  const onCpu = current.info.device === 'cpu'
  const dismissable = [...new Set(fallbacks.map(({ reason }) => reason))].join(' ')
  if (settings.value.dismissed === dismissable) return null
  const sentences = [...new Set(fallbacks.map(({ reasons }) => reasonsInWords(reasons)))].join(' ')
  const { onCpu: onCpuText, onVariant } = text.value.shell
  return (
    <aside class="notice" aria-label={text.value.shell.onOtherDevice}>
      <p>
        <strong>{onCpu ? onCpuText : onVariant(current.info.variant)}</strong> {sentences}
      </p>
      {onCpu && <ChromeButton />}
      <Dismiss
        onDismiss={() => {
          change({ dismissed: dismissable })
        }}
      />
    </aside>
  )
}

/** Of an action whose place on the page is gone, such as one that was taken back. */
export function ProblemNotice() {
  if (problem.value === '') return null
  return (
    <div class="notice bad" role="alert">
      <p>{problem.value}</p>
      <Dismiss
        onDismiss={() => {
          problem.value = ''
        }}
      />
    </div>
  )
}

/** A way back from the last action. */
export function UndoNotice() {
  const current = undo.value
  if (!current) return null
  const close = () => {
    undo.value = null
  }
  return (
    <aside class="notice undo" aria-label={current.text}>
      <p>{current.text}.</p>
      <button
        type="button"
        class="tool"
        onClick={() => {
          void current.act()
          close()
          restFocus()
        }}
      >
        {text.value.shell.undo}
      </button>
      <Dismiss onDismiss={close} />
    </aside>
  )
}
