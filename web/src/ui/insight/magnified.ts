/** Which answers are shown as their tokens. */
import { signal } from '@preact/signals'

/** Ids of the messages whose tokens are shown. */
export const magnified = signal<ReadonlySet<string>>(new Set())

export function toggleTokens(id: string): void {
  const next = new Set(magnified.value)
  if (!next.delete(id)) next.add(id)
  magnified.value = next
}
