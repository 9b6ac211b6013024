/**
 * The service worker: keeps the page and its runtime files, so that they open without the server. It never answers for
 * `/api/` (an answer about now must not be an old one) nor for models: those pass by it untouched, ranges and all, and lie on
 * the private disk (engine/disk.ts). The build puts the list of files with their SHA-256 in; see web/offline.plugin.ts.
 */
import { isIndex, isNeighbour, isOurs, isolationOf, keyOf, type Listed, parseList, withIsolation } from './rules.ts'
import type { FromOffline, ToOffline } from './words.ts'

declare const self: ServiceWorkerGlobalScope

const FILES = parseList('__SLM_FILES__')
const SCOPE = self.registration.scope
const PREFIX = `slm-ui ${SCOPE} `
const CACHE = `${PREFIX}${keyOf(FILES)}`
const INDEX = new URL('index.html', SCOPE).href
/** Of a site (docs/sites.md): says what the page shows, so the newest is wanted, as of the page. */
const SITE = new URL('site.json', SCOPE).href
const ISOLATION = isolationOf(self.location.href)

self.addEventListener('install', event => event.waitUntil(install()))

self.addEventListener('activate', event => event.waitUntil(activate()))

self.addEventListener('fetch', event => {
  const { request } = event
  note(event.clientId, request)
  if (request.method !== 'GET' || request.headers.has('Range')) return
  if (request.mode === 'navigate') {
    if (isIndex(request.url, SCOPE)) event.respondWith(newest(request, INDEX).then(isolated))
    else if (ISOLATION === 'worker' && isNeighbour(request.url, SCOPE)) event.respondWith(fetch(request).then(isolated))
  } else if (isOurs(request.url, SCOPE, FILES))
    event.respondWith(request.url === SITE ? newest(request, SITE) : file(request))
})

self.addEventListener('message', event => {
  const message: ToOffline = event.data
  const answer = (data: FromOffline) => event.ports[0]?.postMessage(data)
  if (message.kind === 'take-over') void self.skipWaiting()
  else if (message.kind === 'fill') {
    filling ??= fillUp()
    event.waitUntil(filling.then(isWhole => answer({ kind: 'filled', isWhole })))
  } else if (message.kind === 'has') {
    const path = message.url.slice(SCOPE.length)
    answer({ kind: 'has', has: FILES.some(listed => listed.path === path), files: FILES.length })
  } else if (message.kind === 'count') {
    watched.set(message.name, [])
    answer({ kind: 'counted', urls: [] })
  } else {
    answer({ kind: 'counted', urls: watched.get(message.name) ?? [] })
    watched.delete(message.name)
  }
})

/** Self-tests that run: every request that passes here meanwhile, whoever on the page or in its workers makes it. */
const watched = new Map<string, string[]>()

function note(clientId: string, request: Request): void {
  for (const urls of watched.values()) urls.push(`${request.url}${clientId ? '' : ' (navigation)'}`)
}

async function install(): Promise<void> {
  const cache = await caches.open(CACHE)
  const older = await Promise.all((await ourCaches()).filter(name => name !== CACHE).map(name => caches.open(name)))
  // A page that is to be isolated waits for this: the runtime, which is most of it, comes after its reload (`fill`).
  const isHurried = ISOLATION === 'worker' && !self.registration.active
  await fetchAll(
    FILES.filter(listed => wantedHere(listed) && !(isHurried && isRuntime(listed))),
    cache,
    older,
  )
}

let filling: Promise<boolean> | null = null

async function fillUp(): Promise<boolean> {
  try {
    await fetchAll(FILES.filter(wantedHere), await caches.open(CACHE), [])
    return true
  } catch {
    filling = null
    return false // the next visit tries again
  }
}

async function fetchAll(wanted: readonly Listed[], cache: Cache, older: readonly Cache[]): Promise<void> {
  // A few at once: the runtime is large, and the page that is being used comes first.
  const queue = wanted[Symbol.iterator]()
  await Promise.all(Array.from({ length: 4 }, () => fill(queue, cache, older)))
}

async function fill(queue: Iterator<Listed>, cache: Cache, older: readonly Cache[]): Promise<void> {
  for (let next = queue.next(); !next.done; next = queue.next()) {
    const { path, integrity } = next.value
    const url = new URL(path, SCOPE).href
    if (await cache.match(url)) continue
    const response = (await kept(url, integrity, older)) ?? (await fetch(url, { integrity, cache: 'no-cache' }))
    if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`)
    await cache.put(url, response)
  }
}

/** From an older version, where the name promises the same bytes. */
async function kept(url: string, integrity: string, older: readonly Cache[]): Promise<Response | null> {
  const isNamedByContent = /-[\w-]{8}\.\w+$/.test(url) || /\/ort\/\d/.test(url)
  if (!isNamedByContent || !integrity) return null
  for (const cache of older) {
    const response = await cache.match(url)
    if (response) return response
  }
  return null
}

/** Of the runtime's builds only those that this browser can use; WASM without a GPU is what everything falls back to. */
function wantedHere(listed: Listed): boolean {
  const { path } = listed
  if (isForSome(path)) return false
  if (!isRuntime(listed)) return true
  const hasGpu = 'gpu' in navigator
  const hasJspi = 'Suspending' in WebAssembly
  if (path.includes('.jspi.')) return hasGpu && hasJspi
  if (path.includes('.asyncify.')) return hasGpu && !hasJspi
  return true
}

function isRuntime({ path }: Listed): boolean {
  return path.startsWith('ort/')
}

async function activate(): Promise<void> {
  for (const name of await ourCaches()) if (name !== CACHE) await caches.delete(name)
  await self.clients.claim() // the page that brought this worker is offline-capable at once
}

async function ourCaches(): Promise<string[]> {
  return (await caches.keys()).filter(name => name.startsWith(PREFIX))
}

/** The server's own first: a server that runs has the newest. @param kept where the stored copy lies */
async function newest(request: Request, kept: string): Promise<Response> {
  try {
    const response = await fetch(request)
    const isGone = response.status >= 502 && response.status <= 504
    return isGone ? ((await stored(kept)) ?? response) : response
  } catch (error) {
    const response = await stored(kept)
    if (response) return response
    throw error
  }
}

function isolated(response: Response): Response {
  return ISOLATION !== 'none' && response.ok ? withIsolation(response) : response
}

/** What the list has comes from here, byte for byte what was checked at the installation. */
async function file(request: Request): Promise<Response> {
  const response = (await stored(request.url)) ?? (await fetched(request))
  // An isolated page may only start workers whose script says the same.
  return request.destination === 'worker' ? isolated(response) : response
}

/** Large, and not for everyone (the grammar rules): kept when they are first used. */
function isForSome(path: string): boolean {
  return /harper_wasm[\w-]*\.wasm$/.test(path)
}

async function fetched(request: Request): Promise<Response> {
  const response = await fetch(request)
  if (response.ok && isForSome(new URL(request.url).pathname)) {
    const copy = response.clone()
    void caches
      .open(CACHE)
      .then(cache => cache.put(request, copy))
      .catch(() => {}) // no room: it is fetched again the next time
  }
  return response
}

async function stored(url: string): Promise<Response | undefined> {
  const cache = await caches.open(CACHE)
  return cache.match(url, { ignoreSearch: true, ignoreVary: true })
}
