/** Short notices over the page: a fallback from the GPU, and a way back from a new chat. */
import { signal } from '@preact/signals'
import { engine } from '../../state/engine.ts'
import { change, settings } from '../../state/settings.ts'
import { restFocus } from '../chat/composer.tsx'
import { Icon } from './icons.tsx'

export interface Undo {
  text: string
  act: () => void
}

export const undo = signal<Undo | null>(null)

/** Why a better device or variant is not used: shown until dismissed, and again when the reason is another one. */
export function FallbackNotice() {
  const current = engine.value
  const fallbacks = current?.info.fallbacks ?? []
  if (!current || fallbacks.length === 0) return null
  const onCpu = current.info.device === 'cpu'
  const reasons = [...new Set(fallbacks.map(({ reason }) => reason))].join(' ')
  if (settings.value.dismissed === reasons) return null
  return (
    <aside class="notice" aria-label="Running on another device">
      <p>
        <strong>{onCpu ? 'Running on the CPU.' : `Running ${current.info.variant}.`}</strong> {reasons}
      </p>
      <button
        type="button"
        class="tool"
        aria-label="Dismiss"
        onClick={() => {
          change({ dismissed: reasons })
          restFocus()
        }}
      >
        <Icon name="close" />
      </button>
    </aside>
  )
}

/** A way back from "New chat", until the new one has begun. */
export function UndoNotice() {
  const current = undo.value
  if (!current) return null
  const close = () => {
    undo.value = null
    restFocus()
  }
  return (
    <aside class="notice undo" aria-label={current.text}>
      <p>{current.text}.</p>
      <button
        type="button"
        class="tool"
        onClick={() => {
          current.act()
          close()
        }}
      >
        Undo
      </button>
      <button type="button" class="tool" aria-label="Close" onClick={close}>
        <Icon name="close" />
      </button>
    </aside>
  )
}
