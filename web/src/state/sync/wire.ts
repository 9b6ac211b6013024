/**
 * What is said with the server's copy (playground/slm_playground/data): records with versions. Keys are those of the JSON,
 * times are milliseconds since 1970.
 */

export type Kind = 'chat' | 'message' | 'document' | 'text_version' | 'setting'

export type Body = Readonly<Record<string, unknown>>

export interface WireRecord {
  kind: Kind
  id: string
  parent: string | null
  /** Grows with every write of any record. */
  version: number
  written_at: number
  /** Null for a deleted one. */
  body: Body | null
}

/** A record to be written: only if the server's is still of version `base` (0: it was never seen there). */
export type WireWrite = Omit<WireRecord, 'version'> & { base: number }

/** Of a change that is to be sent: when it was made, and which one it is. */
export interface Ticket {
  at: number
  mark: number
}

/** What the server had: `base` is what two changes are compared with, where that is needed. */
export interface Synced<Base = never> {
  version: number
  base?: Base
}

export function ticket(now = Date.now()): Ticket {
  return { at: now, mark: Math.random() }
}

/** Something to be sent, and what says whether it was changed again meanwhile. */
export interface Outgoing {
  write: WireWrite
  ticket: Ticket
}

/** Beyond these a record stays in this browser, or goes with the next batch. Characters as the server counts them, in ASCII. */
const MOST_RECORD_CHARACTERS = 3_400_000
const MOST_BATCH_CHARACTERS = 1_000_000
const MOST_BATCH_RECORDS = 200

export function sizeOf(body: Body | null): number {
  const json = JSON.stringify(body)
  return json.length + 5 * (json.match(/[^\0-\x7f]/g)?.length ?? 0)
}

/** Whether two JSON values say the same, in whatever order their keys stand. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, at) => same(item, b[at]))
  }
  const [left, right] = [entriesOf(a), entriesOf(b)]
  return left.size === right.size && [...left].every(([key, value]) => right.has(key) && same(value, right.get(key)))
}

/** What JSON leaves out counts as not there. */
function entriesOf(value: object): Map<string, unknown> {
  return new Map(Object.entries(value).filter(([, item]) => item !== undefined))
}

/** One of the browser's stores, as the courier sees it. */
export interface Replica {
  readonly kinds: readonly Kind[]
  /** The server has begun anew: all that is here is to be compared and sent again. */
  begin(): Promise<void>
  /** Takes over what the server has, merging it with what was changed here and not sent. @returns whether all must be read again */
  take(records: readonly WireRecord[]): Promise<{ again: boolean }>
  /** What is to be sent, so many at most; `tooLarge` counts what never can be. */
  pending(): Promise<{ batch: Outgoing[]; tooLarge: number }>
  /** It was written as it was sent. */
  sent(outgoing: Outgoing, version: number): Promise<void>
}

/**
 * What is sent at once of the records under these keys: the first ones, up to a batch's size.
 * @param outgoing null for a key under which there is nothing to send now
 * @returns `tooLarge`: how many of those looked at stay in this browser
 */
export async function batchOf<K>(
  keys: readonly K[],
  outgoing: (key: K) => Promise<Outgoing | null>,
): Promise<{ batch: Outgoing[]; tooLarge: number }> {
  const batch: Outgoing[] = []
  let [size, tooLarge] = [0, 0]
  for (const key of keys) {
    if (batch.length >= MOST_BATCH_RECORDS || size > MOST_BATCH_CHARACTERS) break
    const next = await outgoing(key)
    if (!next) continue
    const length = sizeOf(next.write.body)
    if (length > MOST_RECORD_CHARACTERS) tooLarge += 1
    else if (batch.length > 0 && size + length > 2 * MOST_BATCH_CHARACTERS) break
    else {
      size += length
      batch.push(next)
    }
  }
  return { batch, tooLarge }
}
