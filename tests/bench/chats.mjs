/**
 * How long chats take to open in Chromium, with 500 of them and one of 300 messages; medians (least–most) of some rounds.
 *   node tests/bench/chats.mjs [--dist web/dist] [--chats 500] [--messages 300] [--rounds 7] [--json FILE]
 * By the clock: `list`, from the start of a reload to the painted list; `reload`, the same to the painted end of the long chat;
 * `open`, from the click on the long chat, while another one is shown, to its painted end; `search`, from the last key to painted
 * hits; `first_search` reads all texts before that. `longest_task`: of the main thread, over all of it. `starting`: the tasks of a
 * first visit in a new browser, until it asks for nothing more. Milliseconds. No model runs.
 *   node tests/bench/chats.mjs --server http://127.0.0.1:8765/ --model tiny-llama [--tokens 300] [--rounds 3]
 * With a server of ours, of a data folder of its own, and a small model: the same by the clock, and what the main thread's tasks
 * take of the processor (thread time from Chrome's trace, which other programs do not lengthen) while the long chat is opened,
 * while its last answer, which ends in a table and code, is written on, while all chats are saved as a file, and while a new
 * browser starts and takes over all chats: `_longest`, `_over_50` (how many are longer than 50 ms) and `_all` of them together.
 * Both begin with the tasks of `importing` all chats.
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
    chats: { type: 'string', default: '500' },
    messages: { type: 'string', default: '300' },
    rounds: { type: 'string', default: '7' },
    json: { type: 'string' },
    server: { type: 'string' },
    model: { type: 'string' },
    tokens: { type: 'string', default: '300' },
  },
})
const SYSTEM_CHROMIUM = '/usr/bin/chromium'
const CHROMIUM = process.env.CHROMIUM ?? (existsSync(SYSTEM_CHROMIUM) ? SYSTEM_CHROMIUM : undefined)
const PARAGRAPH = 'It has **some** `Markdown`, and a list:\n\n- one\n- two\n\n```js\nconst answer = 42\n```\n\n'

const TABLE = `| Name | Value |\n| --- | ---: |\n${'| row | **1** `code` |\n'.repeat(14)}\n`
const CODE = `\`\`\`js\n${'const value = compute(1) // a comment\n'.repeat(24)}`

/** A file of ours: short chats, then a long one, the newest, whose last answer was stopped in the middle of its code. */
function exported(count, length) {
  const conversation = (number, messages) => {
    const time = 1.6e12 + number * 86_400_000
    const words = at => {
      if (at % 2 === 0) return 'Why is that so?'
      return at === length - 1 ? `\n\n${TABLE}${CODE}` : PARAGRAPH.repeat(1 + (at % 3))
    }
    const message = at => ({
      id: `c${number}m${at}`,
      parent: at > 0 ? `c${number}m${at - 1}` : null,
      role: at % 2 ? 'assistant' : 'user',
      content: `Chat ${number}, message ${at}. ${words(at)}`,
      created_at: time + at,
      state: at % 2 && at === messages - 1 ? 'stopped' : 'done',
    })
    return {
      ...{ id: `c${number}`, title: `Number ${number}`, renamed: false, pinned: false, overrides: {}, selected: {} },
      ...{ created_at: time, updated_at: time, messages: Array.from({ length: messages }, (_, at) => message(at)) },
    }
  }
  const chats = [...Array.from({ length: count }, (_, at) => conversation(at, 8)), conversation(count, length)]
  return JSON.stringify({ format: 'slm-playground-chats', version: 1, exported_at: new Date().toISOString(), chats })
}

const WATCH = () => {
  globalThis.longest = 0
  new PerformanceObserver(list => {
    for (const { duration } of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, duration)
  }).observe({ type: 'longtask', buffered: true })
  /** Resolves with the time after the frame in which `isThere` became true. */
  globalThis.painted = isThere =>
    new Promise(resolve => {
      const look = () => {
        if (isThere()) requestAnimationFrame(() => setTimeout(() => resolve(performance.now())))
        else requestAnimationFrame(look)
      }
      look()
    })
}

