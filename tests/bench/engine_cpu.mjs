/**
 * Speed of the built engine in Chromium on this machine's CPU, as JSON on stdout:
 *   node tests/bench/engine_cpu.mjs [--bundle .data/models/smollm2-135m-instruct] [--threads N] [--rounds 3] [--context 1024]
 * Needs `npm run build` and an exported bundle. Figures are medians with [least, most]; times ms, speeds tokens/s.
 */
import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const { values: options } = parseArgs({
  options: {
    bundle: { type: 'string', default: '.data/models/smollm2-135m-instruct' },
    threads: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    context: { type: 'string', default: '1024' },
  },
})
const DIST = path.join(ROOT, 'web', 'dist')
const BUNDLE = path.resolve(ROOT, options.bundle)
const SYSTEM_CHROMIUM = '/usr/bin/chromium'
const CHROMIUM = process.env.CHROMIUM ?? (existsSync(SYSTEM_CHROMIUM) ? SYSTEM_CHROMIUM : undefined)

for (const [file, advice] of [
  [path.join(DIST, 'slm.js'), 'Run `npm run build` first.'],
  [path.join(BUNDLE, 'manifest.json'), 'Export the bundle first (`make run`), or name one with --bundle.'],
]) {
  if (existsSync(file)) continue
  console.error(`${path.relative(ROOT, file)} is missing. ${advice}`)
  process.exit(1)
}

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' }
const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost')
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
  response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
  response.setHeader('Cache-Control', 'max-age=3600')
  if (pathname === '/') return response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>bench</title>')
  const file = pathname.startsWith('/bundle/') ? path.join(BUNDLE, pathname.slice(8)) : path.join(DIST, pathname)
  if (!existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end()
  response.setHeader('Content-Type', TYPES[path.extname(file)] ?? 'application/octet-stream')
  response.setHeader('Content-Length', statSync(file).size)
  createReadStream(file).pipe(response)
})
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
const browser = await chromium.launch({
  ...(CHROMIUM ? { executablePath: CHROMIUM } : {}),
  args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking'],
})
try {
  const page = await browser.newPage()
  page.on('pageerror', error => console.error(String(error)))
  await page.goto(`http://127.0.0.1:${server.address().port}/`)
  const settings = {
    threads: options.threads ? Number(options.threads) : undefined,
    rounds: Number(options.rounds),
    context: Number(options.context),
  }
  const figures = await page.evaluate(measure, settings)
  const machine = { cpu: os.cpus()[0]?.model, cores: os.cpus().length, load: os.loadavg()[0], browser: browser.version() }
  console.log(JSON.stringify({ machine, ...figures }, null, 2))
} finally {
  await browser.close()
  server.close()
}

/** Runs in the page. */
async function measure({ threads, rounds, context }) {
  const { createEngine } = await import('/slm.js')
  const load = async () => {
    const started = performance.now()
    const phases = {}
    const onProgress = ({ phase, elapsedMs }) => {
      phases[phase] ??= Math.round(elapsedMs)
    }
    const engine = await createEngine({ bundle: '/bundle/', device: 'cpu', ...(threads ? { threads } : {}), onProgress })
    return { engine, ms: Math.round(performance.now() - started), phases }
  }
  const cold = await load()
  await cold.engine.dispose()
  const warm = await load()
  const { engine } = warm

  let salt = 0
  /** A prompt of exactly `tokens` tokens that shares no beginning with an earlier one: one letter, then short words. */
  const promptOf = async tokens => {
    const letter = String.fromCharCode(65 + (salt++ % 26))
    let words = tokens
    for (;;) {
      const prompt = letter + ' the'.repeat(words)
      await engine.completions.create({ prompt: `0${letter}`, max_tokens: 1 }) // empties the cache
      const { usage } = await engine.completions.create({ prompt: letter + ' the'.repeat(8), max_tokens: 1 })
      words = tokens - (usage.prompt_tokens - 8)
      if (prompt === letter + ' the'.repeat(words)) {
        await engine.completions.create({ prompt: `1${letter}`, max_tokens: 1 })
        return prompt
      }
    }
  }
  const summary = numbers => {
    const sorted = [...numbers].sort((a, b) => a - b)
    const round = number => Math.round(number * 10) / 10
    return { median: round(sorted[Math.floor(sorted.length / 2)]), range: [round(sorted[0]), round(sorted.at(-1))] }
  }
  const run = async (tokens, max_tokens) => {
    const prompt = await promptOf(tokens)
    const { usage } = await engine.completions.create({ prompt, max_tokens, temperature: 0 })
    const stats = engine.stats()
    if (usage.prompt_tokens !== tokens || stats.cachedTokens > 1) throw new Error(`bad prompt: ${JSON.stringify(stats)}`)
    return { ...stats, prefillPerSecond: ((tokens - stats.cachedTokens) / stats.prefillMs) * 1000 }
  }
  const series = async (tokens, max_tokens) => {
    const runs = []
    for (let round = 0; round < rounds; round++) runs.push(await run(tokens, max_tokens))
    return {
      prefill_tokens_per_second: summary(runs.map(({ prefillPerSecond }) => prefillPerSecond)),
      time_to_first_token_ms: summary(runs.map(({ timeToFirstTokenMs }) => timeToFirstTokenMs)),
      decode_tokens_per_second: summary(runs.map(({ tokensPerSecond }) => tokensPerSecond)),
    }
  }
  return {
    engine: { backend: engine.info.backend, variant: engine.info.variant, threads: engine.info.threads },
    download_bytes: engine.info.downloadBytes,
    load_cold: { ms: cold.ms, phase_started_at_ms: cold.phases },
    load_warm: { ms: warm.ms, phase_started_at_ms: warm.phases },
    self_test: engine.info.selfTest,
    prompt_42: await series(42, 48),
    prompt_256: await series(256, 32),
    ...(context > 0 ? { [`context_${context}`]: await series(context, 24) } : {}),
  }
}
