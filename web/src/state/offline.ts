/** The service worker as the page sees it: installed, a newer version waiting, taking over. */
import { signal } from '@preact/signals'
import type { FromOffline, ToOffline } from '../offline/words.ts'

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

/** @param entry address of the page's main script: tells whether a waiting version is the page's own */
export async function startOffline(entry: string): Promise<void> {
  addEventListener('beforeinstallprompt', event => {
    event.preventDefault()
    installPrompt.value = event as InstallPrompt
  })
  if (import.meta.env.DEV || !navigator.serviceWorker) return
  try {
    registration = await navigator.serviceWorker.register('./sw.js', { updateViaCache: 'none' })
  } catch {
    offlineState.value = 'failed'
    return
  }
  offlineState.value = registration.active ? 'ready' : 'installing'
  if (registration.waiting) void consider(registration.waiting, entry)
  if (registration.installing) follow(registration.installing, entry)
  registration.addEventListener('updatefound', () => {
    if (registration?.installing) follow(registration.installing, entry)
  })
  setInterval(() => void registration?.update().catch(() => {}), LOOK_AGAIN_MS) // without a network it stays as it is
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
