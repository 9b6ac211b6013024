/** The chats that are open in this tab: the one on the page, and any that an answer is still being written in. */
import { computed, signal } from '@preact/signals'
import { siteName } from '../../engine/names.ts'
import { chatOf, emptyChat, path, update } from './tree.ts'
import type { Chat, Message } from './types.ts'

export const openChats = signal<ReadonlyMap<string, Chat>>(new Map())
export const currentId = signal('')
/** True while another tab writes in the chat on the page: it is shown as it grows there, and left alone here. */
export const isElsewhere = signal(false)

const NONE = emptyChat('', 0)

/** The chat on the page. */
export const chat = computed(() => openChats.value.get(currentId.value) ?? NONE)
/** What is shown of it, from its first message to its last. */
export const messages = computed(() => path(chat.value))
/** Its structure: changes when messages come or go, not while text is written. */
export const shape = computed(() => chat.value.children)
/** Whether an answer of it is waited for, here or in another tab. */
export const isBusy = computed(() => isElsewhere.value || hasUnfinished(chat.value))

export function put(changed: Chat): void {
  openChats.value = new Map(openChats.value).set(changed.head.id, changed)
}

/** The chat as it is after the change; null where it is not open. */
export function change(id: string, act: (before: Chat) => Chat): Chat | null {
  const before = openChats.value.get(id)
  if (!before) return null
  const after = act(before)
  if (after !== before) put(after)
  return after
}

export function shut(id: string): void {
  const rest = new Map(openChats.value)
  if (rest.delete(id)) openChats.value = rest
}

export function isUnfinished({ state }: Message): boolean {
  return state === 'waiting' || state === 'writing'
}

export function hasUnfinished({ messages }: Chat): boolean {
  for (const message of messages.values()) if (isUnfinished(message)) return true
  return false
}

/** After its tab was closed or crashed: what was written stays, and is marked. */
export function interrupted(chat: Chat): Chat {
  return ended(chat, { interrupted: true })
}

/** Nobody writes in it any more: what was written stays. */
export function ended(chat: Chat, mark: Pick<Message, 'interrupted'> = {}): Chat {
  const open = [...chat.messages.values()].filter(isUnfinished)
  return open.reduce((before, { id }) => update(before, id, { state: 'stopped', ...mark }), chat)
}

const OLD_KEY = siteName('slm-playground.chat')

/** The conversation that an older version of the page kept for this tab; it is handed out once. */
export function takeOver(id: string, now: number): Chat | null {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(OLD_KEY) ?? '[]')
    sessionStorage.removeItem(OLD_KEY)
    const spoken = Array.isArray(stored) ? stored.filter(isOldMessage) : []
    if (spoken.length === 0) return null
    const messages = spoken.map(({ id, role, content, state, stats }, index): Message => {
      const parent = spoken[index - 1]?.id ?? null
      const ended = state === 'failed' ? 'stopped' : state
      return { id, parent, role, content, state: ended, created_at: now + index, ...(stats ? { stats } : {}) }
    })
    const { head } = emptyChat(id, now)
    return interrupted(show(chatOf({ head, messages })))
  } catch {
    return null // storage is forbidden, or holds something else
  }
}

function show(chat: Chat): Chat {
  const [first] = chat.messages.keys()
  return first === undefined ? chat : update(chat, first, {}) // gives it its title
}

function isOldMessage(value: unknown): value is Pick<Message, 'id' | 'role' | 'content' | 'state' | 'stats'> {
  const { id, role, content, state } = Object(value)
  return [id, content, state].every(part => typeof part === 'string') && (role === 'user' || role === 'assistant')
}
