/** A static server for the benchmark: cross-origin isolated (threads), cached (so that a second load is a warm one). */
import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import path from 'node:path'

const TYPES = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
}

/**
 * `roots`: URL prefix → folder, the longest that fits counts. Resolves with the address and what was sent so far.
 * @returns {Promise<{ url: string, sentBytes: () => number, close: () => void }>}
 */
export async function serve(roots) {
  let sentBytes = 0
  const prefixes = Object.keys(roots).sort((a, b) => b.length - a.length)
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
    response.setHeader('Cache-Control', 'max-age=3600')
    if (pathname === '/')
      return response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>bench</title>')
    const prefix = prefixes.find(candidate => pathname.startsWith(candidate))
    const file = prefix && path.join(roots[prefix], decodeURIComponent(pathname.slice(prefix.length)))
    if (!file || !existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end()
    const { size } = statSync(file)
    response.setHeader('Content-Type', TYPES[path.extname(file)] ?? 'application/octet-stream')
    response.setHeader('Accept-Ranges', 'bytes')
    response.setHeader('ETag', `"${size}-${statSync(file).mtimeMs}"`)
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
    const [start, end] = range ? [Number(range[1]), range[2] ? Number(range[2]) : size - 1] : [0, size - 1]
    if (range) response.setHeader('Content-Range', `bytes ${start}-${end}/${size}`)
    response.setHeader('Content-Length', end - start + 1)
    response.writeHead(range ? 206 : 200)
    if (request.method === 'HEAD') return response.end()
    sentBytes += end - start + 1
    createReadStream(file, { start, end }).pipe(response)
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    sentBytes: () => sentBytes,
    close: () => server.close(),
  }
}
