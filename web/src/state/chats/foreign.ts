/** What exports of other programs have in common: a tree of nodes of which some are no messages of a person or a model. Pure. */
import { add, amend, emptyChat, rename, show } from './tree.ts'
import type { Attachment, Chat, Message } from './types.ts'

export interface ForeignNode {
  id: string
  parent: string | null
  /** Null for what is no part of the conversation: roots, tools, hidden notes. What follows it is kept. */
  role: Message['role'] | null
  content: string
  /** Milliseconds since 1970; 0 where it is not known. */
  created_at: number
  attachments?: Attachment[]
}

export interface ForeignChat {
  id: string
  title: string
  created_at: number
  updated_at: number
  /** Instructions that stood before the conversation. */
  system: string
  /** The node that was shown last, null where that is not known. */
  current: string | null
  /** In the order of their versions; parents may stand anywhere. */
  nodes: ForeignNode[]
}

/** @throws Error where nodes lead round in a circle */
export function adopt({ nodes, current, ...about }: ForeignChat): Chat {
  const byId = new Map(nodes.map(node => [node.id, node]))
  const children = new Map<string, ForeignNode[]>()
  for (const node of nodes) {
    const key = node.parent !== null && byId.has(node.parent) ? node.parent : ''
    children.set(key, [...(children.get(key) ?? []), node])
  }
  const kept = new Map<string, string | null>() // node → the message that stands for it
  let chat = emptyChat(about.id, about.created_at)
  const open = (children.get('') ?? []).toReversed()
  for (let node = open.pop(); node; node = open.pop()) {
    const parent = node.parent === null ? null : (kept.get(node.parent) ?? null)
    const isMessage = node.role !== null && (node.content.trim() !== '' || (node.attachments?.length ?? 0) > 0)
    kept.set(node.id, isMessage ? node.id : parent)
    if (isMessage) chat = add(chat, messageOf(node, parent, about.created_at))
    open.push(...(children.get(node.id) ?? []).toReversed())
  }
  if (kept.size < byId.size) throw new Error('its messages lead round in a circle')
  const shown = current === null ? null : (kept.get(current) ?? null)
  const named = about.title.trim() ? rename(chat, about.title) : chat
  const seen = shown === null ? named : show(named, shown)
  return amend(seen, { updated_at: about.updated_at, overrides: about.system ? { system: about.system } : {} })
}

function messageOf(
  { id, role, content, created_at, attachments }: ForeignNode,
  parent: string | null,
  start: number,
): Message {
  const kept = attachments?.length ? { attachments } : {}
  return { id, parent, role: role ?? 'user', content, created_at: created_at || start, state: 'done', ...kept }
}

/** Seconds, as most programs write times, in milliseconds; 0 for anything else. */
export function seconds(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.round(value * 1000) : 0
}

export function textIn(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
