/** Short notices over the page: a fallback from the GPU, and an undo that lasts a while. */
import { signal, useSignalEffect } from '@preact/signals'
import { engine } from '../state/engine.ts'
import { change, settings } from '../state/settings.ts'
import { Icon } from './icons.tsx'

const UNDO_MS = 10_000

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
      <button type="button" class="tool" aria-label="Dismiss" onClick={() => change({ dismissed: reasons })}>
        <Icon name="close" />
      </button>
    </aside>
  )
}

export function UndoToast() {
  useSignalEffect(() => {
    if (!undo.value) return
    const timer = setTimeout(() => {
      undo.value = null
    }, UNDO_MS)
    return () => clearTimeout(timer)
  })
  const current = undo.value
  return (
    <div class="toasts" role="status">
      {current ? (
        <div class="toast">
          <span>{current.text}</span>
          <button
            type="button"
            onClick={() => {
              undo.value = null
              current.act()
            }}
          >
            Undo
          </button>
        </div>
      ) : null}
    </div>
  )
}
