/** What the service worker decides without doing anything: which requests are its own, which headers a page needs. Pure. */

/** A file of the page: its path below the page's address, and SHA-256 as `integrity` takes it. */
export interface Listed {
  path: string
  integrity: string
}

/** `index.html sha256-…|assets/main-….js sha256-…`, as the build writes it. */
export function parseList(text: string): Listed[] {
  return text.split('|').flatMap(line => {
    const [path = '', integrity = ''] = line.split(' ')
    return integrity ? [{ path, integrity }] : []
  })
}

/** A name for this version: another list, another name. */
export function keyOf(files: readonly Listed[]): string {
  let hash = 0
  for (const { path, integrity } of files) {
    for (const character of `${path} ${integrity}\n`) hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) | 0
  }
  return (hash >>> 0).toString(16)
}

/** How a site wants to be isolated; the playground as `headers`: its server's, and these added where a copy has none. */
export type Isolation = 'headers' | 'worker' | 'none'

/** What the page wrote behind `sw.js?isolation=`. */
export function isolationOf(script: string): Isolation {
  const wish = new URL(script).searchParams.get('isolation')
  return wish === 'worker' || wish === 'none' ? wish : 'headers'
}

/** The page itself, under both its names. */
export function isIndex(url: string, scope: string): boolean {
  const asked = url.split(/[?#]/)[0]
  return asked === scope || asked === `${scope}index.html`
}

/** A page beside it (`embed.html`), not one in a folder: that may be another site. */
export function isNeighbour(url: string, scope: string): boolean {
  const asked = url.split(/[?#]/)[0] ?? ''
  return asked.startsWith(scope) && /^[^/]+\.html$/.test(asked.slice(scope.length))
}

/** True for what the list has; false for other origins, `/api/`, models, and everything that nobody listed. */
export function isOurs(url: string, scope: string, files: readonly Listed[]): boolean {
  const asked = url.split(/[?#]/)[0] ?? ''
  if (!asked.startsWith(scope)) return false
  const path = decodeURIComponent(asked.slice(scope.length))
  return files.some(listed => listed.path === path)
}

/** Threads need a page that is isolated: a static host that cannot send the headers gets them added here. */
export function withIsolation(response: Response): Response {
  if (response.redirected || response.headers.has('Cross-Origin-Embedder-Policy')) return response
  const headers = new Headers(response.headers)
  headers.set('Cross-Origin-Opener-Policy', 'same-origin')
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp')
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers })
}
