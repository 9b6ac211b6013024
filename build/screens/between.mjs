/** Stands between a browser and a server, to make states that a server on this machine does not come to by itself. */
import { createHash } from 'node:crypto'
import { createServer, request } from 'node:http'
import { PassThrough, Transform } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'

const NEWER = 'index-Newer000.js'

/**
 * Passes everything on. `bytesPerSecond`: so fast each file of weights goes along. `release()`: from then on the page is a
 * newer version, whose main script has another name.
 */
export async function between(target) {
  const { hostname, port, host, origin } = new URL(target)
  const way = { url: '', bytesPerSecond: Infinity, release, close: () => {} }
  const released = new Map()
  let mainScript = ''
  const server = createServer((asked, answer) => {
    const body = released.get(asked.url)
    const path = asked.url.replace(NEWER, mainScript)
    const headers = {
      ...asked.headers,
      host,
      ...(asked.headers.origin ? { origin } : {}),
      'accept-encoding': 'identity',
    }
    if (body !== undefined) delete headers['if-none-match']
    const passed = request({ hostname, port, path, method: asked.method, headers }, found => {
      if (body !== undefined) {
        const { 'content-length': _length, etag: _etag, ...rest } = found.headers
        found.resume()
        answer.writeHead(200, rest).end(body)
        return
      }
      answer.writeHead(found.statusCode, found.headers)
      const isSlow = asked.url.endsWith('.data') && way.bytesPerSecond < Infinity
      found.pipe(isSlow ? slowed(way) : new PassThrough()).pipe(answer)
    })
    passed.on('error', () => answer.destroy())
    asked.pipe(passed)
    answer.on('close', () => passed.destroy())
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  way.url = `http://127.0.0.1:${server.address().port}/`
  way.close = () => {
    server.close()
    server.closeAllConnections()
  }
  return way

  async function release() {
    const [page, worker] = await Promise.all(['', 'sw.js'].map(async path => (await fetch(target + path)).text()))
    const [script] = /index-[\w-]+\.js/.exec(page)
    const newer = page.replaceAll(script, NEWER)
    mainScript = script
    for (const path of ['/', '/index.html']) released.set(path, newer)
    released.set('/sw.js', worker.replaceAll(script, NEWER).replaceAll(integrity(page), integrity(newer)))
  }
}

function integrity(content) {
  return `sha256-${createHash('sha256').update(content).digest('base64')}`
}

function slowed(way) {
  return new Transform({
    highWaterMark: 1 << 16,
    async transform(chunk, _, done) {
      if (way.bytesPerSecond < Infinity) await pause((chunk.length / way.bytesPerSecond) * 1000)
      done(null, chunk)
    },
  })
}
