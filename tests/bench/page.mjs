/** An isolated page of Chromium that can import the web sources and a bundle at /bundle/, for the programs beside this one. */
import { createReadStream, existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright'
import { createServer } from 'vite'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SYSTEM_CHROMIUM = '/usr/bin/chromium'
const CHROMIUM = process.env.CHROMIUM ?? (existsSync(SYSTEM_CHROMIUM) ? SYSTEM_CHROMIUM : undefined)
const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
}
const PACKAGES = [
  '@huggingface/jinja',
  '@huggingface/tokenizers',
  'valibot',
  'hash-wasm',
  'onnxruntime-web > onnxruntime-common',
]

/** `source('tasks/chat.ts')` is what `import()` takes in the page. Call `close` in the end. */
export async function openPage(bundle) {
  const folder = path.resolve(ROOT, bundle)
  const server = await createServer({
    configFile: path.join(ROOT, 'web', 'vite.config.ts'),
    server: { host: '127.0.0.1', port: 0, fs: { allow: [ROOT] }, headers: HEADERS, watch: null, hmr: false },
    optimizeDeps: { include: PACKAGES, noDiscovery: true },
    logLevel: 'error',
  })
  await server.listen()
  server.middlewares.stack.unshift({ route: '/bundle', handle: answer })
  const browser = await chromium.launch({
    ...(CHROMIUM ? { executablePath: CHROMIUM } : {}),
    args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  })
  const page = await browser.newPage()
  page.on('pageerror', error => console.error(String(error)))
  const body = '<!doctype html><title>bench</title>' // without the development server's client, which reloads pages
  await page.route('**/bench.html', route => route.fulfill({ contentType: 'text/html', headers: HEADERS, body }))
  await page.goto(`http://127.0.0.1:${server.httpServer.address().port}/bench.html`)

  function answer(request, response) {
    const file = path.join(folder, decodeURIComponent(new URL(request.url, 'http://localhost').pathname))
    if (!existsSync(file)) return response.writeHead(404).end()
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
    createReadStream(file).pipe(response)
  }

  return {
    page,
    source: name => `/@fs${path.join(ROOT, 'web/src', name)}`,
    async close() {
      await browser.close()
      await server.close()
    },
  }
}
