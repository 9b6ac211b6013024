/** Goes to one message of the conversation, wherever it is. */
import { signal } from '@preact/signals'

const SHOWN_MS = 2500

/** The message that is looked for: drawn, marked for a moment, never scrolled away from by itself. */
export const sought = signal<string | null>(null)

export function seek(id: string): void {
  sought.value = id
  const arrive = (tries: number) => {
    const row = document.querySelector<HTMLElement>(`[data-message="${CSS.escape(id)}"]`)
    row?.scrollIntoView({ block: 'center' })
    // Rows around it are drawn as they come near, and only then have their height.
    if (tries > 0) requestAnimationFrame(() => arrive(tries - 1))
    else row?.focus({ preventScroll: true })
  }
  requestAnimationFrame(() => arrive(4))
  setTimeout(() => {
    if (sought.value === id) sought.value = null
  }, SHOWN_MS)
}
