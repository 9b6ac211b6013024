/**
 * Whether typing lags in a long document of the writing page: tasks of the page's main thread while somebody types, from
 * Chromium's own trace, in time of the processor (what this page asks for) and of the clock (beside whatever else runs),
 * and the time from a key to the next picture (Event Timing). With the model that the server offers, so that suggestions
 * are asked for, shown and dropped meanwhile.
 *   node tests/bench/typing.mjs [--url http://127.0.0.1:8765/] [--words 20000] [--keys 300] [--pause 90] [--json FILE]
 * Needs a running playground. Milliseconds.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright'

const { values: options } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8765/' },
    words: { type: 'string', default: '20000' },
    keys: { type: 'string', default: '300' },
    pause: { type: 'string', default: '90' },
    json: { type: 'string' },
  },
})
const SYSTEM_CHROMIUM = '/usr/bin/chromium'
const CHROMIUM = process.env.CHROMIUM ?? (existsSync(SYSTEM_CHROMIUM) ? SYSTEM_CHROMIUM : undefined)
const SENTENCE = 'The lighthouse keeper walked along the beach and looked at the sea. '
const browser = await chromium.launch({
  ...(CHROMIUM ? { executablePath: CHROMIUM } : {}),
  args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-sync'],
})
try {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } })
  await page.goto(new URL('#/write', options.url).href)
  await page.getByRole('textbox', { name: 'Document text' }).click()
  const hasModel = await page
    .locator('.badge.good')
    .waitFor({ timeout: 120_000 })
    .then(() => true)
    .catch(() => false)
  const paragraphs = Math.ceil(Number(options.words) / (8 * SENTENCE.trim().split(' ').length))
  await page.keyboard.insertText(`${SENTENCE.repeat(8)}\n\n`.repeat(paragraphs))
  await page.getByText('Saved on this device').waitFor()
  const rows = {}
  for (const place of ['end', 'middle']) {
    await page.keyboard.press(place === 'end' ? 'Control+End' : 'Control+Home')
    if (place === 'middle') for (let down = 0; down < 60; down++) await page.keyboard.press('PageDown')
    rows[place] = await typed(page)
  }
  const result = { words: Number(options.words), keys: Number(options.keys), has_model: hasModel, places: rows }
  console.table(rows)
  if (options.json) writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`)
} finally {
  await browser.close()
}

/** Types on where the caret is, and says how the main thread fared. */
async function typed(page) {
  await page.evaluate(() => {
    window.keyTimes = []
    window.keyObserver = new PerformanceObserver(list => {
      for (const entry of list.getEntries()) if (entry.name === 'keydown') window.keyTimes.push(entry.duration)
    })
    window.keyObserver.observe({ type: 'event', durationThreshold: 16 })
  })
  const stop = await trace(page)
  const text = SENTENCE.repeat(Math.ceil(Number(options.keys) / SENTENCE.length)).slice(0, Number(options.keys))
  await page.keyboard.type(text, { delay: Number(options.pause) })
  const tasks = await stop()
  const slow = await page.evaluate(() => {
    window.keyObserver.disconnect()
    return window.keyTimes
  })
  const times = which => tasks.map(task => task[which]).sort((a, b) => a - b)
  const [cpu, wall] = [times('cpu'), times('wall')]
  return {
    tasks: tasks.length,
    longest_cpu: cpu.at(-1),
    p99_cpu: cpu[Math.floor(0.99 * cpu.length)],
    over_16_cpu: cpu.filter(ms => ms > 16).length,
    over_50_cpu: cpu.filter(ms => ms > 50).length,
    longest_wall: wall.at(-1),
    keys_over_16_to_paint: slow.length,
    slowest_key_to_paint: Math.max(0, ...slow),
  }
}

/** Starts a trace; the returned function ends it and gives the durations of the main thread's tasks. */
async function trace(page) {
  const session = await page.context().newCDPSession(page)
  const events = []
  session.on('Tracing.dataCollected', ({ value }) => events.push(...value))
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    categories: 'toplevel,disabled-by-default-devtools.timeline',
  })
  return async () => {
    const ended = new Promise(resolve => session.once('Tracing.tracingComplete', resolve))
    await session.send('Tracing.end')
    await ended
    const main = new Set(
      events
        .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
        .map(({ pid, tid }) => `${pid} ${tid}`),
    )
    const tasks = events.filter(({ name, pid, tid, dur }) => name === 'RunTask' && dur && main.has(`${pid} ${tid}`))
    return tasks.map(({ dur, tdur }) => ({ wall: dur / 1000, cpu: (tdur ?? dur) / 1000 }))
  }
}
