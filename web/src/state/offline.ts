/** The service worker as the page sees it: installed, a newer version waiting, taking over. */
import { signal } from '@preact/signals'
import { siteName } from '../engine/names.ts'
import type { FromOffline, ToOffline } from '../offline/words.ts'
import { site } from './site.ts'

export type OfflineState =
  /** No service worker: the development server, an insecure address, or a browser without. */
  | 'off'
  | 'installing'
  /** The page opens without its server. */
  | 'ready'
  | 'failed'

export const offlineState = signal<OfflineState>('off')
/** A newer version is here and waits for this page to be reloaded. */
export const updateReady = signal(false)
/** The browser's own question whether to install, kept until the user asks for it. */
export const installPrompt = signal<InstallPrompt | null>(null)

/** Chromium's, and not in the types. */
interface InstallPrompt extends Event {
  prompt(): Promise<unknown>
}

const LOOK_AGAIN_MS = 60 * 60 * 1000
let registration: ServiceWorkerRegistration | null = null

/**
 * Installs the service worker, and resolves when that is under way.
 * @param entry address of the page's main script: tells whether a waiting version is the page's own
 */
export async function startOffline(entry: string): Promise<void> {
  addEventListener('beforeinstallprompt', event => {
    event.preventDefault()
    installPrompt.value = event as InstallPrompt
  })
  if (import.meta.env.DEV || !navigator.serviceWorker) return
  try {
    registration = await navigator.serviceWorker.register(script(), { updateViaCache: 'none' })
  } catch {
    offlineState.value = 'failed'
    return
  }
  offlineState.value = registration.active ? 'ready' : 'installing'
  if (registration.active && hasLateFiles()) void fill(registration.active)
  if (registration.waiting) void consider(registration.waiting, entry)
  if (registration.installing) follow(registration.installing, entry)
  registration.addEventListener('updatefound', () => {
    if (registration?.installing) follow(registration.installing, entry)
  })
  setInterval(() => void registration?.update().catch(() => {}), LOOK_AGAIN_MS) // without a network it stays as it is
}

/** A site says how it wants to be isolated; the playground's server sends the headers. */
function script(): string {
  return site.value ? `./sw.js?isolation=${site.value.isolation}` : './sw.js'
}

function hasLateFiles(): boolean {
  return site.value?.isolation === 'worker'
}

async function fill(worker: ServiceWorker): Promise<void> {
  offlineState.value = 'installing'
  const answer = await ask(worker, { kind: 'fill' })
  offlineState.value = answer?.kind === 'filled' && answer.isWhole ? 'ready' : 'failed'
}

const RELOADED = siteName('slm-playground.isolated')

/**
 * Where a site's service worker makes it isolated: waits for that worker and loads the page once more under its headers.
 * Never twice: a browser that refuses (a frame, no service workers, no storage) goes on with one thread.
 * @returns whether the page is about to be loaded again, so that nothing large should begin
 */
export async function reloadIsolated(): Promise<boolean> {
  if (!hasLateFiles() || !registration || !mayReload()) return false
  await controlled(registration)
  if (!navigator.serviceWorker.controller && !registration.active) return false
  location.reload()
  return true
}

/** Notes that it was tried; false where it was, is not needed, or cannot be noted. */
function mayReload(): boolean {
  try {
    if (crossOriginIsolated) sessionStorage.removeItem(RELOADED)
    if (crossOriginIsolated || sessionStorage.getItem(RELOADED)) return false
    sessionStorage.setItem(RELOADED, 'yes')
    return sessionStorage.getItem(RELOADED) === 'yes'
  } catch {
    return false
  }
}

/** Resolves once a worker is in charge, or is known not to come. */
async function controlled({ installing, waiting, active }: ServiceWorkerRegistration): Promise<void> {
  const worker = installing ?? waiting
  if (active || !worker || navigator.serviceWorker.controller) return
  await new Promise<void>(resolve => {
    worker.addEventListener('statechange', () => {
      if (worker.state === 'activated' || worker.state === 'redundant') resolve()
    })
  })
}

/** Lets the waiting version begin, and shows it. */
export function takeUpdate(): void {
  navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true })
  tell(registration?.waiting, { kind: 'take-over' })
}

export async function install(): Promise<void> {
  const prompt = installPrompt.value
  installPrompt.value = null
  await prompt?.prompt()
}

/** Asks the service worker in charge; null where there is none. */
export async function askOffline(question: ToOffline): Promise<FromOffline | null> {
  return ask(navigator.serviceWorker?.controller ?? null, question)
}

function follow(worker: ServiceWorker, entry: string): void {
  worker.addEventListener('statechange', () => {
    if (worker.state === 'installed' && registration?.active) void consider(worker, entry)
    else if (worker.state === 'activated' && hasLateFiles()) void fill(worker)
    else if (worker.state === 'activated') offlineState.value = 'ready'
    else if (worker.state === 'redundant' && offlineState.value === 'installing') offlineState.value = 'failed'
  })
}

/** A page that came from the server is the newest already: then the worker just follows. */
async function consider(waiting: ServiceWorker, entry: string): Promise<void> {
  const answer = await ask(waiting, { kind: 'has', url: entry })
  if (answer?.kind === 'has' && answer.has) tell(waiting, { kind: 'take-over' })
  else updateReady.value = true
}

function tell(worker: ServiceWorker | null | undefined, message: ToOffline): void {
  worker?.postMessage(message)
}

async function ask(worker: ServiceWorker | null, question: ToOffline): Promise<FromOffline | null> {
  if (!worker) return null
  const { port1, port2 } = new MessageChannel()
  return new Promise(resolve => {
    port1.onmessage = ({ data }: MessageEvent<FromOffline>) => {
      port1.close()
      resolve(data)
    }
    worker.postMessage(question, [port2])
  })
}
