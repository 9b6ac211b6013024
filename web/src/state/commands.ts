/** What can be done from the keyboard: each page adds its commands while it is shown, the palette lists them. */
import { signal } from '@preact/signals'

export interface Command {
  /** Unlike every other command's. */
  id: string
  /** In the page's language: "New chat". */
  name: () => string
  /** As people read it: "Ctrl+Shift+O". Handled by whoever registers the command. */
  keys?: string
  act: () => void | Promise<void>
}

export const commands = signal<readonly Command[]>([])

/** Adds commands; the returned function takes them away again. */
export function offer(added: readonly Command[]): () => void {
  const ids = new Set(added.map(({ id }) => id))
  commands.value = [...commands.value.filter(({ id }) => !ids.has(id)), ...added]
  return () => {
    commands.value = commands.value.filter(command => !added.includes(command))
  }
}
