/**
 * Keeps this browser's chats, documents and settings and the server's copy the same, beside the page: to the page it is one
 * more tab that changes chats. One tab of a browser does it at a time, the one that holds the lock.
 */
import { siteName } from '../../engine/names.ts'
import { watchRequests } from '../../engine/requests.ts'
import { openChats } from '../chats/indexed-store.ts'
import { CHANNEL as CHATS, type News } from '../chats/news.ts'
import { CHANNEL as DOCUMENTS, openDocuments } from '../documents/store.ts'
import { forgetToken, read, ServerError, serverBeside, write } from '../server.ts'
import { ChatReplica } from './chats.ts'
import { Courier, type Remote } from './courier.ts'
import { DocumentReplica } from './documents.ts'
import { openSync } from './place.ts'
import { SettingReplica } from './settings.ts'
import { SYNC_CHANNEL } from './ticker.ts'
import type { FromSync, SyncStatus, ToSync } from './words.ts'

declare const self: DedicatedWorkerGlobalScope

/** Changes of one moment go together. */
const GATHER_MS = 250
const FIRST_PAUSE_MS = 2000
const LONGEST_PAUSE_MS = 60_000

/** Our own server's answers, typed and tested in playground/. */
const remote: Remote = {
  change: async () => {
    const told = (await read('data/change')) as Awaited<ReturnType<Remote['change']>> & { start: string }
    if (told.start !== start) forgetToken()
    start = told.start
    return told
  },
  pull: after => write('POST', 'data/pull', { after }) as ReturnType<Remote['pull']>,
  push: records => write('POST', 'data/push', { records }) as ReturnType<Remote['push']>,
}

/** Which start of the server was last heard. */
let start = ''
let settings: SettingReplica | null = null
let wake: (() => void) | null = null
let isWoken = false

self.onmessage = ({ data }: MessageEvent<ToSync>) => {
  if (data.kind === 'start') {
    serverBeside(data.page)
    const lock = siteName('slm-playground.sync')
    tell({ kind: 'status', status: { status: 'waiting' } })
    void navigator.locks.request(lock, () => run(data.settings))
  } else if (settings) {
    settings.set(data.settings)
    knock()
  } else early = data.settings
}
/** Came while another tab had the lock. */
let early: ToSync['settings'] | null = null

async function run(first: ToSync['settings']): Promise<void> {
  status({ status: 'starting' })
  const gone = new Promise<void>(resolve => {
    opening = open(first, resolve)
  })
  const courier = await opening?.catch(() => null)
  if (!courier) return status({ status: 'newer' })
  await Promise.race([gone.then(() => status({ status: 'newer' })), serve(courier)])
}

let opening: Promise<Courier> | null = null

/** @param onGone called when a newer page needs the databases: this worker leaves it to that page's */
async function open(first: ToSync['settings'], onGone: () => void): Promise<Courier> {
  const [chats, documents, sync] = await Promise.all([openChats(onGone), openDocuments(), openSync()])
  const [chatNews, documentNews, ticks] = [
    new BroadcastChannel(CHATS),
    new BroadcastChannel(DOCUMENTS),
    new BroadcastChannel(SYNC_CHANNEL),
  ]
  for (const channel of [chatNews, documentNews, ticks]) channel.onmessage = knock
  settings = new SettingReplica(sync, early ?? first, values => tell({ kind: 'settings', settings: values }))
  const replicas = [
    settings,
    new ChatReplica(chats, (news: News) => chatNews.postMessage(news)),
    new DocumentReplica(documents, ids => documentNews.postMessage(ids)),
  ]
  const memory = {
    read: async () => (await sync.get('place', 'now')) ?? null,
    write: async (place: Parameters<typeof sync.put<'place'>>[1]) => void (await sync.put('place', place, 'now')),
  }
  return new Courier(remote, memory, replicas)
}

/** Rounds, for as long as the page is open: when something has changed here, and when a page that is looked at asks. */
async function serve(courier: Courier): Promise<never> {
  let pause = FIRST_PAUSE_MS
  for (;;) {
    isWoken = false
    try {
      const { enabled, tooLarge } = await courier.round()
      status(enabled ? { status: 'done', at: Date.now(), tooLarge } : { status: 'off' })
      pause = FIRST_PAUSE_MS
      await woken()
      await sleep(GATHER_MS)
    } catch (error) {
      status(troubleOf(error))
      await sleep(pause)
      pause = Math.min(LONGEST_PAUSE_MS, 2 * pause)
    }
  }
}

function troubleOf(error: unknown): SyncStatus {
  if (error instanceof ServerError) {
    const { message, kind, facts, status: code } = error
    return code === 404 ? { status: 'none' } : { status: 'failed', message, kind, facts }
  }
  if (error instanceof TypeError || error instanceof SyntaxError) return { status: 'offline' } // no server, or another's
  return { status: 'failed', message: error instanceof Error ? error.message : String(error), kind: null, facts: {} }
}

function knock(): void {
  isWoken = true
  wake?.()
}

function woken(): Promise<void> {
  if (isWoken) return Promise.resolve()
  return new Promise(resolve => {
    wake = resolve
  })
}

function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

function status(now: SyncStatus): void {
  tell({ kind: 'status', status: now })
}

function tell(message: FromSync): void {
  self.postMessage(message)
}

watchRequests('worker', notes => tell({ kind: 'requests', notes }))
