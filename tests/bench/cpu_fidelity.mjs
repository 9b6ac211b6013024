/**
 * Are the CPU kernels the model? A bundle's cpu-int8 variant in Chromium against float PyTorch on the same text:
 *   node tests/bench/cpu_fidelity.mjs --bundle FOLDER [--source smollm2-135m-instruct] [--original FILE] [--threads 2]
 *                                     [--tokens 6144] [--json out.json]
 * PyTorch's pass (tests/bench/cpu_fidelity.py, in .venv) goes to --original where that is not there yet. Prints tokens
 * compared, perplexity ratio and top-1 agreement, and whether a window token by token gives the same logits to the bit.
 */
import { spawnSync } from 'node:child_process'
import { createReadStream, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright'
import { createServer } from 'vite'

const { values: options } = parseArgs({
  options: {
    bundle: { type: 'string', default: '.data/models/smollm2-135m-instruct' },
    source: { type: 'string', default: 'smollm2-135m-instruct' },
    original: { type: 'string' },
    threads: { type: 'string', default: '2' },
    tokens: { type: 'string', default: '6144' },
    json: { type: 'string' },
  },
})
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const BUNDLE = path.resolve(ROOT, options.bundle)
const SYSTEM_CHROMIUM = '/usr/bin/chromium'
const CHROMIUM = process.env.CHROMIUM ?? (existsSync(SYSTEM_CHROMIUM) ? SYSTEM_CHROMIUM : undefined)

const original = options.original ?? path.join(mkdtempSync(path.join(os.tmpdir(), 'fidelity-')), 'original.json')
if (!existsSync(original)) {
  const script = fileURLToPath(new URL('cpu_fidelity.py', import.meta.url))
  const command = [script, options.source, original, '--tokens', options.tokens]
  const { status } = spawnSync(path.join(ROOT, '.venv', 'bin', 'python'), command, { stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}
const { windows } = JSON.parse(readFileSync(original, 'utf8'))

const server = await createServer({
  configFile: path.join(ROOT, 'web', 'vite.config.ts'),
  server: { host: '127.0.0.1', port: 0, fs: { allow: [ROOT] } },
  optimizeDeps: { include: ['valibot'], noDiscovery: true },
  logLevel: 'error',
})
await server.listen()
const browser = await chromium.launch({
  ...(CHROMIUM ? { executablePath: CHROMIUM } : {}),
  args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking'],
})
try {
  const page = await browser.newPage()
  page.on('pageerror', error => console.error(String(error)))
  const { port } = server.httpServer.address()
  server.middlewares.stack.unshift({ route: '/bundle', handle: serveBundle })
  const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }
  const html = '<!doctype html><title>bench</title>' // without the development server's client, which reloads pages
  await page.route('**/bench.html', route => route.fulfill({ contentType: 'text/html', headers, body: html }))
  await page.goto(`http://127.0.0.1:${port}/bench.html`)
  const worker = `/@fs${fileURLToPath(new URL('cpu_fidelity-worker.ts', import.meta.url))}`
  const found = await page.evaluate(
    ([url, message]) =>
      new Promise((resolve, reject) => {
        const worker = new Worker(url, { type: 'module' })
        worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data))
        worker.onerror = event => reject(new Error(event.message || 'The worker did not start.'))
        worker.postMessage(message)
      }),
    [worker, { bundleUrl: `http://127.0.0.1:${port}/bundle/`, threads: Number(options.threads), windows }],
  )
  console.log(JSON.stringify(found, null, 2))
  if (options.json) writeFileSync(options.json, `${JSON.stringify(found, null, 2)}\n`)
} finally {
  await browser.close()
  await server.close()
}

function serveBundle(request, response) {
  const file = path.join(BUNDLE, decodeURIComponent(new URL(request.url, 'http://localhost').pathname))
  if (!existsSync(file)) return response.writeHead(404).end()
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin')
  createReadStream(file).pipe(response)
}
