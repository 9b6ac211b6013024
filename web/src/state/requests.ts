/** The list of requests: what this page and its workers asked for, and a test that an answer asks for nothing. */
import { computed, signal } from '@preact/signals'
import type { Engine } from '../engine/api.ts'
import { onWorkerRequests, type RequestNote, watchRequests } from '../engine/client.ts'
import { loadState } from './engine.ts'
import { askOffline } from './offline.ts'

/** Why something was asked for, as far as its address tells. */
export type Why = 'page' | 'runtime' | 'model' | 'server' | 'records' | 'other'

export interface Requested extends RequestNote {
  why: Why
  /** Answered by this browser itself: nothing went out. */
  isLocal: boolean
}

const MOST = 500
/** They come every few seconds; more of them would push out everything else. */
const MOST_RECORDS = 25

/** Oldest first. */
export const requests = signal<readonly Requested[]>([])
/** When the model was ready, milliseconds since 1970; null before that. */
const loadedAt = signal<number | null>(null)

/** Requests that left the browser since the model was ready; what keeps the server's copy of chats up to date is not one. */
export const sinceLoad = computed(() => {
  const from = loadedAt.value
  return from === null
    ? null
    : requests.value.filter(({ at, isLocal, why }) => at >= from && !isLocal && why !== 'records')
})

export function keepRequests(): void {
  watchRequests('page', add)
  onWorkerRequests(add)
  loadState.subscribe(({ status }) => {
    if (status === 'ready') loadedAt.value = Date.now()
    else if (status === 'loading') loadedAt.value = null
  })
}

/** Where there is a model beside the page's own, as on a site that only corrects: from now on nothing is asked for. */
export function otherModelReady(): void {
  if (loadState.peek().status === 'no-model') loadedAt.value = Date.now()
}

function add(notes: readonly RequestNote[]): void {
  const known = notes.map(note => ({ ...note, why: whyOf(note.url), isLocal: isLocal(note) }))
  const all = [...requests.value, ...known].sort((a, b) => a.at - b.at).slice(-MOST)
  const surplus = all.filter(({ why }) => why === 'records').slice(0, -MOST_RECORDS)
  requests.value = all.filter(request => !surplus.includes(request))
}

/** The browser's cache and the offline copy answer with bytes that no network brought. */
function isLocal({ networkBytes, bytes }: Pick<RequestNote, 'networkBytes' | 'bytes'>): boolean {
  return networkBytes === 0 && bytes > 0
}

function whyOf(url: string): Why {
  const { origin, pathname } = new URL(url)
  if (origin !== location.origin) return 'other'
  const path = pathname.slice(new URL('./', document.baseURI).pathname.length)
  if (path.startsWith('api/data') || path === 'api/session') return 'records'
  if (path.startsWith('api/')) return 'server'
  if (/^(models|imported)\//.test(path)) return 'model'
  return path.startsWith('ort/') ? 'runtime' : 'page'
}

export interface Proof {
  /** Tokens of the answer that was made meanwhile. */
  tokens: number
  /** Addresses that were asked for meanwhile. */
  urls: readonly string[]
  /** The service worker watched as well: nothing that this page or a worker of it asks for passes it unseen. */
  witnessed: boolean
}

const TEST_TOKENS = 24

/**
 * Has the model answer while every request is counted, but those that keep the server's copy of chats: they run beside it all
 * the time, and the list has them.
 * @throws EngineError
 */
export async function proveSilence(engine: Engine): Promise<Proof> {
  const from = Date.now()
  const name = crypto.randomUUID()
  const witness = await askOffline({ kind: 'count', name })
  const messages = [{ role: 'user' as const, content: 'Say hello.' }]
  await engine.chat.completions.create({ messages, max_tokens: TEST_TOKENS, temperature: 0 })
  const tokens = engine.stats()?.outputTokens ?? 0
  const seen = await askOffline({ kind: 'counted', name })
  await new Promise(resolve => setTimeout(resolve)) // observers are told after the requests
  const observed = requests.value.filter(({ at }) => at >= from).map(({ url }) => url)
  const all = new Set([...observed, ...(seen?.kind === 'counted' ? seen.urls : [])])
  const urls = [...all].filter(url => whyOf(url.split(' ', 1)[0] ?? url) !== 'records')
  return { tokens, urls, witnessed: witness !== null }
}
