/** What the page and its sync worker say to each other. */
import type { RequestNote } from '../../engine/client.ts'
import type { SettingValues } from './settings.ts'

/**
 * `off`: switched off for all shells. `waiting`: another tab of this browser does it. `offline`: no server answers; it is tried
 * again. `failed`: the server cannot keep anything; its sentence says why. `none`: this server keeps nothing.
 */
export type SyncStatus =
  | { status: 'starting' | 'waiting' | 'busy' | 'offline' | 'off' | 'none' | 'newer' }
  | { status: 'done'; at: number; tooLarge: number }
  | { status: 'failed'; message: string; kind: string | null; facts: Readonly<Record<string, string | number>> }

export type ToSync =
  | { kind: 'start'; page: string; settings: SettingValues }
  | { kind: 'settings'; settings: SettingValues }

export type FromSync =
  | { kind: 'status'; status: SyncStatus }
  | { kind: 'settings'; settings: SettingValues }
  | { kind: 'requests'; notes: readonly RequestNote[] }
