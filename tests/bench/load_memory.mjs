/**
 * Peak JavaScript memory of the engine's worker while it loads a bundle, beside the size of the largest file, as JSON:
 *   node tests/bench/load_memory.mjs [--bundle .data/models/smollm2-135m-instruct] [--variant webgpu-q4f32] [--dist web/dist]
 * Heap and array buffers come from the worker's own Runtime.getHeapUsage, sampled whenever the worker is not busy, from
 * its start until the session is made; WASM memory is not in it. Needs `npm run build` and an exported bundle.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const { values: options } = parseArgs({
  options: {
    bundle: { type: 'string', default: '.data/models/smollm2-135m-instruct' },
    variant: { type: 'string', default: 'webgpu-q4f32' },
    dist: { type: 'string', default: 'web/dist' },
  },
})
const DIST = path.resolve(ROOT, options.dist)
const BUNDLE = path.resolve(ROOT, options.bundle)
const SYSTEM_CHROMIUM = '/usr/bin/chromium'
const CHROMIUM = process.env.CHROMIUM ?? (existsSync(SYSTEM_CHROMIUM) ? SYSTEM_CHROMIUM : undefined)
const TYPES = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' }

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost')
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
  response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
  if (pathname === '/')
    return response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>bench</title>')
  const file = pathname.startsWith('/bundle/') ? path.join(BUNDLE, pathname.slice(8)) : path.join(DIST, pathname)
  if (!existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end()
  response.setHeader('Content-Type', TYPES[path.extname(file)] ?? 'application/octet-stream')
  response.end(readFileSync(file))
})
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
const browser = await chromium.launch({
  ...(CHROMIUM ? { executablePath: CHROMIUM } : {}),
  args: [
    '--no-sandbox',
    '--disable-quic',
    '--no-first-run',
    '--enable-unsafe-webgpu',
    '--use-webgpu-adapter=swiftshader',
  ],
})
try {
  const context = await browser.newContext()
  const address = `http://127.0.0.1:${server.address().port}/`
  const cold = await load(await context.newPage(), address)
  const warm = await load(await context.newPage(), address) // the files are on its private disk now
  const { variants } = JSON.parse(readFileSync(path.join(BUNDLE, 'manifest.json'), 'utf8'))
  const sizes = variants.find(({ name }) => name === options.variant).files.map(file => file.size_bytes)
  console.log(JSON.stringify({ variant: options.variant, largest_file_bytes: Math.max(...sizes), cold, warm }, null, 2))
} finally {
  await browser.close()
  server.close()
}

/** Loads up to the first run of the model, or 30 s into the session: a GPU in software would take minutes over a run. */
async function load(page, address) {
  await page.goto(address)
  const session = await page.context().newCDPSession(page)
  const peak = { samples: 0, heap_bytes: 0, array_buffer_bytes: 0, sum_bytes: 0 }
  let worker = null
  session.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
    if (targetInfo.type !== 'worker' || worker) return
    worker = sessionId
    sample()
  })
  session.on('Target.receivedMessageFromTarget', ({ sessionId, message }) => {
    const { result } = JSON.parse(message)
    if (sessionId !== worker || !result) return
    peak.samples++
    peak.heap_bytes = Math.max(peak.heap_bytes, result.usedSize)
    peak.array_buffer_bytes = Math.max(peak.array_buffer_bytes, result.backingStorageSize)
    peak.sum_bytes = Math.max(peak.sum_bytes, result.usedSize + result.backingStorageSize)
    sample()
  })
  const sample = () => {
    const message = JSON.stringify({ id: 1, method: 'Runtime.getHeapUsage' })
    session.send('Target.sendMessageToTarget', { sessionId: worker, message }).catch(() => {}) // the worker has ended
  }
  await session.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false })
  const startedAt = Date.now()
  await page.evaluate(async variant => {
    const { createEngine } = await import('/slm.js')
    const stop = new AbortController()
    const device = variant.startsWith('webgpu') ? 'webgpu' : 'cpu'
    const onProgress = ({ phase }) => {
      if (phase === 'session') setTimeout(() => stop.abort(), 30_000)
      if (phase === 'self-test') stop.abort()
    }
    await createEngine({ bundle: '/bundle/', device, backend: 'ort', variant, signal: stop.signal, onProgress }).catch(
      error => {
        if (error.name !== 'AbortError') throw error
      },
    )
  }, options.variant)
  const ms = Date.now() - startedAt
  await page.close()
  return { ms, ...peak }
}
