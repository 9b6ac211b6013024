/**
 * The conversation of this tab: messages, the answer that is being written, and what can be done with them. Kept in
 * sessionStorage after every finished message, never per token, so that it survives a reload and tabs do not mix.
 */
import { batch, computed, effect, signal } from '@preact/signals'
import type { ChatMessage, Engine, Stats } from '../engine/api.ts'
import { EngineError, type ErrorCode } from '../engine/errors.ts'
import { chatRequest } from '../tasks/chat.ts'
import { chatSettings } from './controls.ts'
import { runsOn } from './engine.ts'


export interface Message extends ChatMessage {
  id: string
  role: 'user' | 'assistant'
  /** Of an answer: how it ended. `waiting` for the model, `writing` while text comes. */
  state: 'waiting' | 'writing' | 'done' | 'stopped' | 'failed'
  /** Sentences for people where it failed, and of which kind the trouble is. */
  error?: string
  code?: ErrorCode
  stats?: Stats
  /** What it was written on: `CPU · int8`. */
  by?: string
  onGpu?: boolean
}

const KEY = 'slm-playground.chat'
/** After these the engine is not worth asking again: its adapter, its memory or its worker is gone. */
const BREAKS_THE_ENGINE: ReadonlySet<ErrorCode> = new Set(['device-lost', 'out-of-memory', 'internal'])

export const messages = signal<Message[]>([])
/** For screen readers: status and finished answers, never single tokens. */
export const announcement = signal('')
export const isBusy = computed(() => messages.value.some(({ state }) => state === 'waiting' || state === 'writing'))

/** Runs answers one after the other; the engine comes in from outside, and may come later than the question. */
export class Conversation {
  readonly #engine: () => Engine | null
  readonly #onBroken: () => void
  #abort: AbortController | null = null

  /** @param onBroken called when an answer failed in a way that the engine does not survive */
  constructor(engine: () => Engine | null, onBroken: () => void = () => {}) {
    this.#engine = engine
    this.#onBroken = onBroken
  }

  /** Restores the tab's messages, saves them from now on, and answers a waiting question once an engine is there. */
  keep(): () => void {
    messages.value = restore()
    const shape = computed(() => messages.value.map(({ id, state }) => `${id} ${state}`).join())
    const stopSaving = effect(() => {
      shape.value // once per message and state, not per token
      try {
        sessionStorage.setItem(KEY, JSON.stringify(messages.peek()))
      } catch {
        // Storage is full or forbidden: the conversation lives in this page only.
      }
    })
    const stopWaiting = effect(() => {
      const ready = this.#engine()
      const waiting = messages.value.find(({ state }) => state === 'waiting')
      if (ready && waiting && !this.#abort) queueMicrotask(() => this.#answer(ready, waiting.id))
    })
    return () => {
      stopSaving()
      stopWaiting()
    }
  }

  send(text: string): void {
    const content = text.trim()
    if (!content || isBusy.value) return
    messages.value = [...messages.value, { ...empty('user'), content, state: 'done' }, empty('assistant')]
    announcement.value = this.#engine() ? 'Answering…' : 'Your question is sent when the model is ready.'
  }

  /** A new answer to the last question, in place of the old one. */
  regenerate(): void {
    if (isBusy.value || messages.value.at(-1)?.role !== 'assistant') return
    messages.value = [...messages.value.slice(0, -1), empty('assistant')]
    announcement.value = 'Answering again…'
  }

  /** Ends the answer; what was written stays. */
  stop(): void {
    if (this.#abort) this.#abort.abort()
    else {
      messages.value = messages.value.map(entry => (entry.state === 'waiting' ? { ...entry, state: 'stopped' } : entry))
    }
  }

  /** An empty conversation; the returned function brings the old one back. */
  clear(): () => void {
    this.stop()
    const old = messages.value.map(settled)
    messages.value = []
    announcement.value = 'New chat started. Undo brings the old one back.'
    return () => {
      this.stop()
      messages.value = old
    }
  }

  async #answer(engine: Engine, id: string): Promise<void> {
    const question = messages.value.slice(0, -1).filter(({ content }) => content !== '')
    if (this.#abort || messages.value.at(-1)?.id !== id) return
    const abort = new AbortController()
    this.#abort = abort
    const onGpu = engine.info.device === 'webgpu'
    const pen = new Pen(id)
    update(id, { state: 'writing', by: runsOn(engine.info), onGpu })
    announcement.value = 'Answering…'
    try {
      for await (const chunk of engine.chat.completions.create(chatRequest(question, chatSettings.value, abort.signal))) {
        pen.write(chunk.choices[0].delta.content ?? '')
      }
      finish(pen, { state: 'done' }, engine)
      announce(id, `Answer finished: ${opening(id)}`)
    } catch (error) {
      // Without our own signal it is the engine that went: another device or model was chosen meanwhile.
      if (abort.signal.aborted || isAbort(error)) {
        finish(pen, { state: 'stopped' }, abort.signal.aborted ? engine : null)
        announce(id, 'Stopped')
      } else this.#fail(pen, error)
    } finally {
      this.#abort = null
      messages.value = [...messages.value] // a question that came meanwhile gets its turn
    }
  }

  #fail(pen: Pen, error: unknown): void {
    const code = error instanceof EngineError ? error.code : 'internal'
    finish(pen, { state: 'failed', code, error: error instanceof Error ? error.message : String(error) }, null)
    announce(pen.id, 'The answer failed')
    if (BREAKS_THE_ENGINE.has(code)) this.#onBroken()
  }
}

/** Collects text and shows it once a frame: tokens may come faster than a screen can show them. */
class Pen {
  readonly #id: string
  #text = ''
  #frame = 0

  constructor(id: string) {
    this.#id = id
  }

  write(text: string): void {
    this.#text += text
    if (!text || this.#frame) return
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0
      update(this.#id, { content: this.#text })
    })
  }

  /** All that was written; nothing is shown by itself after this. */
  end(): string {
    cancelAnimationFrame(this.#frame)
    return this.#text
  }

  get id(): string {
    return this.#id
  }
}

function finish(pen: Pen, part: Partial<Message>, engine: Engine | null): void {
  const stats = engine?.stats()
  update(pen.id, { content: pen.end(), ...part, ...(stats ? { stats } : {}) })
}

function update(id: string, part: Partial<Message>): void {
  batch(() => {
    messages.value = messages.value.map(entry => (entry.id === id ? { ...entry, ...part } : entry))
  })
}

/** What happened to an answer, unless a new chat has begun and nobody waits for it any more. */
function announce(id: string, text: string): void {
  if (messages.value.some(entry => entry.id === id)) announcement.value = text
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}

function opening(id: string): string {
  return messages.value.find(entry => entry.id === id)?.content.slice(0, 120) ?? ''
}

function empty(role: 'user' | 'assistant'): Message {
  // not randomUUID: browsers offer that on https and localhost only
  return { id: crypto.getRandomValues(new Uint32Array(3)).join('-'), role, content: '', state: 'waiting' }
}

/** A reload or "New chat" in mid-answer leaves what was written. */
function settled(entry: Message): Message {
  return entry.state === 'waiting' || entry.state === 'writing' ? { ...entry, state: 'stopped' } : entry
}

function restore(): Message[] {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? '[]')
    return Array.isArray(stored) ? stored.filter(isMessage).map(settled) : []
  } catch {
    return []
  }
}

function isMessage(value: unknown): value is Message {
  const { id, role, content, state } = Object(value)
  return [id, content, state].every(part => typeof part === 'string') && (role === 'user' || role === 'assistant')
}
