/**
 * `Worker`, also where its script lies on another origin than the page: browsers refuse that, but not a worker of the page's
 * own that imports the script, given CORS headers (`Access-Control-Allow-Origin`) and a policy that allows `blob:` workers.
 */

function open(script: URL, options: WorkerOptions): Worker {
  // A site in one HTML file has its code at a name that no network has, and a `Worker` that knows it.
  const isHere = script.origin === globalThis.origin || script.hostname.endsWith('.invalid')
  if (isHere) return new globalThis.Worker(script, options)
  const start = new Blob([`import ${JSON.stringify(script.href)}`], { type: 'text/javascript' })
  return new globalThis.Worker(URL.createObjectURL(start), options) // kept: the worker may read it at any later time
}

class Opener {
  constructor(script: URL, options: WorkerOptions) {
    // biome-ignore lint/correctness/noConstructorReturn: a Worker is all that `new` is to give
    return open(script, options)
  }
}

/**
 * Modules import this as `Worker`, because Vite builds a worker only where it reads `new Worker(new URL(…, import.meta.url))`.
 * What its constructor returns is a Worker, which TypeScript's classes do not say.
 */
export const AnyOriginWorker = Opener as unknown as new (script: URL, options: WorkerOptions) => Worker
