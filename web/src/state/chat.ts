/**
 * What a person does with chats. Nothing is overwritten: edits and further answers are versions of a message, and what is
 * deleted can be brought back.
 */
import type { Engine } from '../engine/api.ts'
import { text } from '../text/index.ts'
import { announcement, problem, undo } from './announce.ts'
import {
  change,
  chat,
  currentId,
  ended,
  isBusy,
  isElsewhere,
  isUnfinished,
  openChats,
  put,
  shut,
} from './chats/desk.ts'
import { chatList, type Library } from './chats/library.ts'
import { type Beginning, Scribe } from './chats/scribe.ts'
import { add, amend, branch, fork, newId, path, remove, rename, reopen, restore, show, titleOf } from './chats/tree.ts'
import type { Attachment, Chat, ChatHead, Message } from './chats/types.ts'
import { Visits } from './chats/visits.ts'
import { go, route } from './route.ts'

export { chat, isBusy, isElsewhere, messages, shape } from './chats/desk.ts'
export type { Message } from './chats/types.ts'

export class Conversation {
  readonly library: Library
  readonly #engine: () => Engine | null
  readonly #scribe: Scribe
  readonly #visits: Visits

  constructor(engine: () => Engine | null, library: Library) {
    this.library = library
    this.#engine = engine
    this.#scribe = new Scribe(engine, library)
    this.#visits = new Visits(library, this.#scribe)
  }

