/** What the browser remembers of the server's copy as a whole: which one it is, and how far it was read. */
import { type DBSchema, type IDBPDatabase, openDB } from 'idb'
import { siteName } from '../../engine/names.ts'
import type { Synced } from './wire.ts'

export interface Place {
  /** Names the server's records; others are met for the first time. */
  epoch: string
  /** Everything up to this version was read. */
  cursor: number
}

export interface SyncSchema extends DBSchema {
  place: { key: 'now'; value: Place }
  settings: { key: string; value: Synced<unknown> }
}

const SYNC_DATABASE = siteName('slm-playground.sync')

export function openSync(name = SYNC_DATABASE): Promise<IDBPDatabase<SyncSchema>> {
  return openDB<SyncSchema>(name, 1, {
    upgrade(database) {
      database.createObjectStore('place')
      database.createObjectStore('settings')
    },
    blocking(_, __, event) {
      ;(event.target as IDBDatabase).close()
    },
  })
}
