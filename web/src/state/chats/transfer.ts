/** Chats into files and back: nothing that is here is overwritten, a file comes in as a whole or not at all. */
import { breather } from '../../tasks/grammar/breather.ts'
import { type Exported, jsonPieces, markdownPieces } from './export.ts'
import type { Imported } from './file.ts'
import type { Library } from './library.ts'
import { newId, storedOf } from './tree.ts'
import type { Chat } from './types.ts'

export interface ImportResult {
  added: number
  /** Chats that were here already, just as they are in the file. */
  known: number
}

export interface FileWish {
  ids: readonly string[]
  kind: 'json' | 'markdown'
  /** For the dates in Markdown. */
  locale: string
  signal: AbortSignal
  /** How many of the chats are read. */
  onProgress: (done: number) => void
}

/** So many characters make a part of the file: parts of one message each would be more work than their texts. */
const PART_CHARACTERS = 1 << 16

/** Chats as a file, written piece by piece so that the page can be used meanwhile. @throws StoreError; an AbortError */
export async function writeFile(library: Library, wish: FileWish): Promise<Blob> {
  const chats = collect(library, wish)
  const isJson = wish.kind === 'json'
  const pieces = isJson ? jsonPieces(chats, new Date()) : markdownPieces(chats, wish.locale)
  const type = isJson ? 'application/json' : 'text/markdown'
  const breathe = breather()
  const parts: Blob[] = []
  let [batch, length]: [string[], number] = [[], 0]
  for await (const piece of pieces) {
    wish.signal.throwIfAborted()
    batch.push(piece)
    length += piece.length
    if (length >= PART_CHARACTERS) {
      parts.push(new Blob(batch)) // encoded now, and out of the way
      batch = []
      length = 0
    }
    await breathe()
  }
  return new Blob([...parts, ...batch], { type })
}

/** Those of the chats that are still there. @throws StoreError */
async function* collect(library: Library, { ids, kind, onProgress }: FileWish): AsyncGenerator<Exported> {
  for (const [done, id] of ids.entries()) {
    onProgress(done)
    const chat = await library.peek(id)
    if (!chat) continue
    const traced = [...chat.messages.values()].filter(({ has_tokens }) => has_tokens).map(message => message.id)
    const tokens = kind === 'json' && traced.length > 0 ? await library.allTokens(id, traced) : []
    yield { chat, tokens }
  }
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
