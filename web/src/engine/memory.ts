/**
 * Several models side by side in one page, within a budget of memory: where another one does not fit, those that were used
 * longest ago are unloaded, and loaded again when they are asked for the next time.
 */
import { EngineError } from './errors.ts'

/** A loaded model, as the budget sees it. */
export interface Tenant {
  /** True while it has a job: then it cannot be unloaded. */
  readonly isBusy: boolean
  /** Gives its memory back; it loads itself again when it is used. */
  unload(): void
}

/** Engines that are created with the same budget share it. */
export class MemoryBudget {
  readonly bytes: number
  /** With what they take, the one used longest ago first. */
  readonly #tenants = new Map<Tenant, number>()

  /** @param bytes that all models together may take, by the manifests' estimates */
  constructor(bytes: number) {
    if (!(bytes > 0)) throw new EngineError('bad-request', `bytes: expected a number above 0, found ${bytes}.`)
    this.bytes = bytes
  }

  get usedBytes(): number {
    let sum = 0
    for (const bytes of this.#tenants.values()) sum += bytes
    return sum
  }

  /**
   * Makes room, unloading others where that is needed.
   * @throws EngineError 'out-of-memory' where idle models are not enough; none is unloaded then
   */
  admit(tenant: Tenant, bytes: number): void {
    this.#tenants.delete(tenant)
    const idle = [...this.#tenants].filter(([{ isBusy }]) => !isBusy)
    const most = this.bytes - this.usedBytes + idle.reduce((sum, [, taken]) => sum + taken, 0)
    if (bytes > most) throw tooMuch(bytes, Math.max(0, most))
    for (const [other] of idle) {
      if (this.usedBytes + bytes <= this.bytes) break
      this.leave(other)
      other.unload()
    }
    this.#tenants.set(tenant, bytes)
  }

  /** It is used now. */
  touch(tenant: Tenant): void {
    const bytes = this.#tenants.get(tenant)
    if (bytes === undefined) return
    this.#tenants.delete(tenant)
    this.#tenants.set(tenant, bytes)
  }

  leave(tenant: Tenant): void {
    this.#tenants.delete(tenant)
  }
}

function tooMuch(bytes: number, most: number): EngineError {
  const [needs, free] = [Math.ceil(bytes / 2 ** 20), Math.ceil(most / 2 ** 20)]
  return new EngineError('out-of-memory', { kind: 'beyond-budget', needs, free })
}
