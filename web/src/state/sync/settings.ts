/** The browser's settings beside the server's copy: each field by itself, by the last writer. They come from the page. */
import type { IDBPDatabase } from 'idb'
import type { SyncSchema } from './place.ts'
import { type Outgoing, type Replica, same, type WireRecord } from './wire.ts'

/** `area/field` → its value; what is as it is without a choice is not in it. */
export type SettingValues = Readonly<Record<string, unknown>>

export class SettingReplica implements Replica {
  readonly kinds = ['setting'] as const
  readonly #database: IDBPDatabase<SyncSchema>
  readonly #tell: (values: SettingValues) => void
  #mine: SettingValues
  /** When a field was first seen to differ from the server's copy. */
  readonly #noticed = new Map<string, number>()

  constructor(database: IDBPDatabase<SyncSchema>, mine: SettingValues, tell: (values: SettingValues) => void) {
    this.#database = database
    this.#mine = mine
    this.#tell = tell
  }

  /** What the page has now. */
  set(mine: SettingValues): void {
    for (const id of new Set([...Object.keys(mine), ...Object.keys(this.#mine)])) {
      if (!same(mine[id], this.#mine[id])) this.#noticed.set(id, Date.now())
    }
    this.#mine = mine
  }

  async begin(): Promise<void> {
    await this.#database.clear('settings')
  }

  async take(records: readonly WireRecord[]): Promise<{ again: boolean }> {
    const values: Record<string, unknown> = { ...this.#mine }
    for (const { id, version, written_at, body } of records) {
      const known = await this.#database.get('settings', id)
      if (known && known.version >= version) continue
      const theirs = body?.value
      const mine = values[id]
      const isChanged = known ? !same(mine, known.base) : mine !== undefined
      // Before they met for the first time nobody can say who chose later: what is kept there already stays.
      const mineIsLater = known ? (this.#noticed.get(id) ?? 0) > written_at : theirs === undefined
      await this.#database.put('settings', { version, base: theirs }, id)
      if (isChanged && mineIsLater && !same(mine, theirs)) continue
      if (theirs === undefined) delete values[id]
      else values[id] = theirs
    }
    if (!same(values, this.#mine)) {
      this.#mine = values
      this.#tell(values)
    }
    return { again: false }
  }

  async pending(): Promise<{ batch: Outgoing[]; tooLarge: number }> {
    const [keys, known] = await Promise.all([this.#database.getAllKeys('settings'), this.#database.getAll('settings')])
    const base = new Map(keys.map((key, index) => [key, known[index]]))
    const ids = [...new Set([...keys, ...Object.keys(this.#mine)])]
    const changed = ids.filter(id => !same(this.#mine[id], base.get(id)?.base))
    const batch = changed.map((id): Outgoing => {
      const value = this.#mine[id]
      const at = this.#noticed.get(id) ?? Date.now()
      const body = value === undefined ? null : { value }
      const version = base.get(id)?.version ?? 0
      return {
        write: { kind: 'setting', id, parent: null, base: version, written_at: at, body },
        ticket: { at, mark: 0 },
      }
    })
    return { batch, tooLarge: 0 }
  }

  async sent({ write }: Outgoing, version: number): Promise<void> {
    await this.#database.put('settings', { version, base: write.body?.value }, write.id)
  }
}
