/**
 * Names of what the browser keeps for an origin: databases, private files, caches, channels, locks. Two sites of one origin
 * (GitHub Pages, a Space's folders) must not meet there, so a site below a path has its path in every name.
 */

/** Path of the folder that this build lies in: `/` or `/sub/path/`. Scripts lie there or in its `assets/`. */
export function pathOf(script: string): string {
  return new URL(script).pathname.replace(/(?:assets\/)?[^/]*$/, '') || '/'
}

/** `name` at `/`, a name of its own for every other folder. */
export function nameAt(path: string, name: string): string {
  return path === '/' ? name : `${name}@${encodeURIComponent(path)}`
}

/** Where this code lies; the development server has its sources at the root, whatever their path. */
const SITE_PATH = import.meta.env.DEV ? '/' : pathOf(import.meta.url)

/** The name under which this site keeps something: whoever opens a database, a file, a channel or a lock asks for it here. */
export function siteName(name: string): string {
  return nameAt(SITE_PATH, name)
}

/** Of the worker that keeps files: its script is the engine's too (worker.ts). */
export const KEEPER_NAME = 'slm-keeper'