  /** Opens the chat that the address names, follows the address and other tabs, and answers what waits. */
  keep(): () => void {
    const stops = [this.#scribe.start(), this.#visits.start()]
    return () => {
      for (const stop of stops) stop()
    }
  }

  /** An empty chat, kept once something is said in it. */
  newChat(): void {
    this.#visits.newChat()
  }

  /** Shows a chat; false where there is none of that id. */
  open(id: string): Promise<boolean> {
    return this.#visits.open(id)
  }

  send(words: string, attachments: readonly Attachment[] = []): void {
    const content = words.trim()
    if (!content || isBusy.value) return
    const last = path(chat.value).at(-1)?.id ?? null
    const question: Message = { ...message('user', last), content, ...(attachments.length ? { attachments } : {}) }
    this.#ask(before => add(before, question), question.id)
  }

  /** Ends the answers of the chat on the page; what was written stays. */
  stop(): void {
    this.#scribe.stop(currentId.value)
  }

  /** A further answer beside one that there is; a failed one without a word is tried again in its place. */
  regenerate(id: string): void {
    const old = chat.value.messages.get(id)
    if (old?.role !== 'assistant' || isBusy.value) return
    if (old.state === 'failed' && !old.content) this.#rewrite(id)
    else this.#ask(before => before, old.parent)
  }

  /** Writes on behind what an answer has. */
  continueAnswer(id: string): void {
    if (chat.value.messages.get(id)?.role === 'assistant' && !isBusy.value) this.#rewrite(id)
  }

  /** A version of an answer that begins with a text, or with exact tokens that spell it, and goes on from there. */
  branchAnswer(id: string, content: string, beginning: Beginning | null = null): void {
    const old = chat.value.messages.get(id)
    if (old?.role !== 'assistant' || isBusy.value) return
    const answer: Message = { ...message('assistant', old.parent), content, state: 'waiting' }
    this.#scribe.claim(currentId.value, answer.id, beginning)
    this.#change(before => add(before, answer))
  }

  /** Another wording as a version of its own: of a question with a new answer, of an answer as it stands. */
  edit(id: string, words: string): void {
    const old = chat.value.messages.get(id)
    const content = words.trim()
    if (!old || !content || content === old.content || isBusy.value) return
    const kept = old.attachments ? { attachments: old.attachments } : {}
    const edited: Message = { ...message(old.role, old.parent), ...kept, content }
    if (old.role === 'user') this.#ask(before => add(before, edited), edited.id)
    else this.#change(before => add(before, { ...edited, edited: true }))
  }

  /** Shows a message, whichever version it is in. */
  showMessage(id: string): void {
    this.#change(before => show(before, id))
  }

  /** A new chat that begins with everything up to a message. */
  fork(id: string): void {
    const from = chat.value
    const title = from.head.renamed ? text.value.chat.forkOf(from.head.title) : ''
    const forked = fork(from, id, { id: newId(), now: Date.now(), title })
    const tokens = path(forked).flatMap(entry => (entry.has_tokens ? [entry.id] : []))
    const found = this.library.allTokens(from.head.id, tokens).catch(() => []) // the chat is worth more than its tokens
    void found.then(copies => this.library.save(forked, copies))
    this.#visits.enter(forked)
    announcement.value = text.value.chat.forked
  }

  /** Deletes a message and what follows it. */
  async removeMessage(id: string): Promise<void> {
    const { head } = chat.value
    const gone = branch(chat.value, id)
    if (gone.length === 0 || isElsewhere.value) return
    if (gone.some(isUnfinished)) this.stop()
    const traced = gone.flatMap(entry => (entry.has_tokens ? [entry.id] : []))
    const tokens = traced.length > 0 ? await this.library.allTokens(head.id, traced).catch(() => []) : []
    const removed = branch(chat.value, id)
    this.#change(before => remove(before, id))
    const act = async () => {
      const now = openChats.value.get(head.id) ?? (await this.library.read(head.id))
      if (!now) return
      const back = restore(now, interruptedAll(removed), head)
      if (openChats.value.has(head.id)) put(back)
      await this.library.save(back, tokens)
    }
    undo.value = { text: text.value.chat.messagesDeleted(gone.length), act }
    announcement.value = text.value.chat.messagesDeleted(gone.length)
  }

  /** Deletes a chat. Where the store refuses it stays as it is, and the page says so. */
  async removeChat(id: string): Promise<void> {
    this.#scribe.stop(id)
    const open = openChats.value.get(id)
    const wasShown = id === currentId.value
    const title = titleOf(chatList.value.find(head => head.id === id)?.title ?? '') // as short as one that is made here
    if (wasShown) this.newChat()
    shut(id) // an answer that is ending in it would save it again
    try {
      const back = await this.library.remove(id)
      const act = async () => {
        await back()
        await this.open(id)
      }
      undo.value = { text: text.value.chat.chatDeleted(title), act }
      announcement.value = text.value.chat.chatDeleted(title)
    } catch {
      if (open) put(ended(open))
      if (wasShown) await this.open(id)
      problem.value = text.value.chat.notDeleted(title)
    }
  }

  rename(id: string, title: string): Promise<void> {
    return this.#amend(id, before => rename(before, title))
  }

  pin(id: string, pinned: boolean): Promise<void> {
    return this.#amend(id, before => amend(before, { pinned }))
  }

  /** What this chat sets otherwise than the page does; {} for nothing. */
  override(overrides: ChatHead['overrides']): void {
    this.#change(before => amend(before, { overrides }))
  }

  /** Adds a waiting answer below `parent`, after `act`. */
  #ask(act: (before: Chat) => Chat, parent: string | null): void {
    const answer: Message = { ...message('assistant', parent), state: 'waiting' }
    this.#scribe.claim(currentId.value, answer.id)
    this.#change(before => add(act(before), answer))
    const { answering, whenReady } = text.value.chat
    announcement.value = this.#engine() ? answering : whenReady
  }

  #rewrite(id: string): void {
    this.#scribe.claim(currentId.value, id)
    this.#change(before => reopen(before, id))
  }

  /** Changes the chat on the page and saves it. */
  #change(act: (before: Chat) => Chat): void {
    const after = change(currentId.value, act)
    if (!after || after.messages.size === 0) return
    void this.library.save(after)
    if (route.peek().rest !== after.head.id) go('chat', after.head.id, { replace: true })
  }

  async #amend(id: string, act: (before: Chat) => Chat): Promise<void> {
    const open = openChats.value.get(id)
    const before = open ?? (await this.library.read(id).catch(() => null))
    if (!before) return
    const after = act(before)
    if (open) put(after)
    await this.library.save(after)
    if (!open) this.library.release(id)
  }
}

function message(role: Message['role'], parent: string | null): Message {
  return { id: newId(), parent, role, content: '', created_at: Date.now(), state: 'done' }
}

function interruptedAll(removed: readonly Message[]): Message[] {
  return removed.map(entry => (isUnfinished(entry) ? { ...entry, state: 'stopped' as const } : entry))
}
