/**
 * Writes answers, one after the other: takes the oldest message that waits for one, asks the engine, which may come later
 * than the question, and puts the text into the chat once a frame. A running answer is saved every two seconds and when
 * the page is hidden or closed, so that a crash costs little.
 */
import { effect } from '@preact/signals'
import type { Engine } from '../../engine/api.ts'
import { EngineError } from '../../engine/errors.ts'
import { chatRequest, seeded } from '../../tasks/chat.ts'
import { ALTERNATIVES, type TracedStep, Tracer, unpack } from '../../tasks/trace.ts'
import { text } from '../../text/index.ts'
import { announcement } from '../announce.ts'
import { settingsOf } from '../controls.ts'
import { inWords } from '../in-words.ts'
import { sourcesFor } from '../sources.ts'
import { change, currentId, hasUnfinished, openChats } from './desk.ts'
import type { Library } from './library.ts'
import { hold } from './locks.ts'
import { Pen } from './pen.ts'
import { originOf, spokenBefore } from './spoken.ts'
import { amend, pathTo, update } from './tree.ts'
import type { Chat, Message } from './types.ts'

const SAVE_EVERY_MS = 2000
const READ_ALOUD_CHARACTERS = 120

/** Exact tokens that an answer begins with, and what is known of them. */
export interface Beginning {
  tokens: readonly number[]
  steps: readonly TracedStep[]
  /** Where their text begins in the answer, in UTF-16 code units. */
  textOffset: number
}

interface Job {
  chat: string
  message: string
  abort: AbortController
  pen: Pen
  tracer: Tracer
  /** Whether the engine was asked: its figures are this answer's then. */
  isAsked: boolean
}

export class Scribe {
  readonly #engine: () => Engine | null
  readonly #library: Library
  readonly #claims = new Map<string, ReturnType<typeof hold>>()
  readonly #beginnings = new Map<string, Beginning>()
  #job: Job | null = null

  constructor(engine: () => Engine | null, library: Library) {
    this.#engine = engine
    this.#library = library
  }

