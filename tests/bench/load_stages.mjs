/**
 * How long a warm load takes, stage by stage, in Chromium: builds of the page in turns, medians (least–most) of some rounds.
 *   node tests/bench/load_stages.mjs [--dist web/dist,/elsewhere/dist] [--bundle DIR] [--threads 2] [--rounds 7] [--json FILE]
 * The first load of each build is the cold one: it fills the browser's private disk and is not counted. A stage is the time
 * from the engine telling that it begins to the next that it tells; `ready` is from the call of `createEngine` to the engine,
 * `answer` from there to the first token of an answer. Milliseconds. Needs `npm run build` and an exported bundle.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright'
import { serve } from './peers/serve.mjs'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const { values: options } = parseArgs({
  options: {
    dist: { type: 'string', default: 'web/dist' },
    bundle: { type: 'string', default: '.data/models/smollm2-135m-instruct' },
    threads: { type: 'string', default: String(Math.min(4, os.cpus().length)) },
    rounds: { type: 'string', default: '7' },
    json: { type: 'string' },
  },
})
const SYSTEM_CHROMIUM = '/usr/bin/chromium'
const CHROMIUM = process.env.CHROMIUM ?? (existsSync(SYSTEM_CHROMIUM) ? SYSTEM_CHROMIUM : undefined)
const builds = []
try {
  for (const dist of options.dist.split(',')) {
    const bundle = path.resolve(ROOT, options.bundle)
    const server = await serve({ '/': path.resolve(ROOT, dist), '/bundle/': bundle })
    const profile = mkdtempSync(path.join(os.tmpdir(), 'slm-load-'))
    const context = await chromium.launchPersistentContext(profile, {
      ...(CHROMIUM ? { executablePath: CHROMIUM } : {}),
      args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-sync'],
    })
    builds.push({ dist, server, context, profile, loads: [] })
  }
  for (let round = 0; round <= Number(options.rounds); round++) {
    for (const { context, server, loads } of round % 2 ? builds : builds.toReversed()) {
      const stages = await load(context, server.url)
      if (round > 0) loads.push(stages)
    }
  }
  const table = {}
  for (const { dist, loads } of builds) {
    const stages = [...new Set(loads.flatMap(Object.keys))]
    for (const stage of stages) {
      table[stage] ??= {}
      table[stage][dist] = spread(loads.map(each => each[stage] ?? 0))
    }
  }
  console.table(
    Object.fromEntries(
      Object.entries(table).map(([stage, columns]) => [
        stage,
        Object.fromEntries(Object.entries(columns).map(([dist, figure]) => [dist, show(figure)])),
      ]),
    ),
  )
  if (options.json) writeFileSync(options.json, `${JSON.stringify(table, null, 1)}\n`)
} finally {
  for (const { context, server, profile } of builds) {
    await context.close()
    server.close()
    rmSync(profile, { recursive: true, force: true })
  }
}

function spread(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  return { median: sorted[Math.floor(sorted.length / 2)], least: sorted[0], most: sorted.at(-1) }
}

function show({ median, least, most }) {
  return `${median.toFixed(0)} (${least.toFixed(0)}–${most.toFixed(0)})`
}

async function load(context, url) {
  const page = await context.newPage()
  await page.goto(url)
  const stages = await page.evaluate(async threads => {
    const { createEngine } = await import('/slm.js')
    const started = performance.now()
    const told = []
    const onProgress = ({ phase, detail }) =>
      told.push({ stage: `${phase}: ${detail}`, at: performance.now() - started })
    const engine = await createEngine({ bundle: '/bundle/', device: 'cpu', threads, onProgress })
    const ready = performance.now() - started
    const stages = { 'worker starts': told[0]?.at ?? 0 }
    told.push({ stage: '', at: ready })
    told.slice(0, -1).forEach(({ stage, at }, index) => {
      stages[stage] = (stages[stage] ?? 0) + told[index + 1].at - at
    })
    for await (const _ of engine.completions.create({ prompt: 'Once', max_tokens: 2, stream: true })) break
    const answer = performance.now() - started - ready
    const selfTest = engine.info.selfTest.ms
    await engine.dispose()
    return { ...stages, 'of it the self-test': selfTest, ready, answer }
  }, Number(options.threads))
  await page.close()
  return stages
}
