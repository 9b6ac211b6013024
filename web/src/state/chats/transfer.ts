/** Chats into files and back: nothing that is here is overwritten, a file comes in as a whole or not at all. */
import type { Exported } from './export.ts'
import type { Imported } from './file.ts'
import type { Library } from './library.ts'
import { newId, storedOf } from './tree.ts'
import type { Chat } from './types.ts'

export interface ImportResult {
  added: number
  /** Chats that were here already, just as they are in the file. */
  known: number
}

/** @throws StoreError */
export async function collect(library: Library, ids: readonly string[]): Promise<Exported[]> {
  const found: Exported[] = []
  for (const id of ids) {
    const chat = await library.peek(id)
    if (!chat) continue
    const traced = [...chat.messages.values()].filter(({ has_tokens }) => has_tokens).map(message => message.id)
    found.push({ chat, tokens: traced.length > 0 ? await library.allTokens(id, traced) : [] })
  }
  return found
}

/** A chat whose id is taken by another one gets a new id. @throws StoreError */
export async function takeIn(library: Library, imported: readonly Imported[]): Promise<ImportResult> {
  const fresh: Imported[] = []
  const taken = new Map<string, Chat>()
  for (const entry of imported) {
    const { id } = entry.chat.head
    const here = taken.get(id) ?? (await library.peek(id))
    if (here && same(here, entry.chat)) continue
    const chat = here ? { ...entry.chat, head: { ...entry.chat.head, id: newId() } } : entry.chat
    taken.set(chat.head.id, chat)
    fresh.push({ ...entry, chat })
  }
  const parts = fresh.map(({ chat, tokens }) => ({
    ...storedOf(chat),
    tokens: [...tokens].map(([message, table]) => ({ message, table })),
  }))
  if (parts.length > 0) await library.add(parts)
  return { added: parts.length, known: imported.length - parts.length }
}

/** Whether two chats say the same, whatever the order of their records. */
function same(a: Chat, b: Chat): boolean {
  const plain = ({ head, messages }: Chat) => sorted([head, Object.fromEntries(messages)])
  return JSON.stringify(plain(a)) === JSON.stringify(plain(b))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, entry]) => [key, sorted(entry)]),
  )
}
