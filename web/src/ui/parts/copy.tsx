/** A button that copies and says so. */
import { useSignal } from '@preact/signals'
import { announcement } from '../../state/announce.ts'
import { text as words } from '../../text/index.ts'
import { Icon } from './icons.tsx'

const SHOWN_MS = 1500

export function CopyButton({ text, label }: { text: string; label: string }) {
  const state = useSignal<'idle' | 'copied' | 'failed'>('idle')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      state.value = 'copied'
      announcement.value = words.value.shell.copied
    } catch {
      state.value = 'failed'
      announcement.value = words.value.shell.copyRefusedLong
    }
    setTimeout(() => {
      state.value = 'idle'
    }, SHOWN_MS)
  }
  const shown = { idle: label, copied: words.value.shell.copied, failed: words.value.shell.copyRefused }[state.value]
  return (
    <button type="button" class="quiet" onClick={copy}>
      <Icon name={state.value === 'copied' ? 'check' : 'copy'} />
      <span>{shown}</span>
    </button>
  )
}
