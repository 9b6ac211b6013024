/** A button that copies and says so. */
import { useSignal } from '@preact/signals'
import { announcement } from '../../state/chat.ts'
import { Icon } from './icons.tsx'

const SHOWN_MS = 1500

export function CopyButton({ text, label }: { text: string; label: string }) {
  const state = useSignal<'idle' | 'copied' | 'failed'>('idle')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      state.value = 'copied'
      announcement.value = 'Copied'
    } catch {
      state.value = 'failed'
      announcement.value = 'The browser did not allow copying. Select the text and copy it yourself.'
    }
    setTimeout(() => {
      state.value = 'idle'
    }, SHOWN_MS)
  }
  const shown = { idle: label, copied: 'Copied', failed: 'Not allowed' }[state.value]
  return (
    <button type="button" class="quiet" onClick={copy}>
      <Icon name={state.value === 'copied' ? 'check' : 'copy'} />
      <span>{shown}</span>
    </button>
  )
}
