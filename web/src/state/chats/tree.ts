/**
 * The tree of a conversation: nothing is overwritten, every edit and every further answer is a sibling. Pure; each
 * function returns a new chat and leaves the old one as it was.
 */
import type { Chat, ChatHead, Message, StoredChat } from './types.ts'

/** Stands for the parent of first messages. */
const ROOT = ''
const TITLE_CHARACTERS = 60

/** Not randomUUID: browsers offer that on https and localhost only. */
export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(3)), part => part.toString(36).padStart(7, '0')).join('')
}

export function emptyChat(id: string, now: number): Chat {
  const head: ChatHead = {
    id,
    title: '',
    renamed: false,
    pinned: false,
    created_at: now,
    updated_at: now,
    message_count: 0,
    overrides: {},
    selected: {},
  }
  return { head, messages: new Map(), children: new Map() }
}

/** A chat from its records. Messages whose parent is missing, or that lead round in a circle, become first messages. */
export function chatOf({ head, messages }: StoredChat): Chat {
  const byId = new Map(messages.map(message => [message.id, message]))
  const rooted = new Set<string>()
  for (const { id } of messages) root(byId, id, rooted)
  return settled(head, byId)
}

/** Sees to it that the way up from a message ends at a first message; what follows one that becomes such stays below it. */
function root(messages: Map<string, Message>, from: string, rooted: Set<string>): void {
  const way = new Set<string>()
  for (let at = messages.get(from); at && !rooted.has(at.id); ) {
    way.add(at.id)
    if (at.parent === null) break
    const above = messages.get(at.parent)
    if (above && !way.has(above.id)) at = above
    else {
      messages.set(at.id, { ...at, parent: null })
      break
    }
  }
  for (const id of way) rooted.add(id)
}

export function storedOf({ head, messages }: Chat): StoredChat {
  return { head, messages: [...messages.values()] }
}

/** Adds a message as the newest version below its parent, and shows it. */
export function add(chat: Chat, message: Message): Chat {
  const key = message.parent ?? ROOT
  if (chat.messages.has(message.id)) throw new Error(`The chat has a message ${message.id} already.`)
  if (key !== ROOT && !chat.messages.has(key)) throw new Error(`The chat has no message ${key} to answer.`)
  const siblings = chat.children.get(key) ?? []
  const youngest = siblings.at(-1)
  const least = youngest ? timeOf(chat, youngest) + 1 : 0 // clocks go back at times, versions do not
  const added = { ...message, created_at: Math.max(message.created_at, least) }
  const messages = new Map(chat.messages).set(added.id, added)
  const head = { ...chat.head, updated_at: added.created_at, selected: without(chat.head.selected, key) }
  return titled({ head, messages, children: new Map(chat.children).set(key, [...siblings, added.id]) })
}

/** Changes a message in place: text that is being written, and how it ended. */
export function update(chat: Chat, id: string, part: Partial<Omit<Message, 'id' | 'parent' | 'created_at'>>): Chat {
  const message = chat.messages.get(id)
  if (!message) return chat
  const changed = { ...chat, messages: new Map(chat.messages).set(id, { ...message, ...part }) }
  return message.parent === null ? titled(changed) : changed
}

/** An answer to be written (again, or on behind what it has): without what its last run left on it. */
export function reopen(chat: Chat, id: string): Chat {
  const message = chat.messages.get(id)
  if (!message) return chat
  const { error: _, code: __, interrupted: ___, stats: ____, ...kept } = message
  return { ...chat, messages: new Map(chat.messages).set(id, { ...kept, state: 'waiting' }) }
}

/** Changes the head, and nothing of the tree. */
export function amend(chat: Chat, part: Partial<Pick<ChatHead, 'pinned' | 'overrides' | 'updated_at'>>): Chat {
  return { ...chat, head: { ...chat.head, ...part } }
}

/** A title by hand; an empty one goes back to following the first message. */
export function rename(chat: Chat, title: string): Chat {
  const chosen = title.trim()
  return titled({ ...chat, head: { ...chat.head, title: chosen, renamed: chosen !== '' } })
}

/** Versions of a message, itself included, oldest first. */
export function versions(chat: Chat, id: string): readonly string[] {
  return chat.children.get(chat.messages.get(id)?.parent ?? ROOT) ?? []
}

/** Shows a message: it and everything before it become the versions that are shown. */
export function show(chat: Chat, id: string): Chat {
  let selected = chat.head.selected
  for (const message of pathTo(chat, id)) {
    const key = message.parent ?? ROOT
    const isNewest = chat.children.get(key)?.at(-1) === message.id
    selected = isNewest ? without(selected, key) : { ...selected, [key]: message.id }
  }
  return titled({ ...chat, head: { ...chat.head, selected } })
}

