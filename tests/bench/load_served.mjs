/**
 * A warm load of a model that the server keeps (streamed each time) beside one that the browser keeps (its private disk), in turns
 * in one Chromium, over the real server: medians (least–most) of some rounds, milliseconds from the worker's start to ready.
 *   node tests/bench/load_served.mjs [--model smollm2-135m-instruct] [--rounds 7] [--python .venv/bin/python]
 * Needs `npm run build` and an exported bundle. A round drops the copy and makes it again, which is not counted.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright'

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: 'smollm2-135m-instruct' },
    rounds: { type: 'string', default: '7' },
    python: { type: 'string', default: '.venv/bin/python' },
  },
})
const SYSTEM_CHROMIUM = '/usr/bin/chromium'
const CHROMIUM = process.env.CHROMIUM ?? (existsSync(SYSTEM_CHROMIUM) ? SYSTEM_CHROMIUM : undefined)
const profile = mkdtempSync(path.join(os.tmpdir(), 'slm-served-'))
const server = spawn(options.python, ['-m', 'slm_playground', 'serve', '--no-browser', '--port', '0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const context = await chromium.launchPersistentContext(profile, {
  ...(CHROMIUM ? { executablePath: CHROMIUM } : {}),
  args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-sync'],
})
try {
  const url = await new Promise(resolve => createInterface(server.stdout).once('line', resolve))
  const page = await context.newPage()
  await page.goto(`${url}api/health`)
  const loads = await page.evaluate(measure, { bundle: `/models/${options.model}/`, rounds: Number(options.rounds) })
  for (const [name, times] of Object.entries(loads)) console.log(`${name}: ${spread(times)} ms`)
} finally {
  await context.close()
  server.kill()
  rmSync(profile, { recursive: true, force: true })
}

async function measure({ bundle, rounds }) {
  const { createEngine } = await import('/slm.js')
  const load = async keep => {
    const engine = await createEngine({ bundle, device: 'cpu', keep })
    const { loadMs } = engine.info
    await engine.dispose()
    return loadMs
  }
  const loads = { served: [], kept: [] }
  for (let round = 0; round < rounds; round++) {
    for (const [name, keep] of [
      ['served', false],
      ['kept', true],
    ]) {
      await load(keep) // the first of each finds the other's files, or none
      await load(keep) // the self-test is remembered from here on
      loads[name].push(await load(keep))
    }
  }
  return loads
}

function spread(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const [least, median, most] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)]
  return `${median.toFixed(0)} (${least.toFixed(0)}–${most.toFixed(0)})`
}
