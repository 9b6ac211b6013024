/** Two changes of one thing, made apart: what becomes of them. Nothing that a person or a model wrote is lost. Pure. */

import { newId } from '../chats/tree.ts'
import type { ChatHead, Message } from '../chats/types.ts'
import { same } from './wire.ts'

export interface Side<T> {
  value: T
  at: number
}

/** Each field as who changed it wants it; where both did, as the later one does. */
export function mergeHeads(base: ChatHead | null, mine: Side<ChatHead>, theirs: Side<ChatHead>): ChatHead {
  const later = theirs.at >= mine.at ? theirs.value : mine.value
  const [a, b] = [mine.value, theirs.value]
  const pick = <T>(of: (head: ChatHead) => T): T => {
    if (base && same(of(a), of(base))) return of(b)
    if (base && same(of(b), of(base))) return of(a)
    return of(later)
  }
  const name = pick(({ title, renamed }) => ({ title, renamed }))
  const keys = new Set([...Object.keys(a.selected), ...Object.keys(b.selected)])
  const selected = [...keys].flatMap((key): [string, string][] => {
    const chosen = pick(head => head.selected[key])
    return chosen === undefined ? [] : [[key, chosen]]
  })
  return {
    ...later,
    ...name,
    pinned: pick(({ pinned }) => pinned),
    overrides: pick(({ overrides }) => overrides),
    selected: Object.fromEntries(selected),
    created_at: Math.min(a.created_at, b.created_at),
    updated_at: Math.max(a.updated_at, b.updated_at),
  }
}

/** One message that was changed here and elsewhere: `beside` is a version of it, next to what it is now. */
export interface MergedMessage {
  kept: Message
  beside: Message | null
}

/**
 * Messages change in one way: text is written on behind. So where one goes on from the other, the longer is both; else
 * theirs stays and mine stands beside it. While mine is still being written, it is theirs that stands beside.
 */
export function mergeMessages(mine: Message, theirs: Message, makeId: () => string = newId): MergedMessage {
  const isOpen = mine.state === 'waiting' || mine.state === 'writing'
  if (same(mine, theirs)) return { kept: theirs, beside: null }
  if (isOpen) {
    const isBehind = theirs.content === '' || mine.content.startsWith(theirs.content)
    return { kept: mine, beside: isBehind ? null : { ...theirs, id: makeId() } }
  }
  if (theirs.content.startsWith(mine.content)) return { kept: theirs, beside: null }
  if (mine.content.startsWith(theirs.content)) return { kept: mine, beside: null }
  return { kept: theirs, beside: { ...mine, id: makeId() } }
}
