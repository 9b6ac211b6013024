/**
 * Which chat is on the page: as the address says, as other tabs change it, and as a crash left it. A chat in which an
 * answer is being written stays open behind the page until it is done.
 */
import { effect } from '@preact/signals'
import { text } from '../../text/index.ts'
import { announcement } from '../announce.ts'
import { go, route } from '../route.ts'
import {
  change,
  chat,
  currentId,
  hasUnfinished,
  interrupted,
  isElsewhere,
  openChats,
  put,
  shut,
  takeOver,
} from './desk.ts'
import { joined } from './join.ts'
import type { Library } from './library.ts'
import { isHeld, whenFree } from './locks.ts'
import type { Scribe } from './scribe.ts'
import { emptyChat, newId, path } from './tree.ts'
import type { Chat } from './types.ts'

export class Visits {
  readonly #library: Library
  readonly #scribe: Scribe
  /** Ends waiting for another tab to be done with the chat on the page. */
  #watch = new AbortController()
  /** Counts what is being opened: the latest counts. */
  #opening = 0

  constructor(library: Library, scribe: Scribe) {
    this.#library = library
    this.#scribe = scribe
  }

  /** Follows the address and other tabs, from now on. */
  start(): () => void {
    const old = takeOver(newId(), Date.now())
    if (old) this.#adopt(old)
    let before = ''
    const stops = [
      this.#library.listen(({ changed, removed }) => this.#hear(changed, removed)),
      effect(() => {
        const { page } = route.value
        const cameFrom = before
        before = page
        queueMicrotask(() => void this.#follow(cameFrom))
      }),
    ]
    void this.#library.list().then(() => old && this.#library.save(old))
    return () => {
      for (const stop of stops) stop()
      this.#watch.abort()
    }
  }

  /** An empty chat, kept once something is said in it. */
  newChat(): void {
    this.#opening += 1
    this.#blank()
  }

  #blank(): void {
    this.#leave(currentId.peek())
    this.#adopt(emptyChat(newId(), Date.now()))
    go('chat', '', { replace: path(chat.peek()).length === 0 && route.peek().rest === '' })
  }

  /** Shows a chat; false where there is none of that id. */
  async open(id: string): Promise<boolean> {
    const turn = ++this.#opening
    if (id === currentId.peek()) return true
    const { page } = route.peek()
    const found = openChats.peek().get(id) ?? (await this.#library.read(id).catch(() => null))
    if (turn !== this.#opening) return true // something else was asked for meanwhile
    if (!found) return false
    this.#leave(currentId.peek())
    this.#adopt(found)
    if (route.peek().page === page) go('chat', id) // else another page was asked for meanwhile
    return true
  }

  /** Shows a chat that has just been made. */
  enter(made: Chat): void {
    this.#opening += 1
    this.#leave(currentId.peek())
    this.#adopt(made)
    go('chat', made.head.id)
  }

  /** Where the address leads: to a chat, to a new one, or back to the one that was open before another page was shown. */
  async #follow(cameFrom: string): Promise<void> {
    const { page, rest: id } = route.peek() // as it is by now: what led here may be past
    if (page !== 'chat') return
    if (id) {
      if (await this.open(id)) return
      if (route.peek().page !== 'chat') return
      announcement.value = text.value.chat.notFound
      this.#blank()
      return
    }
    const isKept = currentId.peek() !== '' && chat.peek().messages.size > 0
    if (isKept && cameFrom !== 'chat') go('chat', currentId.peek(), { replace: true })
    else if (isKept || currentId.peek() === '') this.#blank()
  }

  /** Puts a chat on the page; what a closed tab left unfinished in it is ended, what another tab writes is followed. */
  #adopt(found: Chat): void {
    this.#watch.abort()
    this.#watch = new AbortController()
    const { id } = found.head
    if (id !== currentId.peek() || !hasUnfinished(found)) isElsewhere.value = false
    put(found)
    currentId.value = id
    if (hasUnfinished(found) && !this.#scribe.isWriting(id)) void this.#inspect(id, this.#watch.signal)
  }

  async #inspect(id: string, signal: AbortSignal): Promise<void> {
    if (await isHeld(id)) {
      if (signal.aborted) return
      isElsewhere.value = true
      try {
        await whenFree(id, signal)
      } catch {
        return // another chat is on the page now
      }
      const written = await this.#library.read(id).catch(() => null)
      if (signal.aborted) return
      if (written) put(written)
      isElsewhere.value = false
    }
    const after = change(id, interrupted)
    if (after) void this.#library.save(after)
  }

  /** Another tab has changed chats: those that are open here take it over, beside what is being written here. */
  async #hear(changed: readonly string[], removed: readonly string[]): Promise<void> {
    const current = currentId.peek()
    for (const id of removed) if (openChats.peek().has(id) && id !== current) shut(id)
    if (removed.includes(current)) {
      announcement.value = text.value.chat.deletedElsewhere
      shut(current)
      currentId.value = ''
      this.newChat()
    }
    for (const id of changed) {
      if (!openChats.peek().has(id)) continue
      await this.#library.catchUp(id, (saved, now) => void change(id, mine => joined(saved, mine, now))).catch(() => {})
      const after = openChats.peek().get(id)
      if (after && id === currentId.peek() && !this.#scribe.isWriting(id)) this.#adopt(after)
    }
  }

  /** Takes a chat off the page; an answer in it is written on. */
  #leave(id: string): void {
    const left = openChats.peek().get(id)
    if (!left || this.#scribe.isWriting(id)) return
    shut(id)
    this.#library.release(id)
  }
}
