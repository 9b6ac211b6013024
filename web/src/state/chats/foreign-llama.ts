/** Exports of llama.cpp's web page: `{conv, messages}`, or a list of them. Times are milliseconds there too. Pure. */
import { adopt, type ForeignChat, type ForeignNode, textIn } from './foreign.ts'
import type { Attachment, Chat } from './types.ts'

export function isLlama(value: unknown): boolean {
  return listOf(value).some(entry => typeof Object(entry).conv === 'object' && Array.isArray(Object(entry).messages))
}

/** @throws Error where a conversation is damaged */
export function llamaChats(value: unknown): Chat[] {
  return listOf(value).map((entry, index) => {
    const { conv, messages } = Object(entry)
    const { id, name, lastModified, currNode } = Object(conv)
    if (!Array.isArray(messages)) throw new Error(`conversation ${index} has no messages`)
    const order = placesOf(messages)
    const nodes = messages
      .map((message, at) => nodeOf(message, `conversation ${index}, message ${at}`))
      .toSorted((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0))
    const times = nodes.map(({ created_at }) => created_at).filter(time => time > 0)
    const created = times.length > 0 ? Math.min(...times) : millis(lastModified) || 1
    const chat: ForeignChat = {
      id: textIn(id) || `llama-${index}-${created}`,
      title: textIn(name),
      created_at: created,
      updated_at: millis(lastModified) || created,
      system: textIn(messages.find(message => Object(message).role === 'system' && !isRoot(message))?.content).trim(),
      current: textIn(currNode) || null,
      nodes,
    }
    return adopt(chat)
  })
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value]
}

/** Versions stand as their parent lists them. */
function placesOf(messages: readonly unknown[]): Map<string, number> {
  const places = new Map<string, number>()
  for (const message of messages) {
    const { children } = Object(message)
    if (Array.isArray(children)) for (const [at, child] of children.entries()) places.set(String(child), at)
  }
  return places
}

function nodeOf(message: unknown, where: string): ForeignNode {
  const { id, parent, role, content, timestamp, extra } = Object(message)
  if (typeof id !== 'string' && typeof id !== 'number') throw new Error(`${where} has no id`)
  if (content !== undefined && content !== null && typeof content !== 'string') throw new Error(`${where} is no text`)
  const isSpoken = (role === 'user' || role === 'assistant') && !isRoot(message)
  const attachments = isSpoken ? attachmentsOf(extra, String(id)) : []
  return {
    id: String(id),
    parent: typeof parent === 'string' || typeof parent === 'number' ? String(parent) : null,
    role: isSpoken ? role : null,
    content: textIn(content),
    created_at: millis(timestamp),
    ...(attachments.length > 0 ? { attachments } : {}),
  }
}

function isRoot(message: unknown): boolean {
  return Object(message).type === 'root'
}

/** Attached texts, PDFs as text among them; pictures and sounds are left out. */
function attachmentsOf(extra: unknown, message: string): Attachment[] {
  if (!Array.isArray(extra)) return []
  return extra.flatMap((entry, index) => {
    const { name, content } = Object(entry)
    if (typeof content !== 'string' || content === '') return []
    const size_bytes = new TextEncoder().encode(content).length
    return [{ id: `${message}-${index}`, name: textIn(name), media_type: 'text/plain', size_bytes, text: content }]
  })
}

function millis(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0
}
