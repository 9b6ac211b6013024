/** ChatGPT's export: `conversations.json`, a list of conversations whose `mapping` is a tree of nodes. Pure. */
import { adopt, type ForeignChat, type ForeignNode, seconds, textIn } from './foreign.ts'
import type { Chat } from './types.ts'

/** Contents that a reader saw as the text of a message; others are searches, plans, results of tools. */
const READ: ReadonlySet<string> = new Set(['text', 'multimodal_text', 'code'])

export function isChatGpt(value: unknown): value is object[] {
  return listOf(value).some(entry => typeof Object(entry).mapping === 'object')
}

/** @throws Error where a conversation is damaged */
export function chatGptChats(value: unknown): Chat[] {
  return listOf(value).map((entry, index) => {
    const { mapping, title, id, conversation_id, create_time, update_time, current_node } = Object(entry)
    if (typeof mapping !== 'object' || mapping === null) throw new Error(`conversation ${index} has no mapping`)
    const raw = inOrder(Object.entries(mapping))
    const created = seconds(create_time) || 1
    const chat: ForeignChat = {
      id: textIn(conversation_id) || textIn(id) || `chatgpt-${index}-${created}`,
      title: textIn(title),
      created_at: created,
      updated_at: seconds(update_time) || created,
      system: systemOf(raw),
      current: textIn(current_node) || null,
      nodes: raw.map(([key, node]) => nodeOf(key, node)),
    }
    return adopt(chat)
  })
}

/** One conversation alone is what some browser extensions save. */
function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value]
}

/** The mapping is in no order: versions stand as their parent lists them. */
function inOrder(entries: [string, unknown][]): [string, unknown][] {
  const place = new Map<string, number>()
  for (const [, node] of entries) {
    const { children } = Object(node)
    if (Array.isArray(children)) for (const [at, child] of children.entries()) place.set(String(child), at)
  }
  return entries.toSorted(([a], [b]) => (place.get(a) ?? 0) - (place.get(b) ?? 0))
}

function nodeOf(key: string, node: unknown): ForeignNode {
  const { message, parent } = Object(node)
  const { author, content, create_time, recipient, metadata } = Object(message)
  const { content_type, parts, text } = Object(content)
  const role = Object(author).role
  const isRead =
    READ.has(textIn(content_type)) && (recipient === undefined || recipient === null || recipient === 'all')
  const isHidden = Object(metadata).is_visually_hidden_from_conversation === true
  const isSpoken = (role === 'user' || role === 'assistant') && isRead && !isHidden
  return {
    id: key,
    parent: textIn(parent) || null,
    role: isSpoken ? role : null,
    content: isSpoken ? partsOf(parts, text) : '',
    created_at: seconds(create_time),
  }
}

/** Pictures and sounds are not in the file; what they were is said in their place. */
function partsOf(parts: unknown, text: unknown): string {
  if (!Array.isArray(parts)) return textIn(text)
  return parts
    .map(part => {
      if (typeof part === 'string') return part
      const { content_type, text: spoken } = Object(part)
      if (typeof spoken === 'string') return spoken
      return typeof content_type === 'string'
        ? `[${content_type.replace(/_asset_pointer$/, '').replaceAll('_', ' ')}]`
        : ''
    })
    .filter(part => part !== '')
    .join('\n\n')
}

function systemOf(nodes: readonly [string, unknown][]): string {
  for (const [, node] of nodes) {
    const { author, content, metadata } = Object(Object(node).message)
    if (Object(author).role !== 'system' || Object(metadata).is_visually_hidden_from_conversation === true) continue
    const said = partsOf(Object(content).parts, Object(content).text).trim()
    if (said) return said
  }
  return ''
}
