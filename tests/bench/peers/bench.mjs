/**
 * Us and the peers, side by side in Chromium: the same model, the same prompts, greedy decoding, one after the other.
 *   node tests/bench/peers/bench.mjs [--device cpu|webgpu] [--engines slm,wllama-q8,…] [--rounds 3] [--threads N]
 *     [--limit SECONDS] [--json FILE] [--software] [--other DIST]
 * Writes the figures as JSON, and as a picture beside it (.svg). `--software`: WebGPU without a GPU, to try the way.
 * `--other`: another build of ours, so that a change is measured beside what was: the engines `other` and `other-ort`.
 * `make bench` makes what it needs (peers.json and the peers' models, our bundle, web/dist). Every engine gets a browser of
 * its own, with a profile that it keeps from round to round: the first load is cold, the others warm. Times are taken
 * outside of the engines: time to first token from the call to the first token that comes, prefill speed = prompt tokens
 * ÷ that time, decode speed over the tokens after the first. Figures: median (least–most) over the rounds. An engine that
 * takes longer than the limit in a round has no figures for it (some spin for ever where other programs use the cores).
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright'
import { ENGINES, USUAL } from './engines.mjs'
import { findProcess, watchMemory } from './memory.mjs'
import { plot } from './plot.mjs'
import { serve } from './serve.mjs'
import { summarise, table } from './table.mjs'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const ROOT = path.resolve(HERE, '../../..')
const ANSWER_TOKENS = 33
const { values: options } = parseArgs({
  options: {
    device: { type: 'string', default: 'cpu' },
    engines: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    limit: { type: 'string', default: '300' },
    threads: { type: 'string', default: String(Math.min(4, os.cpus().length)) },
    bundle: { type: 'string', default: '.data/models/smollm2-135m-instruct' },
    peers: { type: 'string', default: '.data/bench/peers' },
    json: { type: 'string', default: '.data/bench/bench.json' },
    software: { type: 'boolean', default: false },
    other: { type: 'string' },
  },
})
const folders = {
  '/': path.join(ROOT, 'web', 'dist'),
  '/bundle/': path.resolve(ROOT, options.bundle),
  '/peers/': path.resolve(ROOT, options.peers),
  '/modules/': path.join(HERE, 'node_modules'),
  '/bench/': HERE,
  ...(options.other ? { '/other/': path.resolve(ROOT, options.other) } : {}),
}
for (const [file, advice] of [
  [path.join(folders['/'], 'slm.js'), 'Run `npm run build`.'],
  [path.join(folders['/bundle/'], 'manifest.json'), 'Export the bundle (`make run`), or name one with --bundle.'],
  [path.join(folders['/peers/'], 'peers.json'), 'Run tests/bench/peers/make_models.py, or `make bench`.'],
  [path.join(folders['/modules/'], '@wllama'), 'Run `npm ci` in tests/bench/peers, or `make bench`.'],
]) {
  if (existsSync(file)) continue
  console.error(`${path.relative(ROOT, file)} is missing. ${advice}`)
  process.exit(1)
}
const { prompts, peers } = JSON.parse(readFileSync(path.join(folders['/peers/'], 'peers.json'), 'utf8'))
const manifest = JSON.parse(readFileSync(path.join(folders['/bundle/'], 'manifest.json'), 'utf8'))
const engines = options.engines?.split(',') ?? USUAL[options.device]
for (const engine of engines) {
  if (!(engine in ENGINES)) throw new Error(`There is no engine ${engine}.`)
  if (engine.startsWith('other') && !options.other) throw new Error(`${engine}: name its build with --other.`)
}

const ARGS = ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-sync']
// On Linux a browser without a screen has WebGPU through Vulkan only, and Vulkan only where no surface is asked for.
const GPU_ARGS = options.software
  ? ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']
  : [
      ...['--enable-unsafe-webgpu', '--ignore-gpu-blocklist', '--disable-vulkan-surface'],
      ...(process.platform === 'linux' ? ['--use-angle=vulkan', '--enable-features=Vulkan'] : []),
    ]
const SYSTEM_CHROMIUM = '/usr/bin/chromium'
const CHROMIUM = process.env.CHROMIUM ?? (existsSync(SYSTEM_CHROMIUM) ? SYSTEM_CHROMIUM : undefined)

const server = await serve(folders)
const profiles = new Map(engines.map(engine => [engine, mkdtempSync(path.join(os.tmpdir(), 'slm-bench-'))]))
const runs = []
const failures = []
let browserVersion = ''
try {
  for (let round = 0; round < Number(options.rounds); round++) {
    // Another order each round: what comes first meets a cooler, quieter machine.
    const order = [...engines.slice(round % engines.length), ...engines.slice(0, round % engines.length)]
    for (const engine of order) {
      process.stderr.write(`round ${round + 1} of ${options.rounds}: ${engine}\n`)
      try {
        runs.push({ engine, round, ...(await measureEngine(engine, round)) })
      } catch (error) {
        process.stderr.write(`${engine}: ${error}\n`)
        failures.push({ engine, round, message: String(error) })
      }
    }
  }
} finally {
  server.close()
  for (const folder of profiles.values()) rmSync(folder, { recursive: true, force: true })
}
const machine = { cpu: os.cpus()[0]?.model, cores: os.cpus().length, load: os.loadavg()[0], browser: browserVersion }
const fidelity = { ours: manifest.variants, peers }
const report = {
  model: manifest.name,
  machine,
  device: options.device,
  threads: Number(options.threads),
  fidelity,
  engines: summarise(runs),
  failures,
  runs,
}
mkdirSync(path.dirname(path.resolve(ROOT, options.json)), { recursive: true })
writeFileSync(path.resolve(ROOT, options.json), `${JSON.stringify(report, null, 2)}\n`)
writeFileSync(path.resolve(ROOT, options.json.replace(/(\.json)?$/, '.svg')), plot(report))
console.log(table(report))

async function measureEngine(engine, round) {
  const context = await chromium.launchPersistentContext(profiles.get(engine), {
    ...(CHROMIUM ? { executablePath: CHROMIUM } : {}),
    args: [...ARGS, ...(options.device === 'webgpu' ? GPU_ARGS : [])],
  })
  try {
    browserVersion = context.browser()?.version() ?? ''
    const page = await context.newPage()
    page.on('pageerror', error => process.stderr.write(`${engine}: ${error}\n`))
    await page.goto(server.url)
    const before = server.sentBytes()
    const memory = watchMemory(findProcess(`--user-data-dir=${profiles.get(engine)}`))
    const settings = {
      engine,
      threads: Number(options.threads),
      device: options.device,
      answerTokens: ANSWER_TOKENS,
      prompts: Object.fromEntries(
        Object.entries(prompts).map(([length, texts]) => [length, texts[round % texts.length]]),
      ),
    }
    const measured = await within(Number(options.limit), page.evaluate(measure, settings))
    return { ...measured, peakMemoryBytes: memory.stop(), sentBytes: server.sentBytes() - before }
  } finally {
    await context.close()
  }
}

function within(seconds, work) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took longer than ${seconds} s`)), seconds * 1000)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** Runs in the page. */
async function measure({ engine, threads, device, answerTokens, prompts }) {
  const { ENGINES } = await import('/bench/engines.mjs')
  const started = performance.now()
  const loaded = await ENGINES[engine].load({ threads, device })
  const loadMs = performance.now() - started
  const speeds = {}
  for (const [length, prompt] of Object.entries(prompts)) {
    const called = performance.now()
    const { times, promptTokens, outputTokens } = await loaded.run(prompt, answerTokens)
    if (times.length < 2) throw new Error(`${engine} answered ${length} tokens with ${times.length} tokens`)
    const firstTokenMs = times[0] - called
    speeds[length] = {
      promptTokens,
      outputTokens,
      firstTokenMs,
      prefillTokensPerSecond: ((promptTokens ?? Number(length)) / firstTokenMs) * 1000,
      decodeTokensPerSecond: ((outputTokens - 1) / (times.at(-1) - times[0])) * 1000,
    }
  }
  const { describe } = loaded
  await loaded.dispose()
  return { describe, loadMs, speeds }
}
