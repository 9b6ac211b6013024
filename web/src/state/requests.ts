/** The list of requests: what this page and its workers asked for, and a test that an answer asks for nothing. */
import { computed, signal } from '@preact/signals'
import type { Engine } from '../engine/api.ts'
import { onWorkerRequests, type RequestNote, watchRequests } from '../engine/client.ts'
import { loadState } from './engine.ts'
import { askOffline } from './offline.ts'

/** Why something was asked for, as far as its address tells. */
export type Why = 'page' | 'runtime' | 'model' | 'server' | 'other'

export interface Requested extends RequestNote {
  why: Why
  /** Answered by this browser itself: nothing went out. */
  isLocal: boolean
}

const MOST = 500

/** Oldest first. */
export const requests = signal<readonly Requested[]>([])
/** When the model was ready, milliseconds since 1970; null before that. */
const loadedAt = signal<number | null>(null)

/** Requests that left the browser since the model was ready. */
export const sinceLoad = computed(() => {
  const from = loadedAt.value
  return from === null ? null : requests.value.filter(({ at, isLocal }) => at >= from && !isLocal)
})

export function keepRequests(): void {
  watchRequests('page', add)
  onWorkerRequests(add)
  loadState.subscribe(({ status }) => {
    if (status === 'ready') loadedAt.value = Date.now()
    else if (status === 'loading') loadedAt.value = null
  })
}

function add(notes: readonly RequestNote[]): void {
  const known = notes.map(note => ({ ...note, why: whyOf(note.url), isLocal: isLocal(note) }))
  requests.value = [...requests.value, ...known].sort((a, b) => a.at - b.at).slice(-MOST)
}

/** The browser's cache and the offline copy answer with bytes that no network brought. */
export function isLocal({ networkBytes, bytes }: Pick<RequestNote, 'networkBytes' | 'bytes'>): boolean {
  return networkBytes === 0 && bytes > 0
}

export function whyOf(url: string): Why {
  const { origin, pathname } = new URL(url)
  if (origin !== location.origin) return 'other'
  const path = pathname.slice(new URL('./', document.baseURI).pathname.length)
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

/** Has the model answer while every request is counted. @throws EngineError */
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
  const urls = [...new Set([...observed, ...(seen?.kind === 'counted' ? seen.urls : [])])]
  return { tokens, urls, witnessed: witness !== null }
}
