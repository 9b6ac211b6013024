/** A chat that is open here and was changed elsewhere meanwhile, by another tab or by way of the server. Pure. */
import { mergeHeads } from '../sync/merge.ts'
import { chatOf } from './tree.ts'
import type { Chat } from './types.ts'

/**
 * What became of it in both places: of each message and of each field of the head, the change that was made; mine where there
 * are two.
 * @param saved as it was in both before
 */
export function joined(saved: Chat, mine: Chat, now: Chat): Chat {
  if (mine === saved) return now
  const messages = new Map(now.messages)
  for (const id of saved.messages.keys()) if (!mine.messages.has(id)) messages.delete(id)
  for (const [id, message] of mine.messages) if (saved.messages.get(id) !== message) messages.set(id, message)
  const head = mergeHeads(saved.head, { value: mine.head, at: 1 }, { value: now.head, at: 0 })
  return chatOf({ head, messages: [...messages.values()] })
}
