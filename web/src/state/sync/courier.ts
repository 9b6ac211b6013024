/**
 * Brings the browser's stores and the server's copy together: reads what is new there, sends what is new here, and again
 * until nothing is. Whatever fails is tried again later; nothing is forgotten before the server has said that it has it.
 */

import type { Place } from './place.ts'
import type { Kind, Outgoing, Replica, WireRecord, WireWrite } from './wire.ts'
import { same } from './wire.ts'

export interface Remote {
  change(): Promise<{ epoch: string; change: number; enabled: boolean }>
  pull(after: number): Promise<{ epoch: string; next: number; more: boolean; records: WireRecord[] }>
  push(records: readonly WireWrite[]): Promise<{ epoch: string; records: WireRecord[] }>
}

export interface Memory {
  read(): Promise<Place | null>
  write(place: Place): Promise<void>
}

export interface Round {
  enabled: boolean
  /** Records that no server takes. */
  tooLarge: number
}

/** The server's records were deleted and begun anew while they were read: the next round meets them. */
class Begun extends Error {}

export class Courier {
  readonly #remote: Remote
  readonly #memory: Memory
  readonly #replicas: readonly Replica[]
  #place: Place | null = null

  constructor(remote: Remote, memory: Memory, replicas: readonly Replica[]) {
    this.#remote = remote
    this.#memory = memory
    this.#replicas = replicas
  }

  /** @throws ServerError, TypeError where no server answers, StoreError */
  async round(): Promise<Round> {
    for (;;) {
      try {
        return await this.#round()
      } catch (error) {
        if (!(error instanceof Begun)) throw error
      }
    }
  }

  async #round(): Promise<Round> {
    const { epoch, change, enabled } = await this.#remote.change()
    if (!enabled) return { enabled, tooLarge: 0 }
    this.#place ??= await this.#memory.read()
    // An older counter: a backup took the place of what we know.
    if (this.#place?.epoch !== epoch || this.#place.cursor > change) await this.#begin(epoch)
    if ((this.#place?.cursor ?? 0) < change) await this.#pull()
    return { enabled, tooLarge: await this.#push() }
  }

  async #begin(epoch: string): Promise<void> {
    for (const replica of this.#replicas) await replica.begin()
    await this.#remember({ epoch, cursor: 0 })
  }

  async #remember(place: Place): Promise<void> {
    this.#place = place
    await this.#memory.write(place)
  }

  async #pull(): Promise<void> {
    for (let more = true; more; ) {
      const { epoch, cursor } = this.#known()
      const page = await this.#remote.pull(cursor)
      if (page.epoch !== epoch) throw new Begun()
      const again = await this.#take(page.records)
      more = page.more || again
      await this.#remember({ epoch, cursor: again ? 0 : page.next })
    }
  }

  async #take(records: readonly WireRecord[]): Promise<boolean> {
    let wanted = false
    for (const replica of this.#replicas) {
      const kinds: readonly Kind[] = replica.kinds
      const own = records.filter(({ kind }) => kinds.includes(kind))
      if (own.length > 0 && (await replica.take(own)).again) wanted = true
    }
    return wanted
  }

  async #push(): Promise<number> {
    let refused = 0
    for (const replica of this.#replicas) {
      for (;;) {
        const { batch, tooLarge } = await replica.pending()
        if (batch.length > 0) {
          await this.#send(replica, batch)
          continue
        }
        refused += tooLarge
        break
      }
    }
    return refused
  }

  async #send(replica: Replica, batch: readonly Outgoing[]): Promise<void> {
    const { epoch, cursor } = this.#known()
    const answer = await this.#remote.push(batch.map(({ write }) => write))
    if (answer.epoch !== epoch) throw new Begun()
    const others: WireRecord[] = []
    for (const [at, outgoing] of batch.entries()) {
      const record = answer.records[at]
      if (!record) continue
      if (same(record.body, outgoing.write.body)) await replica.sent(outgoing, record.version)
      else others.push(record) // somebody was first: merged here, and sent with the next batch
    }
    if (others.length > 0 && (await replica.take(others)).again) await this.#remember({ epoch, cursor: 0 })
    else await this.#skipOwn(answer.records, { epoch, cursor })
  }

  /** What we have just written ourselves need not be read again, where nobody wrote in between. */
  async #skipOwn(records: readonly WireRecord[], { epoch, cursor }: Place): Promise<void> {
    const versions = records.map(({ version }) => version).sort((a, b) => a - b)
    const last = versions.at(-1) ?? 0
    if (versions[0] === cursor + 1 && last === cursor + versions.length) await this.#remember({ epoch, cursor: last })
  }

  #known(): Place {
    if (!this.#place) throw new Error('The server was not asked yet.')
    return this.#place
  }
}
