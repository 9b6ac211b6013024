/**
 * How long chats take to open in Chromium, with 500 of them and one of 300 messages; medians (least–most) of some rounds.
 *   node tests/bench/chats.mjs [--dist web/dist] [--chats 500] [--messages 300] [--rounds 7] [--json FILE]
 * `list`: from the start of a reload to the painted list. `reload`: the same to the painted end of the long chat. `open`: from
 * the click on the long chat, while another one is shown, to its painted end. `search`: from the last key to painted hits;
 * `first_search` reads all texts before that. `longest_task`: of the main thread, over all of it. Milliseconds. No model runs.
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
  },
})
const SYSTEM_CHROMIUM = '/usr/bin/chromium'
const CHROMIUM = process.env.CHROMIUM ?? (existsSync(SYSTEM_CHROMIUM) ? SYSTEM_CHROMIUM : undefined)
const PARAGRAPH = 'It has **some** `Markdown`, and a list:\n\n- one\n- two\n\n```js\nconst answer = 42\n```\n\n'

/** A file as ChatGPT exports it: short chats, then a long one, the newest. */
function exported(count, length) {
  const conversation = (number, messages) => {
    const time = 1.6e9 + number * 86_400
    const node = at => ({
      parent: at > 0 ? `m${at - 1}` : null,
      children: at + 1 < messages ? [`m${at + 1}`] : [],
      message: {
        author: { role: at % 2 ? 'assistant' : 'user' },
        create_time: time + at,
        content: {
          content_type: 'text',
          parts: [`Chat ${number}, message ${at}. ${at % 2 ? PARAGRAPH.repeat(1 + (at % 3)) : 'Why is that so?'}`],
        },
      },
    })
    return {
      title: `Number ${number}`,
      conversation_id: `c${number}`,
      create_time: time,
      update_time: time,
      current_node: `m${messages - 1}`,
      mapping: Object.fromEntries(Array.from({ length: messages }, (_, at) => [`m${at}`, node(at)])),
    }
  }
  return JSON.stringify([...Array.from({ length: count }, (_, at) => conversation(at, 8)), conversation(count, length)])
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

const last = Number(options.messages) - 1
const END = `[...document.querySelectorAll('.message')].at(-1)?.querySelector('.markdown, .bubble')?.textContent.includes('message ${last}.')`
const profile = mkdtempSync(path.join(os.tmpdir(), 'slm-chats-'))
const server = await serve({ '/': path.resolve(ROOT, options.dist) })
const home = `${server.url}index.html`
const context = await chromium.launchPersistentContext(profile, {
  ...(CHROMIUM ? { executablePath: CHROMIUM } : {}),
  viewport: { width: 1280, height: 900 },
  args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-sync'],
})
try {
  const page = await context.newPage()
  await page.addInitScript(WATCH)
  await page.goto(home)
  const file = {
    name: 'conversations.json',
    mimeType: 'application/json',
    buffer: Buffer.from(exported(Number(options.chats), Number(options.messages))),
  }
  await page.locator('input[type=file]').first().setInputFiles(file)
  await page
    .getByText(/chats added/)
    .first()
    .waitFor()
  const rounds = []
  for (let round = 0; round <= Number(options.rounds); round++) {
    const figures = await measure(page)
    if (round > 0) rounds.push(figures)
  }
  const table = Object.fromEntries(Object.keys(rounds[0]).map(name => [name, spread(rounds.map(each => each[name]))]))
  console.table(table)
  if (options.json) writeFileSync(options.json, `${JSON.stringify(table, null, 1)}\n`)
} finally {
  await context.close()
  server.close()
  rmSync(profile, { recursive: true, force: true })
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

function spread(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b).map(Math.round)
  return { median: sorted[Math.floor(sorted.length / 2)], least: sorted[0], most: sorted.at(-1) }
}
