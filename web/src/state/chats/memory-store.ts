/** Chats for as long as the page is open: where the browser keeps nothing. */
import type { ChatStore, Part, StoredTokens } from './store.ts'
import type { ChatHead, Message, StoredChat, TokenTable } from './types.ts'

interface Kept {
  head: ChatHead
  messages: Map<string, Message>
  tokens: Map<string, TokenTable>
}

export class MemoryStore implements ChatStore {
  readonly #chats = new Map<string, Kept>()

  async heads(ids: readonly string[] = [...this.#chats.keys()]): Promise<ChatHead[]> {
    return ids.flatMap(id => this.#chats.get(id)?.head ?? [])
  }

  async read(id: string): Promise<StoredChat | null> {
    const kept = this.#chats.get(id)
    return kept ? { head: kept.head, messages: [...kept.messages.values()] } : null
  }

  async tokens(chat: string, messages: readonly string[]): Promise<StoredTokens[]> {
    return messages.flatMap(message => {
      const table = this.#chats.get(chat)?.tokens.get(message)
      return table ? [{ message, table }] : []
    })
  }

  async save(parts: readonly Part[]): Promise<void> {
    for (const { head, messages, removed, tokens } of parts) {
      const kept = this.#chats.get(head.id) ?? { head, messages: new Map(), tokens: new Map() }
      for (const message of messages) kept.messages.set(message.id, message)
      for (const { message, table } of tokens ?? []) kept.tokens.set(message, table)
      for (const id of removed ?? []) {
        kept.messages.delete(id)
        kept.tokens.delete(id)
      }
      this.#chats.set(head.id, { ...kept, head })
    }
  }

  async remove(chat: string): Promise<void> {
    this.#chats.delete(chat)
  }

  async scan(visit: (found: readonly { chat: string; message: Message }[]) => void): Promise<void> {
    for (const [chat, { messages }] of this.#chats) visit([...messages.values()].map(message => ({ chat, message })))
  }

  close(): void {}
}
