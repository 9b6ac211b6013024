/** A question before something that cannot be undone. */
import type { Signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { text } from '../../text/index.ts'
import { Dialog } from '../parts/dialog.tsx'

interface ConfirmProps {
  open: { value: boolean }
  title: string
  /** Of the button that does it. */
  act: string
  onYes: () => void
  children: ComponentChildren
}

export function Confirm({ open, title, act, onYes, children }: ConfirmProps) {
  const words = text.value.models
  const close = () => {
    open.value = false
  }
  return (
    <Dialog open={open as Signal<boolean>} title={title} closeLabel={words.close}>
      {children}
      <div class="panel-row start">
        <button
          type="button"
          class="primary"
          onClick={() => {
            close()
            onYes()
          }}
        >
          {act}
        </button>
        <button type="button" class="secondary" onClick={close}>
          {words.cancel}
        </button>
      </div>
    </Dialog>
  )
}
