/** Which page is shown, as the address says: `#/chat`, `#/write/42`. Back and forward work, addresses can be shared. */
import { signal } from '@preact/signals'

export type PageName = 'chat' | 'compare' | 'write' | 'analyse' | 'models' | 'device'

export interface Route {
  page: PageName
  /** What follows the page's name: an id, or a page's own state; without the slash before it. */
  rest: string
}

const NAMES: ReadonlySet<string> = new Set<PageName>(['chat', 'compare', 'write', 'analyse', 'models', 'device'])

export const route = signal<Route>(parse(location.hash))

/** `#/write/42` → { page: 'write', rest: '42' }; what names no page is the chat. */
export function parse(hash: string): Route {
  const [, name = '', rest = ''] = /^#\/([a-z]+)(?:\/(.*))?$/s.exec(hash) ?? []
  return isPage(name) ? { page: name, rest } : { page: 'chat', rest: '' }
}

/** Address of a page, for a link. */
export function href(page: PageName, rest = ''): string {
  return `#/${page}${rest ? `/${rest}` : ''}`
}

/** Goes to a page; `replace` leaves no step for the back button. */
export function go(page: PageName, rest = '', { replace = false } = {}): void {
  const address = href(page, rest)
  if (replace) history.replaceState(null, '', address)
  else if (address !== location.hash) history.pushState(null, '', address)
  route.value = parse(address)
}

/** Follows the address: links, back, forward. */
export function followAddress(): () => void {
  const read = () => {
    route.value = parse(location.hash)
  }
  addEventListener('hashchange', read)
  addEventListener('popstate', read)
  return () => {
    removeEventListener('hashchange', read)
    removeEventListener('popstate', read)
  }
}

function isPage(name: string): name is PageName {
  return NAMES.has(name)
}
