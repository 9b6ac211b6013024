/** What the desktop app has to say, and its way to the GPU. */
import { useSignal } from '@preact/signals'
import { offersChrome, openInChrome, shellNotice } from '../../state/shell.ts'
import { text } from '../../text/index.ts'
import { Dismiss } from './dismiss.tsx'

/** Why the app's own window is not used, or what it could not open: until dismissed. */
export function ShellNotice() {
  const dismissed = useSignal<string | null>(null)
  const notice = shellNotice.value
  if (!notice) return null
  const key = `${notice.code} ${notice.detail}`
  if (dismissed.value === key) return null
  const words = text.value.desktop
  const said =
    notice.code === 'window-failed'
      ? words.windowFailed
      : `${words.notOpened} ${text.value.server({ ...notice, message: notice.detail })}`
  return (
    <aside class="notice" aria-label={words.aboutWindow}>
      <p>{said}</p>
      <Dismiss
        onDismiss={() => {
          dismissed.value = key
        }}
      />
    </aside>
  )
}

/** In a web view without an adapter: the same page in Chrome. */
export function ChromeButton() {
  const failure = useSignal<string | null>(null)
  if (!offersChrome.value) return null
  const words = text.value.desktop
  const open = () => {
    failure.value = null
    openInChrome().catch(error => {
      failure.value = error instanceof Error ? error.message : String(error)
    })
  }
  return (
    <>
      {failure.value && <p role="alert">{`${words.useChromeFailed} ${failure.value}`}</p>}
      <button type="button" class="tool" onClick={open}>
        {words.useChrome}
      </button>
    </>
  )
}
