/**
 * Who has the model: one job at a time, interactive ones before background ones, each kind in the order in which they
 * came. A running background job gives way between two runs of the model and goes on when no interactive job waits. A
 * job that fails frees the model like one that ends.
 */
import type { Priority } from './api.ts'

export interface Turn {
  /**
   * Lets more urgent jobs go first; true where that happened, and the model's cache is another's now. Also returns
   * when the job is cancelled meanwhile: then it must end without touching the model.
   */
  giveWay(): Promise<boolean>
}

interface Ticket {
  urgent: boolean
  signal: AbortSignal
  holds: boolean
  wake: () => void
}

export class Scheduler {
  #holder: Ticket | null = null
  /** In order of their turns. */
  readonly #waiting: Ticket[] = []

  /** @throws an AbortError where the job is cancelled before its turn comes; whatever `work` throws */
  async run<T>(job: { priority: Priority; signal: AbortSignal }, work: (turn: Turn) => Promise<T>): Promise<T> {
    const urgent = job.priority === 'interactive'
    const ticket: Ticket = { urgent, signal: job.signal, holds: false, wake: () => {} }
    await this.#wait(ticket, false)
    try {
      if (!ticket.holds) job.signal.throwIfAborted()
      return await work({ giveWay: () => this.#giveWay(ticket) })
    } finally {
      this.#free(ticket)
    }
  }

  async #giveWay(ticket: Ticket): Promise<boolean> {
    if (ticket.urgent || !this.#waiting.some(({ urgent }) => urgent)) return false
    const turn = this.#wait(ticket, true)
    this.#free(ticket)
    await turn
    return true
  }

  /** Resolves when the ticket holds the model or is cancelled. @param again it had begun: before others of its kind */
  #wait(ticket: Ticket, again: boolean): Promise<void> {
    return new Promise(resolve => {
      const leave = () => {
        const place = this.#waiting.indexOf(ticket)
        if (place >= 0) this.#waiting.splice(place, 1)
        resolve()
      }
      ticket.wake = () => {
        ticket.signal.removeEventListener('abort', leave)
        resolve()
      }
      if (ticket.signal.aborted) return resolve()
      ticket.signal.addEventListener('abort', leave, { once: true })
      const behind = this.#waiting.findIndex(other => (again ? !other.urgent : ticket.urgent && !other.urgent))
      this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, ticket)
      if (this.#holder === null) this.#next()
    })
  }

  #free(ticket: Ticket): void {
    if (this.#holder !== ticket) return
    ticket.holds = false
    this.#holder = null
    this.#next()
  }

  #next(): void {
    const ticket = this.#waiting.shift()
    if (!ticket) return
    ticket.holds = true
    this.#holder = ticket
    ticket.wake()
  }
}