  /** Answers whatever waits, from now on. */
  start(): () => void {
    const stopWaiting = effect(() => {
      const engine = this.#engine()
      const next = engine ? oldestWaiting(openChats.value) : null
      if (engine && next && !this.#job) queueMicrotask(() => void this.#answer(engine, next.chat, next.message))
    })
    const keep = () => this.#keep()
    const onHide = () => {
      if (document.visibilityState === 'hidden') keep()
    }
    addEventListener('pagehide', keep)
    document.addEventListener('visibilitychange', onHide)
    return () => {
      stopWaiting()
      removeEventListener('pagehide', keep)
      document.removeEventListener('visibilitychange', onHide)
      this.#job?.abort.abort()
      for (const { release } of this.#claims.values()) release()
      this.#claims.clear()
    }
  }

  /** Tells other tabs that this one is about to write in a chat. */
  claim(chat: string, message: string, beginning: Beginning | null = null): void {
    if (beginning) this.#beginnings.set(message, beginning)
    if (!this.#claims.has(chat)) this.#claims.set(chat, hold(chat))
  }

  /** Whether this tab writes in the chat. */
  isWriting(chat: string): boolean {
    return this.#claims.has(chat)
  }

  /** Ends the chat's answers; what was written stays. */
  stop(chat: string): void {
    if (this.#job?.chat === chat) this.#job.abort.abort()
    const changed = change(chat, before =>
      [...before.messages.values()]
        .filter(({ id, state }) => state === 'waiting' && id !== this.#job?.message)
        .reduce((after, { id }) => update(after, id, { state: 'stopped' }), before),
    )
    if (changed) this.#settle(changed)
  }

  async #answer(engine: Engine, chat: string, id: string): Promise<void> {
    const message = openChats.value.get(chat)?.messages.get(id)
    if (this.#job || message?.state !== 'waiting') return
    const pen = new Pen(message.content, content => change(chat, before => update(before, id, { content })))
    const job: Job = { chat, message: id, abort: new AbortController(), pen, tracer: new Tracer(), isAsked: false }
    this.#job = job
    const saving = setInterval(() => this.#keep(), SAVE_EVERY_MS)
    try {
      // Another tab may be writing in this chat.
      await Promise.race([this.#claims.get(chat)?.ready, aborted(job.abort.signal)])
      job.tracer = await this.#tracer(job, message)
      job.abort.signal.throwIfAborted()
      await this.#write(engine, job, message)
    } catch (error) {
      this.#fail(engine, job, error)
    } finally {
      clearInterval(saving)
      this.#beginnings.delete(id)
      this.#job = null
      const ended = openChats.value.get(chat)
      if (ended) this.#settle(ended)
      else this.#release(chat) // it was deleted meanwhile
      openChats.value = new Map(openChats.value) // a question that came meanwhile gets its turn
    }
  }

  async #write(engine: Engine, job: Job, message: Message): Promise<void> {
    const chat = openChats.value.get(job.chat)
    if (!chat) return
    const settings = seeded(settingsOf(chat.head))
    const begun = this.#beginnings.get(message.id)
    change(job.chat, before =>
      update(before, message.id, {
        state: 'writing',
        origin: { ...originOf(engine.info, settings), ...(message.content ? { begun: true } : {}) },
      }),
    )
    this.#say(job, text.value.chat.answering)
    const reading = await this.#read(engine, job, { chat, message })
    const request = chatRequest(spokenBefore(chat, reading, begun === undefined), settings, job.abort.signal, {
      logprobs: true,
      top_logprobs: ALTERNATIVES,
      ...(begun ? { prefix_tokens: begun.tokens } : {}),
    })
    job.isAsked = true
    for await (const chunk of engine.chat.completions.create(request)) {
      const [{ delta, logprobs }] = chunk.choices
      job.tracer.take(logprobs)
      job.pen.write(delta.content ?? '')
    }
    this.#end(job, { state: 'done' }, engine)
    this.#say(job, text.value.chat.finished(job.pen.text.slice(0, READ_ALOUD_CHARACTERS)))
  }

  /** The answer with the passages of attached files that it is given, where those do not fit whole. */
  async #read(engine: Engine, job: Job, { chat, message }: { chat: Chat; message: Message }): Promise<Message> {
    const before = message.parent === null ? [] : pathTo(chat, message.parent)
    const attachments = before.flatMap(({ attachments: own = [] }) => own)
    if (attachments.length === 0) return message
    const question = before.findLast(({ role }) => role === 'user')?.content ?? ''
    const sources = await sourcesFor(engine, { attachments, question, signal: job.abort.signal })
    const { sources: _, ...without } = message
    if (!sources) return without
    change(job.chat, entry => update(entry, message.id, { sources }))
    return { ...without, sources }
  }

  #fail(engine: Engine, job: Job, error: unknown): void {
    // Without our own signal it is the engine that went: another device or model was chosen meanwhile.
    const isOurs = job.abort.signal.aborted
    if (isOurs || (error instanceof DOMException && error.name === 'AbortError')) {
      this.#end(job, { state: 'stopped' }, isOurs && job.isAsked ? engine : null)
      this.#say(job, text.value.chat.stopped)
      return
    }
    const code = error instanceof EngineError ? error.code : 'internal'
    this.#end(job, { state: 'failed', code, error: inWords(error) }, null)
    this.#say(job, text.value.chat.failed)
  }

  #end(job: Job, part: Partial<Message>, engine: Engine | null): void {
    const stats = engine?.stats()
    const table = job.tracer.pack()
    const ended = {
      content: job.pen.end(),
      ...part,
      ...(stats ? { stats } : {}),
      ...(table ? { has_tokens: true } : {}),
    }
    const chat = change(job.chat, before => amend(update(before, job.message, ended), { updated_at: Date.now() }))
    if (chat) void this.#library.save(chat, table ? [{ message: job.message, table }] : [])
  }

  /** Goes on behind the tokens that are known of the answer's beginning. */
  async #tracer({ chat }: Job, { id, content, has_tokens }: Message): Promise<Tracer> {
    const begun = this.#beginnings.get(id)
    if (begun) return new Tracer(begun.steps, begun.textOffset)
    try {
      const table = content && has_tokens ? await this.#library.tokens(chat, id) : null
      if (table) return new Tracer(unpack(table), table.text_offset)
    } catch {
      // They are lost or damaged: what comes now can still be looked at.
    }
    return new Tracer([], content.length)
  }

  #keep(): void {
    if (!this.#job) return
    this.#job.pen.flush()
    const chat = openChats.value.get(this.#job.chat)
    if (chat) void this.#library.save(chat)
  }

  /** Saves a chat, and lets go of it where nothing in it is waited for any more. */
  #settle(chat: Chat): void {
    const { id } = chat.head
    void this.#library.save(chat).then(() => {
      const now = openChats.value.get(id)
      if (!now || !hasUnfinished(now)) this.#release(id)
    })
  }

  #release(chat: string): void {
    this.#claims.get(chat)?.release()
    this.#claims.delete(chat)
  }

  /** What happened to an answer, while its chat is on the page. */
  #say(job: Job, words: string): void {
    if (job.chat === currentId.value) announcement.value = words
  }
}

/** Rejects once the signal aborts. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

function oldestWaiting(chats: ReadonlyMap<string, Chat>): { chat: string; message: string } | null {
  const waiting = [...chats].flatMap(([chat, { messages }]) =>
    [...messages.values()].filter(({ state }) => state === 'waiting').map(message => ({ chat, message })),
  )
  const [first] = waiting.sort((a, b) => a.message.created_at - b.message.created_at)
  return first ? { chat: first.chat, message: first.message.id } : null
}
