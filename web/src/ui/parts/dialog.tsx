/** A modal dialog with a title and a way out: its button, Escape, or a click beside it. */
import { effect, type Signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { Icon } from './icons.tsx'

export interface DialogProps {
  /** Shown while it is true; false as soon as the dialog closes, however that happens. */
  open: Signal<boolean>
  title: string
  /** Of the button that closes: "Close settings". */
  closeLabel: string
  onClose?: () => void
  children: ComponentChildren
}

export function Dialog({ open, title, closeLabel, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  // At once, not with the next frame: what follows within it finds the dialog open or closed.
  useLayoutEffect(
    () =>
      effect(() => {
        if (open.value) dialog.current?.showModal()
        else dialog.current?.close()
      }),
    [],
  )
  const close = () => {
    if (!open.peek()) return
    onClose?.()
    open.value = false
  }
  const titleId = `dialog-${title.toLowerCase().replace(/\W+/g, '-')}`
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a modal dialog by itself
    <dialog
      ref={dialog}
      class="settings"
      aria-labelledby={titleId}
      onClose={event => {
        if (!event.currentTarget.open) close() // the event comes late: it may have been opened again
      }}
      onClick={event => {
        if (event.target === dialog.current) close() // on the backdrop
      }}
    >
      <form method="dialog" onSubmit={close}>
        <div class="panel-row">
          <h2 id={titleId}>{title}</h2>
          <button type="submit" class="tool" aria-label={closeLabel}>
            <Icon name="close" />
          </button>
        </div>
        {children}
      </form>
    </dialog>
  )
}
