/**
 * Speed of the CPU backend's kernels in Chromium on this machine, beside its memory bandwidth in the same run:
 *   node tests/bench/kernels.mjs [--threads 1,2] [--build simd128|relaxed] [--rounds 5] [--json out.json]
 * Products are in GMAC/s (10^9 multiply-adds a second); GB/s count the bytes of weights that a product reads once.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import asc from 'assemblyscript/asc'
import { chromium } from 'playwright'
import { createServer } from 'vite'

const { values: options } = parseArgs({
  options: {
    threads: { type: 'string', default: '1,2' },
    build: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
  },
})
const SUM = `export function sum(from: usize, bytes: usize): i32 {
  let a = i32x4.splat(0)
  let b = a
  let c = a
  let d = a
  for (let at: usize = from; at < from + bytes; at += 64) {
    a = i32x4.add(a, v128.load(at))
    b = i32x4.add(b, v128.load(at, 16))
    c = i32x4.add(c, v128.load(at, 32))
    d = i32x4.add(d, v128.load(at, 48))
  }
  return i32x4.extract_lane(i32x4.add(i32x4.add(a, b), i32x4.add(c, d)), 0)
}`
const { binary } = await asc.compileString(SUM, {
  ...{ optimizeLevel: 3, runtime: 'stub', enable: ['simd'], initialMemory: 4100 },
})
const SYSTEM_CHROMIUM = '/usr/bin/chromium'
const CHROMIUM = process.env.CHROMIUM ?? (existsSync(SYSTEM_CHROMIUM) ? SYSTEM_CHROMIUM : undefined)
const server = await createServer({
  configFile: fileURLToPath(new URL('../../web/vite.config.ts', import.meta.url)),
  server: { host: '127.0.0.1', port: 0, fs: { allow: [fileURLToPath(new URL('../..', import.meta.url))] } },
  optimizeDeps: { noDiscovery: true },
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
  const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }
  const html = '<!doctype html><title>bench</title>' // without the development server's client, which reloads pages
  await page.route('**/bench.html', route => route.fulfill({ contentType: 'text/html', headers, body: html }))
  await page.goto(`http://127.0.0.1:${port}/bench.html`)
  const worker = `/@fs${fileURLToPath(new URL('kernels-worker.ts', import.meta.url))}`
  const all = []
  for (const threads of options.threads.split(',').map(Number)) {
    const settings = { threads, rounds: Number(options.rounds), only: options.only, build: options.build }
    const sumModule = Array.from(binary)
    const lines = await page.evaluate(
      ([url, message]) =>
        new Promise((resolve, reject) => {
          const worker = new Worker(url, { type: 'module' })
          worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data))
          worker.onerror = event => reject(new Error(event.message || 'The worker did not start.'))
          worker.postMessage({ ...message, sumModule: Uint8Array.from(message.sumModule) })
        }),
      [worker, { ...settings, sumModule }],
    )
    console.log(`\n${lines.build}, ${lines.threads} thread(s); memory read at ${lines.memoryGbPerS.toFixed(1)} GB/s`)
    console.table(lines.results)
    all.push(lines)
  }
  if (options.json) writeFileSync(options.json, `${JSON.stringify(all, null, 1)}\n`)
} finally {
  await browser.close()
  await server.close()
}
