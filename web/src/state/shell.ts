/** The desktop app around the page, as its server tells with the models. In a browser's tab there is none. */
import { computed, effect, signal } from '@preact/signals'
import type { ServerSentence } from '../text/en/server.ts'
import { modelList } from './models.ts'
import { write } from './server.ts'
import { settings } from './settings.ts'

export type ShellNotice =
  | { code: 'window-failed'; detail: string }
  /** With the server's sentence, which stays `detail` where its kind is null. */
  | { code: 'not-opened'; detail: string; kind: string | null; facts: ServerSentence['facts'] }

export interface ShellFacts {
  /** Null while there is no window. */
  name: 'native' | 'chrome-app' | 'browser' | 'none' | null
  /** There is a browser of Chrome's family on this machine. */
  can_use_chrome: boolean
  notice: ShellNotice | null
  /** Of the tray icon's menu, null without one. */
  icon_language: string | null
}

const facts = computed(() => modelList.value?.shell ?? null)

export const shellNotice = computed(() => facts.value?.notice ?? null)

/** The window is a web view, which may lack the GPU that Chrome on this machine can use. */
export const offersChrome = computed(() => facts.value?.name === 'native' && facts.value.can_use_chrome)

/**
 * The same page in a window of Chrome, which takes the place of this one.
 * @throws ServerError, TypeError
 */
export async function openInChrome(): Promise<void> {
  await write('POST', 'desktop/chrome')
}

const isInApp = computed(() => facts.value !== null)
const theme = computed(() => settings.value.theme)

/** The app's next window has the page's colour before the page is there. */
export function tellLook(): () => void {
  const isDark = matchMedia('(prefers-color-scheme: dark)')
  const system = signal(isDark.matches)
  const follow = () => {
    system.value = isDark.matches
  }
  isDark.addEventListener('change', follow)
  const end = effect(() => {
    const look = { theme: theme.value, system: system.value ? 'dark' : 'light' }
    // Untold, that window begins in the colour of the one before.
    if (isInApp.value) write('POST', 'desktop/look', look).catch(() => {})
  })
  return () => {
    isDark.removeEventListener('change', follow)
    end()
  }
}

/** A window of the app has no tabs: links to elsewhere open in the user's own browser. */
export function followOutside(): () => void {
  const open = (event: MouseEvent) => {
    const name = facts.peek()?.name
    const link = event.target instanceof Element ? event.target.closest('a') : null
    const isLeft = event.type === 'click' && event.button === 0
    if (!link || event.defaultPrevented || (name !== 'native' && name !== 'chrome-app')) return
    if (!(isLeft || event.button === 1) || link.hasAttribute('download') || !isOutside(link)) return
    event.preventDefault()
    void write('POST', 'desktop/link', { url: link.href })
  }
  addEventListener('click', open)
  addEventListener('auxclick', open)
  return () => {
    removeEventListener('click', open)
    removeEventListener('auxclick', open)
  }
}

/** A file that is dropped where nothing takes it would take the page's place, and a window of the app has no way back. */
export function refuseStrayFiles(): () => void {
  const refuse = (event: DragEvent) => {
    const isTaken = event.defaultPrevented || (event.target instanceof HTMLInputElement && event.target.type === 'file')
    if (isTaken || !event.dataTransfer?.types.includes('Files')) return
    event.preventDefault()
    event.dataTransfer.dropEffect = 'none'
  }
  addEventListener('dragover', refuse)
  addEventListener('drop', refuse)
  return () => {
    removeEventListener('dragover', refuse)
    removeEventListener('drop', refuse)
  }
}

function isOutside({ protocol, origin }: HTMLAnchorElement): boolean {
  return protocol === 'mailto:' || (/^https?:$/.test(protocol) && origin !== location.origin)
}