/** The conversation as it is shown, from its first message to its last. */
export function path(chat: Chat): Message[] {
  const shown: Message[] = []
  for (let next = shownChild(chat, ROOT); next; next = shownChild(chat, next.id)) shown.push(next)
  return shown
}

/** From the first message to this one. */
export function pathTo(chat: Chat, id: string): Message[] {
  const way: Message[] = []
  for (let next = chat.messages.get(id); next; next = chat.messages.get(next.parent ?? ROOT)) way.unshift(next)
  return way
}

/** A message and all that follows it, in every version, parents first. */
export function branch(chat: Chat, id: string): Message[] {
  const found: Message[] = []
  const open = [id]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const message = chat.messages.get(next)
    if (message) found.push(message)
    open.push(...(chat.children.get(next) ?? []).toReversed())
  }
  return found
}

/** How many messages follow one, in every version. */
export function countAfter(children: Chat['children'], id: string): number {
  const open = [id]
  let count = -1 // without itself
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    count += 1
    open.push(...(children.get(next) ?? []))
  }
  return count
}

/** Takes out a message and all that follows it; `restore` brings it back. */
export function remove(chat: Chat, id: string): Chat {
  const gone = new Set(branch(chat, id).map(message => message.id))
  return titled(settled(chat.head, new Map([...chat.messages].filter(([key]) => !gone.has(key)))))
}

/** Brings back what `remove` took out of `before`, whatever was added or removed since, and shows it. */
export function restore(chat: Chat, removed: readonly Message[], before: ChatHead): Chat {
  const head = { ...chat.head, selected: { ...chat.head.selected, ...before.selected } }
  return titled(chatOf({ head, messages: [...chat.messages.values(), ...removed] }))
}

/** A new chat that begins as this one does, up to and with the given message. */
export function fork(chat: Chat, id: string, made: { id: string; now: number; title: string }): Chat {
  const messages = pathTo(chat, id)
  const { overrides } = chat.head
  const head: ChatHead = {
    ...emptyChat(made.id, made.now).head,
    title: made.title,
    renamed: made.title !== '',
    overrides,
  }
  return titled(chatOf({ head, messages }))
}

/** The first line of the first message, cut at a word. Made here: no model is asked. */
export function titleOf(text: string): string {
  const line = text.trim().split(/\s*\n/, 1)[0]?.replace(/\s+/g, ' ') ?? ''
  if (line.length <= TITLE_CHARACTERS) return line
  const cut = line.slice(0, TITLE_CHARACTERS).replace(/[\ud800-\udbff]$/, '')
  const atWord = cut.replace(/\s+\S*$/, '')
  return `${atWord.length > TITLE_CHARACTERS / 2 ? atWord : cut}…`
}

/** A chat without selections of what is gone, or is shown anyway. */
function settled(head: ChatHead, messages: ReadonlyMap<string, Message>): Chat {
  const children = childrenOf(messages)
  const selected = Object.entries(head.selected).filter(([key, child]) => {
    const siblings = children.get(key) ?? []
    return siblings.includes(child) && siblings.at(-1) !== child
  })
  const known = { ...head, message_count: messages.size, selected: Object.fromEntries(selected) }
  return { head: known, messages, children }
}

function titled(chat: Chat): Chat {
  const { head } = chat
  const first = shownChild(chat, ROOT)
  const title = head.renamed || !first ? head.title : titleOf(first.content)
  return { ...chat, head: { ...head, title, message_count: chat.messages.size } }
}

function shownChild(chat: Chat, key: string): Message | undefined {
  const ids = chat.children.get(key) ?? []
  const chosen = chat.head.selected[key]
  const id = chosen !== undefined && ids.includes(chosen) ? chosen : ids.at(-1)
  return id === undefined ? undefined : chat.messages.get(id)
}

function childrenOf(messages: ReadonlyMap<string, Message>): Map<string, readonly string[]> {
  const children = new Map<string, string[]>()
  for (const { id, parent } of [...messages.values()].sort(byAge)) {
    const key = parent ?? ROOT
    const siblings = children.get(key)
    if (siblings) siblings.push(id)
    else children.set(key, [id])
  }
  return children
}

function byAge(a: Message, b: Message): number {
  return a.created_at - b.created_at || (a.id < b.id ? -1 : 1)
}

function timeOf(chat: Chat, id: string): number {
  return chat.messages.get(id)?.created_at ?? 0
}

function without(selected: Readonly<Record<string, string>>, key: string): Readonly<Record<string, string>> {
  if (!(key in selected)) return selected
  const { [key]: _, ...rest } = selected
  return rest
}