/** How many records a store of the page's chats has. */
const COUNT = async store => {
  const { name } = (await indexedDB.databases()).find(({ name }) => name.startsWith('slm-playground.chats'))
  const requested = request =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
  const database = await requested(indexedDB.open(name))
  const count = await requested(database.transaction(store).objectStore(store).count())
  database.close()
  return count
}

const last = Number(options.messages) - 1
const END = `[...document.querySelectorAll('.message')].at(-1)?.querySelector('.markdown, .bubble')?.textContent.includes('message ${last}.')`
const server = options.server ? null : await serve({ '/': path.resolve(ROOT, options.dist) })
const home = server ? `${server.url}index.html` : options.server
const first = await browser()
try {
  const { page } = first
  await page.goto(home)
  // From the disk: bytes that Playwright is given itself would be read in a task of the page.
  const file = path.join(first.profile, 'conversations.json')
  writeFileSync(file, exported(Number(options.chats), Number(options.messages)))
  const add = async () => {
    await page.locator('input[type=file]').first().setInputFiles(file)
    await page
      .getByText(/chats added/)
      .first()
      .waitFor()
  }
  console.table(Object.fromEntries(summary(['importing', await tasksOf(page, add)])))
  const rounds = []
  for (let round = 0; round <= Number(options.rounds); round++) {
    const figures = { ...(await measure(page)), ...(await (server ? measureStart() : measureTasks(page))) }
    if (round > 0) rounds.push(figures)
  }
  const table = Object.fromEntries(Object.keys(rounds[0]).map(name => [name, spread(rounds.map(each => each[name]))]))
  console.table(table)
  if (options.json) writeFileSync(options.json, `${JSON.stringify(table, null, 1)}\n`)
} finally {
  await first.close()
  server?.close()
}

/** One with nothing in it. */
async function browser() {
  const profile = mkdtempSync(path.join(os.tmpdir(), 'slm-chats-'))
  const context = await chromium.launchPersistentContext(profile, {
    ...(CHROMIUM ? { executablePath: CHROMIUM } : {}),
    viewport: { width: 1280, height: 900 },
    args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-sync'],
  })
  const page = await context.newPage()
  page.setDefaultTimeout(300_000)
  await page.addInitScript(WATCH)
  if (options.model) await page.addInitScript(useModel, [options.model, Number(options.tokens)])
  const close = async () => {
    await context.close()
    rmSync(profile, { recursive: true, force: true })
  }
  return { page, profile, close }
}

/** A first visit. */
async function measureStart() {
  const { page, close } = await browser()
  try {
    const starting = await tasksOf(page, async () => {
      await page.goto(home)
      await page.evaluate("painted(() => document.getElementById('composer'))")
      await page.waitForLoadState('networkidle')
    })
    return Object.fromEntries(summary(['starting', starting]))
  } finally {
    await close()
  }
}

async function measure(page) {
  const long = `c${options.chats}`
  await page.goto(`${home}#/chat/c0`)
  await page.reload()
  const list = await page.evaluate("painted(() => document.querySelectorAll('.chats-list a').length > 10)")
  const tasks = [await page.evaluate('longest')]
  const open = await page.evaluate(
    `(() => { const from = performance.now(); document.querySelector('a[href$="/${long}"]').click(); return painted(() => ${END}).then(to => to - from) })()`,
  )
  const search = async words => {
    const box = page.locator('#search-chats')
    await box.fill('')
    return await page.evaluate(
      `(async () => {
        const box = document.getElementById('search-chats')
        box.value = ${JSON.stringify(words)}
        const from = performance.now()
        box.dispatchEvent(new Event('input', { bubbles: true }))
        return await painted(() => document.querySelector('.chats-list .hit mark')) - from
      })()`,
    )
  }
  const [first_search, again] = [await search('message 7'), await search('markdown answer 42')]
  tasks.push(await page.evaluate('longest'))
  await page.goto(`${home}#/chat/${long}`)
  await page.reload()
  const reload = await page.evaluate(`painted(() => ${END})`)
  tasks.push(await page.evaluate('longest'))
  return { list, open, reload, first_search, search: again, longest_task: Math.max(...tasks) }
}

