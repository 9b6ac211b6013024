/** The data folder of the server on this machine: what is in it, moving it, emptying it, switching its copy of chats off. */
import { signal } from '@preact/signals'
import { siteName } from '../engine/names.ts'
import type { ServerSentence } from '../text/en/server.ts'
import { read, write } from './server.ts'
import { stopSync } from './sync/sync.ts'

export type PartName = 'models' | 'records' | 'settings' | 'logs'

export interface DataFolder {
  folder: string
  parts: readonly { name: PartName; path: string; size_bytes: number }[]
  disk: { total_bytes: number; free_bytes: number } | null
  can_open: boolean
  records: { problem: ServerSentence | null; enabled?: boolean; counts?: Readonly<Record<string, number>> }
}

export interface Move {
  target: string
  state: 'copying' | 'verifying' | 'switching' | 'done' | 'failed' | 'cancelled'
  done_bytes: number
  total_bytes: number
  /** Why it failed, or what is left to be done; with `kind` and `facts` the server's sentence. */
  message: string | null
  kind: string | null
  facts: ServerSentence['facts']
}

export const dataFolder = signal<DataFolder | null>(null)
/** The move that is under way, or was. */
export const move = signal<Move | null>(null)

const LOOK_EVERY_MS = 300

/** @throws ServerError, TypeError where no server answers */
export async function lookAtData(): Promise<void> {
  dataFolder.value = (await read('data')) as DataFolder // our own server's, typed and tested in playground/
}

/** Moves the folder and follows it to its end. @throws ServerError where the new place will not do */
export async function moveData(folder: string): Promise<void> {
  let answer = (await write('POST', 'data/move', { folder })) as { move: Move | null }
  for (;;) {
    move.value = answer.move
    if (!answer.move || !isMoving(answer.move)) break
    await new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS))
    answer = (await read('data/move')) as { move: Move | null }
  }
  await lookAtData()
}

export function isMoving({ state }: Move): boolean {
  return state === 'copying' || state === 'verifying' || state === 'switching'
}

/** @throws ServerError */
export async function stopMove(): Promise<void> {
  await write('DELETE', 'data/move')
}

/** @throws ServerError */
export async function openDataFolder(): Promise<void> {
  await write('POST', 'data/open')
}

/** The server's copy on or off, for all shells; `forget` deletes it, and leaves every browser what it has. @throws ServerError */
export async function switchCopy(enabled: boolean, forget = false): Promise<void> {
  await write('POST', 'data/switch', { enabled, forget })
  await lookAtData()
}

/** Deletes parts of the data folder; with `records` also all that this browser keeps, and loads the page anew. @throws ServerError */
export async function resetData(parts: readonly PartName[]): Promise<void> {
  await write('POST', 'data/reset', { parts })
  if (!parts.includes('records')) return lookAtData()
  stopSync()
  for (const name of ['chats', 'documents', 'sync']) indexedDB.deleteDatabase(siteName(`slm-playground.${name}`))
  const own = siteName('')
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith('slm-playground.') && key.endsWith(own)) localStorage.removeItem(key)
  }
  location.reload()
}
