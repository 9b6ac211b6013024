/**
 * Several models side by side in one page, within a budget of memory: where another one does not fit, those that were used
 * longest ago are unloaded, and loaded again when they are asked for the next time.
 */
import { EngineError } from './errors.ts'

/** A loaded model, as the budget sees it. */
export interface Tenant {
  /** True while it has a job: then it cannot be unloaded. */
  readonly isBusy: boolean
  /** Settles when its model is loaded or is not; null while it does not load. */
  readonly loading: Promise<unknown> | null
  /** Gives its memory back; it loads itself again when it is used. */
  unload(): void
  /** Gives back what it keeps to be faster only: conversations beside the one that it is at. */
  dropSpare(): void
}

interface Taken {
  bytes: number
  /** Beside its model: what `dropSpare` gives back. */
  spareBytes: number
}

/** Engines that are created with the same budget share it. */
export class MemoryBudget {
  readonly bytes: number
  /** With what they take, the one used longest ago first. */
  readonly #tenants = new Map<Tenant, Taken>()

  /** @param bytes that all models together may take, by the manifests' estimates */
  constructor(bytes: number) {
    if (!(bytes > 0)) throw new EngineError('bad-request', `bytes: expected a number above 0, found ${bytes}.`)
    this.bytes = bytes
  }

  get usedBytes(): number {
    let sum = 0
    for (const { bytes, spareBytes } of this.#tenants.values()) sum += bytes + spareBytes
    return sum
  }

  /**
   * Makes room: others give back what they keep to be faster, and are unloaded where that is not enough.
   * @throws EngineError 'out-of-memory' where idle models are not enough; none is unloaded then
   */
  admit(tenant: Tenant, bytes: number): void {
    this.#tenants.delete(tenant)
    const idle = [...this.#tenants].filter(([{ isBusy }]) => !isBusy)
    const most = this.bytes - this.usedBytes + idle.reduce((sum, [, taken]) => sum + taken.bytes + taken.spareBytes, 0)
    if (bytes > most) throw tooMuch(bytes, Math.max(0, most))
    this.#dropSpares(bytes)
    for (const [other] of idle) {
      if (this.usedBytes + bytes <= this.bytes) break
      this.leave(other)
      other.unload()
    }
    this.#tenants.set(tenant, { bytes, spareBytes: 0 })
  }

  /** Those that load now: when one has ended, there may be room that was not. */
  get loads(): Promise<unknown>[] {
    return [...this.#tenants.keys()].flatMap(({ loading }) => loading ?? [])
  }

  /** What it keeps to be faster takes so much now; where that is too much, such things go, those used longest ago first. */
  keepSpare(tenant: Tenant, spareBytes: number): void {
    const taken = this.#tenants.get(tenant)
    if (!taken) return
    this.#tenants.set(tenant, { ...taken, spareBytes })
    this.#dropSpares(0, tenant)
  }

  /** It is used now. */
  touch(tenant: Tenant): void {
    const taken = this.#tenants.get(tenant)
    if (taken === undefined) return
    this.#tenants.delete(tenant)
    this.#tenants.set(tenant, taken)
  }

  leave(tenant: Tenant): void {
    this.#tenants.delete(tenant)
  }

  /** Until `bytes` more fit. A busy one may be using what it keeps, but for the one that says how much it is. */
  #dropSpares(bytes: number, teller: Tenant | null = null): void {
    for (const [tenant, taken] of this.#tenants) {
      if (this.usedBytes + bytes <= this.bytes) return
      if (taken.spareBytes === 0 || (tenant.isBusy && tenant !== teller)) continue
      this.#tenants.set(tenant, { ...taken, spareBytes: 0 })
      tenant.dropSpare()
    }
  }
}

function tooMuch(bytes: number, most: number): EngineError {
  const [needs, free] = [Math.ceil(bytes / 2 ** 20), Math.ceil(most / 2 ** 20)]
  return new EngineError('out-of-memory', { kind: 'beyond-budget', needs, free })
}
