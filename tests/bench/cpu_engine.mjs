/**
 * The whole engine on its own CPU kernels, in Chromium: reading and writing speed, what share of the device's limits that
 * is, and memory; several builds of the page and numbers of threads in turns, beside programs that keep the cores busy:
 *   node tests/bench/cpu_engine.mjs [--dist web/dist,/elsewhere/dist] [--threads 1,2] [--busy 0] [--rounds 3]
 *                                   [--lengths 42,256,1024] [--bundle DIR] [--json FILE]
 * Speeds are tokens/s, median (least–most). `memory` and `products` are what the same threads read and multiply at most,
 * measured between the runs; shares are of their medians. Memory is the proportional set size of all processes of the
 * browser, less what it was before the engine came, as a multiple of the weights' bytes: once with the model loaded from
 * the browser's disk, once, without the cache's bytes, behind the longest prompt. Needs `npm run build` and an exported bundle.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright'
import { findProcess, watchMemory } from './peers/memory.mjs'
import { serve } from './peers/serve.mjs'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const { values: options } = parseArgs({
  options: {
    dist: { type: 'string', default: 'web/dist' },
    bundle: { type: 'string', default: '.data/models/smollm2-135m-instruct' },
    threads: { type: 'string', default: [...new Set([1, Math.min(4, os.cpus().length)])].join() },
    busy: { type: 'string', default: '0' },
    rounds: { type: 'string', default: '3' },
    lengths: { type: 'string', default: '42,256,1024' },
    json: { type: 'string' },
  },
})
const SYSTEM_CHROMIUM = '/usr/bin/chromium'
const CHROMIUM = process.env.CHROMIUM ?? (existsSync(SYSTEM_CHROMIUM) ? SYSTEM_CHROMIUM : undefined)
const dists = options.dist.split(',')
const lengths = options.lengths.split(',').map(Number)
/** A program that does nothing else, and ends with this one. */
const BUSY = 'const parent = process.ppid; while (process.ppid === parent);'
const places = new Map()
const runs = []
const busy = []
try {
  for (const dist of dists) {
    const server = await serve({ '/': path.resolve(ROOT, dist), '/bundle/': path.resolve(ROOT, options.bundle) })
    places.set(dist, { server, profile: mkdtempSync(path.join(os.tmpdir(), 'slm-cpu-')) })
    await fillDisk(places.get(dist))
  }
  for (let index = 0; index < Number(options.busy); index++) busy.push(spawn(process.execPath, ['-e', BUSY]))
  for (let round = 0; round < Number(options.rounds); round++) {
    const ways = dists.flatMap(dist => options.threads.split(',').map(threads => ({ dist, threads: Number(threads) })))
    for (const way of round % 2 ? ways.toReversed() : ways) {
      const run = { ...way, ...(await measure(way)) }
      runs.push(run)
      console.error(`round ${round + 1}: ${lineOf(run)}`)
    }
  }
} finally {
  for (const child of busy) child.kill()
  for (const { server, profile } of places.values()) {
    server.close()
    rmSync(profile, { recursive: true, force: true })
  }
}
const table = {}
for (const dist of dists) {
  for (const threads of options.threads.split(',').map(Number)) {
    const own = runs.filter(run => run.dist === dist && run.threads === threads)
    table[`${dist}, ${threads} thread${threads > 1 ? 's' : ''}`] = columnOf(own)
  }
}
const rows = [...new Set(Object.values(table).flatMap(Object.keys))]
console.table(Object.fromEntries(rows.map(row => [row, mapped(table, column => column[row])])))
console.log(`load ${os.loadavg()[0].toFixed(1)}, ${options.busy} busy programs of ours`)
if (options.json) writeFileSync(options.json, `${JSON.stringify(runs, null, 1)}\n`)

function mapped(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]))
}

function lineOf({ dist, threads, speeds }) {
  const read = lengths.map(
    length => `${length}: ${speeds[length].prefill.toFixed(0)} / ${speeds[length].decode.toFixed(0)}`,
  )
  return `${dist}, ${threads} threads, tokens/s read / written behind ${read.join(', ')}`
}

