/**
 * The server's copy of chats, documents and settings, as the page sees it. Where there is no server of ours nothing of this
 * runs and nothing is asked for; where there has been one, it is looked for again.
 */
import { effect, signal } from '@preact/signals'
import { tellRequests } from '../../engine/client.ts'
import { siteName } from '../../engine/names.ts'
import { sharedControls } from '../controls.ts'
import { keepGrammarSettings, sharedGrammar } from '../grammar/settings.ts'
import { modelList } from '../models.ts'
import { sharedPresets } from '../presets.ts'
import { isStorageRefused } from '../refused.ts'
import { sharedSettings } from '../settings.ts'
import { keepWritingSettings, sharedWriting } from '../suggestions/settings.ts'
import type { SettingValues } from './settings.ts'
import { startTicker } from './ticker.ts'
import type { FromSync, SyncStatus, ToSync } from './words.ts'

const AREAS = [sharedSettings, sharedControls, sharedPresets, sharedWriting, sharedGrammar]
/** Set once a server of ours has kept something for this address. */
const KNOWN_KEY = siteName('slm-playground.synced')

/** Null where there is no server's copy. */
export const syncStatus = signal<SyncStatus | null>(null)

let worker: Worker | null = null

/** From now on chats, documents and settings follow the server's copy, where there is one. */
export function keepInSync(): void {
  if (!('locks' in navigator) || isStorageRefused()) return // what it keeps in step is not kept here
  effect(() => {
    const list = modelList.value
    const hasServer = list?.isOffline ? hasMet() : list?.records
    if (hasServer && !worker) start()
  })
}

/** Ends it, for instance before everything is deleted. */
export function stopSync(): void {
  worker?.terminate()
  worker = null
}

function start(): void {
  const started = new Worker(new URL('./sync-worker.ts', import.meta.url), { type: 'module', name: 'sync' })
  worker = started
  // What comes in for the writing page must be kept though nobody has opened it.
  keepWritingSettings()
  keepGrammarSettings()
  started.onmessage = ({ data }: MessageEvent<FromSync>) => hear(data)
  startTicker()
  const say = (message: ToSync) => started.postMessage(message)
  say({ kind: 'start', page: document.baseURI, settings: collect() })
  effect(() => say({ kind: 'settings', settings: collect() }))
}

function hear(message: FromSync): void {
  if (message.kind === 'requests') tellRequests(message.notes)
  else if (message.kind === 'settings') spread(message.settings)
  else {
    syncStatus.value = message.status
    if (message.status.status === 'done') remember()
  }
}

function collect(): SettingValues {
  const entries = AREAS.flatMap(({ name, read }) =>
    Object.entries(read()).map(([field, value]) => [`${name}/${encodeURIComponent(field)}`, value] as const),
  )
  return Object.fromEntries(entries)
}

function spread(values: SettingValues): void {
  for (const { name, write, read } of AREAS) {
    const own = Object.entries(values).flatMap(([id, value]) => {
      const [area, field = ''] = id.split('/')
      return area === name ? [[decodeURIComponent(field), value] as const] : []
    })
    const wanted = Object.fromEntries(own)
    if (JSON.stringify(wanted) !== JSON.stringify(read())) write(wanted)
  }
}

function hasMet(): boolean {
  try {
    return localStorage.getItem(KNOWN_KEY) === 'yes'
  } catch {
    return false
  }
}

function remember(): void {
  try {
    localStorage.setItem(KNOWN_KEY, 'yes')
  } catch {
    // Storage is forbidden: then there is nothing to keep in sync after a reload.
  }
}
