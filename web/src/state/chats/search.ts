/**
 * Search over titles and texts of all chats: every word of the query must be in the title or in one message. Texts are read
 * once, without case and accents, and kept in memory for as long as somebody searches; a search is a scan of them.
 */
import type { ChatHead, Message } from './types.ts'

/** UTF-16 code units, half-open. */
export type Range = readonly [from: number, to: number]

export interface Hit {
  head: ChatHead
  titleRanges: Range[]
  /** The newest message that has all words, null where only the title has them. */
  message: string | null
  snippet: string
  snippetRanges: Range[]
}

const BEFORE = 36
const SNIPPET = 140

interface Text {
  id: string
  content: string
  folded: string
  created_at: number
}

export class TextIndex {
  readonly #chats = new Map<string, Map<string, Text>>()

  put(chat: string, message: Message): void {
    const texts = this.#chats.get(chat) ?? new Map<string, Text>()
    texts.set(message.id, textOf(message))
    this.#chats.set(chat, texts)
  }

  /** All messages of a chat, in place of those that it had: texts that are still the same are not read again. */
  replace(chat: string, messages: Iterable<Message>): void {
    const before = this.#chats.get(chat)
    const texts = Array.from(messages, message => textOf(message, before?.get(message.id)))
    this.#chats.set(chat, new Map(texts.map(text => [text.id, text])))
  }

  /** Titles first, then texts, each in the order of `heads`. */
  search(query: string, heads: readonly ChatHead[]): Hit[] {
    const words = wordsOf(query)
    if (words.length === 0) return []
    const hits = heads.flatMap(head => this.#hit(head, words))
    return [...hits.filter(hit => hit.titleRanges.length > 0), ...hits.filter(hit => hit.titleRanges.length === 0)]
  }

  #hit(head: ChatHead, words: readonly string[]): Hit[] {
    const titleRanges = hasAll(fold(head.title), words) ? rangesOf(fold(head.title), words) : []
    let found: Text | null = null
    for (const text of this.#chats.get(head.id)?.values() ?? []) {
      if ((!found || text.created_at > found.created_at) && hasAll(text.folded, words)) found = text
    }
    if (!found && titleRanges.length === 0) return []
    return [{ head, titleRanges, message: found?.id ?? null, ...snippetOf(found, words) }]
  }
}

function textOf({ id, content, created_at }: Message, known?: Text): Text {
  return { id, content, folded: known?.content === content ? known.folded : fold(content), created_at }
}

export function wordsOf(query: string): string[] {
  return fold(query).split(/\s+/).filter(Boolean)
}

/** Lower case without accents, of the same length: places in it are places in the text. */
export function fold(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what ASCII is
  if (/^[\x00-\x7f]*$/.test(text)) return text.toLowerCase()
  let folded = ''
  for (const character of text) {
    const plain = character
      .normalize('NFD')
      .replace(/\p{M}+/u, '')
      .toLowerCase()
    folded += plain.length === character.length ? plain : character
  }
  return folded
}

/** Where the words are, merged where they overlap. */
export function rangesOf(folded: string, words: readonly string[]): Range[] {
  const found: [number, number][] = []
  for (const word of words) {
    for (let at = folded.indexOf(word); at !== -1; at = folded.indexOf(word, at + word.length)) {
      found.push([at, at + word.length])
    }
  }
  const merged: [number, number][] = []
  for (const [from, to] of found.sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1)
    if (last && from <= last[1]) last[1] = Math.max(last[1], to)
    else merged.push([from, to])
  }
  return merged
}

function hasAll(folded: string, words: readonly string[]): boolean {
  return words.every(word => folded.includes(word))
}

/** A line around the first word found. */
function snippetOf(text: Text | null, words: readonly string[]): Pick<Hit, 'snippet' | 'snippetRanges'> {
  if (!text) return { snippet: '', snippetRanges: [] }
  const first = Math.min(...words.map(word => text.folded.indexOf(word)))
  const from = whole(text.content, Math.max(0, first - BEFORE))
  const to = whole(text.content, Math.min(text.content.length, from + SNIPPET))
  const line = text.content.slice(from, to).replace(/\s/g, ' ')
  const lead = from > 0 ? '…' : ''
  const snippet = `${lead}${line}${to < text.content.length ? '…' : ''}`
  return { snippet, snippetRanges: rangesOf(fold(snippet), words) }
}

/** A place that is not in the middle of a surrogate pair. */
function whole(text: string, at: number): number {
  return /[\udc00-\udfff]/.test(text[at] ?? '') && at > 0 ? at - 1 : at
}