function columnOf(own) {
  const median = numbers => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]
  const spread = (numbers, digits = 1) =>
    `${median(numbers).toFixed(digits)} (${Math.min(...numbers).toFixed(digits)}–${Math.max(...numbers).toFixed(digits)})`
  const of = read => own.map(read)
  const { work } = own[0]
  const memory = median(of(({ roofline }) => roofline.readBytesPerSecond))
  const products = median(of(({ roofline }) => roofline.productsPerSecond))
  const column = {
    'memory, GB/s': spread(of(({ roofline }) => roofline.readBytesPerSecond / 1e9)),
    'products, GMAC/s': spread(of(({ roofline }) => roofline.productsPerSecond / 1e9)),
  }
  for (const length of lengths) {
    const reading = of(({ speeds }) => speeds[length].prefill)
    const writing = of(({ speeds }) => speeds[length].decode)
    const bytes = work.weightBytes + (length + 16) * work.positionBytes
    column[`reading ${length}`] = spread(reading)
    column[`reading ${length}, share`] = `${((100 * median(reading) * work.promptProducts) / products).toFixed(0)} %`
    column[`writing behind ${length}`] = spread(writing)
    column[`writing behind ${length}, share`] = `${((100 * median(writing) * bytes) / memory).toFixed(0)} %`
  }
  const share = (bytes, positions) => (bytes - positions * work.positionBytes) / work.weightBytes
  const loaded = of(({ bytes }) => share(bytes.loaded, 0))
  const used = of(({ bytes }) => share(bytes.used, Math.max(...lengths) + 32))
  column['memory, loaded'] = spread(loaded, 2)
  column['memory less cache, used'] = spread(used, 2)
  return column
}

/** The first load is another matter: what it downloads fills memory too. */
async function fillDisk({ server, profile }) {
  const browser = await start(profile)
  try {
    const page = await browser.newPage()
    await page.goto(server.url)
    await page.evaluate(load, 1)
  } finally {
    await browser.close()
  }
}

/** One browser: loads, reads and writes, measures the limits. */
async function measure({ dist, threads }) {
  const folder = path.resolve(ROOT, dist)
  const inspector = readdirSync(path.join(folder, 'assets')).find(name => /^inspect-worker-.*\.js$/.test(name))
  const { server, profile } = places.get(dist)
  const browser = await start(profile)
  const resident = () => watchMemory(findProcess(`--user-data-dir=${profile}`)).stop() ?? 0
  try {
    const page = await browser.newPage()
    await page.goto(server.url)
    const before = resident()
    const work = await page.evaluate(load, threads)
    const loaded = resident() - before
    const speeds = await page.evaluate(readAndWrite, lengths)
    const used = resident() - before
    const roofline = inspector ? await page.evaluate(limitsOf, { inspector, threads }) : null
    return { work: work ?? runs.find(run => run.work)?.work, speeds, roofline, bytes: { loaded, used } }
  } finally {
    await browser.close()
  }
}

function start(profile) {
  return chromium.launchPersistentContext(profile, {
    ...(CHROMIUM ? { executablePath: CHROMIUM } : {}),
    args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-sync'],
  })
}

/** In the page. */
async function load(threads) {
  const { createEngine } = await import('/slm.js')
  globalThis.engine = await createEngine({ bundle: '/bundle/', device: 'cpu', backend: 'simd', threads })
  return globalThis.engine.info.work
}

/** In the page: speeds behind prompts of some lengths that nothing has cached, twice each, the better one. */
async function readAndWrite(lengths) {
  const speeds = {}
  for (const length of lengths) {
    const best = { prefill: 0, decode: 0 }
    for (let turn = 0; turn < 2; turn++) {
      const words = Array.from({ length: length - 1 }, (_, index) => (index * (turn + 3) + length) % 10)
      await globalThis.engine.completions.create({ prompt: `${turn}${words.join('')}`, max_tokens: 33, temperature: 0 })
      const { promptTokens, cachedTokens, prefillMs, tokensPerSecond } = globalThis.engine.stats()
      best.prefill = Math.max(best.prefill, ((promptTokens - cachedTokens) / prefillMs) * 1000)
      best.decode = Math.max(best.decode, tokensPerSecond)
    }
    speeds[length] = best
  }
  return speeds
}

/** In the page: what the same threads can do at most. */
function limitsOf({ inspector, threads }) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(`/assets/${inspector}`, { type: 'module' })
    worker.onmessage = ({ data }) => (data.result ? resolve(data.result) : reject(new Error(data.failure.message)))
    worker.postMessage({ what: 'roofline', threads })
  })
}
