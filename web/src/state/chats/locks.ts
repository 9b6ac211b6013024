/**
 * Which tab is writing in a chat: it holds a Web Lock until it is done, however it ends. Where the browser has no locks (a
 * page without https that is not on localhost) or refuses them (it keeps nothing for this page), every tab takes itself to be
 * alone.
 */
import { siteName } from '../../engine/names.ts'

const name = (chat: string) => siteName(`slm-playground.chat.${chat}`)

/** Waits for the chat's lock and keeps it until the returned function is called. */
export function hold(chat: string): { ready: Promise<void>; release: () => void } {
  const locks = navigator.locks as LockManager | undefined // not there in insecure contexts
  if (!locks) return { ready: Promise.resolve(), release: () => {} }
  const given = new AbortController()
  let release = () => given.abort()
  const ready = new Promise<void>(resolve => {
    const held = locks.request(name(chat), { signal: given.signal }, () => {
      resolve()
      return new Promise<void>(done => {
        release = done
      })
    })
    held.catch(() => {
      if (!given.signal.aborted) resolve() // refused, not given up before it came
    })
  })
  return { ready, release: () => release() }
}

/** Whether a tab is writing in the chat. */
export async function isHeld(chat: string): Promise<boolean> {
  const locks = navigator.locks as LockManager | undefined // not there in insecure contexts
  const state = await locks?.query().catch(() => null) // refused
  return state?.held?.some(lock => lock.name === name(chat)) ?? false
}

/** Resolves once nobody writes in the chat; rejects where the signal aborts. */
export async function whenFree(chat: string, signal: AbortSignal): Promise<void> {
  await navigator.locks.request(name(chat), { mode: 'shared', signal }, () => {})
}