/** Of this page: which model answers, greedily, and how long. */
function useModel([model, tokens]) {
  const set = (name, value) => localStorage.setItem(`slm-playground.${name}`, JSON.stringify(value))
  set('settings', { model, device: 'cpu' })
  set('controls', { [model]: { temperature: 0, max_tokens: tokens } })
}

/** Each look is a transaction: one a second is nothing beside what is measured. */
async function until(page, store, isEnough) {
  while (!isEnough(await page.evaluate(COUNT, store))) await page.waitForTimeout(1000)
}

async function measureTasks(page) {
  const long = `c${options.chats}`
  await page.goto(`${home}#/chat/c0`)
  await page.reload()
  await page.locator('.badge.good').waitFor()
  await until(page, 'outbox', count => count === 0) // all of it is on the server
  const opening = await tasksOf(page, async () => {
    await page.evaluate(`document.querySelector('a[href$="/${long}"]').click()`)
    await page.evaluate(`painted(() => document.querySelectorAll('.message').length === ${options.messages})`)
  })
  const answer = page.locator('.message.assistant').last()
  const writing = await tasksOf(page, async () => {
    await answer.locator('.go-on').click()
    await answer.locator('.figures').waitFor()
  })
  const saving = await tasksOf(page, async () => {
    const downloading = page.waitForEvent('download')
    await page.getByRole('button', { name: 'All chats' }).click()
    await page.getByRole('menuitem', { name: 'Save all as JSON' }).click()
    await (await downloading).delete()
  })
  const second = await browser()
  try {
    const syncing = await tasksOf(second.page, async () => {
      await second.page.goto(home)
      await second.page.evaluate("painted(() => document.querySelectorAll('.chats-list a').length > 10)")
      await until(second.page, 'messages', count => count >= 8 * Number(options.chats) + Number(options.messages))
    })
    return Object.fromEntries(Object.entries({ opening, writing, saving, syncing }).flatMap(summary))
  } finally {
    await second.close()
  }
}

function summary([name, tasks]) {
  return [
    [`${name}_longest`, Math.max(...tasks)],
    [`${name}_over_50`, tasks.filter(ms => ms > 50).length],
    [`${name}_all`, tasks.reduce((sum, ms) => sum + ms, 0)],
  ]
}

/** Thread time of each task of the page's main thread while `act` runs, in milliseconds. */
async function tasksOf(page, act) {
  const client = await page.context().newCDPSession(page)
  const events = []
  client.on('Tracing.dataCollected', ({ value }) => events.push(...value))
  const ended = new Promise(resolve => {
    client.once('Tracing.tracingComplete', resolve)
  })
  const traceConfig = { includedCategories: ['toplevel', 'disabled-by-default-devtools.timeline'] }
  await client.send('Tracing.start', { traceConfig, transferMode: 'ReportEvents' })
  await act()
  await client.send('Tracing.end')
  await ended
  await client.detach()
  const threadOf = ({ pid, tid }) => `${pid} ${tid}`
  const names = events.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
  const mains = new Set(names.map(threadOf))
  const tasks = events.filter(event => event.name === 'RunTask' && event.ph === 'X' && mains.has(threadOf(event)))
  if (tasks.every(({ tdur }) => tdur === undefined)) throw new Error('This Chrome tells no thread times.')
  return tasks.map(({ tdur = 0 }) => tdur / 1000)
}

function spread(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b).map(Math.round)
  return { median: sorted[Math.floor(sorted.length / 2)], least: sorted[0], most: sorted.at(-1) }
}
