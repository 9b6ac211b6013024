/** What the page says beside what it shows: the live region of screen readers, and the way back from the last action. */
import { signal } from '@preact/signals'

/** For screen readers: status and finished answers, never single tokens. */
export const announcement = signal('')

export interface Undo {
  /** What was done, as a sentence without its stop: "Chat deleted". */
  text: string
  act: () => void | Promise<void>
}

/** What did not work in an action that has no place of its own on the page any more; '' for nothing. */
export const problem = signal('')

/** The last action that can be taken back; null once that is over. */
export const undo = signal<Undo | null>(null)
