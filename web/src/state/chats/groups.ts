/** The list of chats in groups of time: pinned, today, yesterday, a week, a month, then month by month. Pure. */
import type { ChatHead } from './types.ts'

export type GroupName = 'pinned' | 'today' | 'yesterday' | 'week' | 'month'

export interface Group {
  /** A month further back is named by its first day, in milliseconds since 1970. */
  name: GroupName | number
  heads: ChatHead[]
}

/** @param heads pinned ones first, then the newest first; days are those of the reader's clock */
export function groupsOf(heads: readonly ChatHead[], now: number): Group[] {
  const groups: Group[] = []
  for (const head of heads) {
    const name = groupName(head, now)
    const last = groups.at(-1)
    if (last?.name === name) last.heads.push(head)
    else groups.push({ name, heads: [head] })
  }
  return groups
}

function groupName({ pinned, updated_at }: ChatHead, now: number): Group['name'] {
  if (pinned) return 'pinned'
  const today = new Date(now)
  const daysBack = (days: number) => new Date(today.getFullYear(), today.getMonth(), today.getDate() - days).getTime()
  if (updated_at >= daysBack(0)) return 'today'
  if (updated_at >= daysBack(1)) return 'yesterday'
  if (updated_at >= daysBack(7)) return 'week'
  if (updated_at >= daysBack(30)) return 'month'
  const date = new Date(updated_at)
  return new Date(date.getFullYear(), date.getMonth()).getTime()
}
