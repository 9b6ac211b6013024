/** While a page is looked at, whoever syncs for this browser is asked now and then to see what is new on the server. */
import { siteName } from '../../engine/names.ts'

export const SYNC_CHANNEL = siteName('slm-playground.sync')
const EVERY_MS = 4000

export function startTicker(): () => void {
  const channel = new BroadcastChannel(SYNC_CHANNEL)
  const tick = () => {
    if (document.visibilityState === 'visible') channel.postMessage('look')
  }
  const timer = setInterval(tick, EVERY_MS)
  document.addEventListener('visibilitychange', tick)
  return () => {
    clearInterval(timer)
    document.removeEventListener('visibilitychange', tick)
    channel.close()
  }
}
