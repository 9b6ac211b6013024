/**
 * Pictures of every page in its states, for looking at: `node build/screenshots.mjs URL OUT_DIR [--docs DIR]`.
 * URL is a running server (`slm-playground serve --no-browser`) with the real model. --docs also writes the few that the
 * documentation shows.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright'

const [url, out, flag, docs] = process.argv.slice(2)
if (!url || !out) {
  console.error('usage: node build/screenshots.mjs URL OUT_DIR [--docs DIR]')
  process.exit(2)
}
mkdirSync(out, { recursive: true })

const WIDE = { viewport: { width: 1280, height: 800 } }
const LOOKS = {
  light: { ...WIDE, colorScheme: 'light' },
  dark: { ...WIDE, colorScheme: 'dark' },
  contrast: { ...WIDE, colorScheme: 'light', contrast: 'more' },
  deutsch: { ...WIDE, colorScheme: 'light', locale: 'de-DE' },
  phone: { viewport: { width: 360, height: 740 }, colorScheme: 'light', hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
  large: { viewport: { width: 3840, height: 2160 }, colorScheme: 'dark' },
}
/** What documentation shows: look and name. */
const SHOWN = new Set(['light-chat', 'light-tokens', 'dark-compare', 'light-write', 'light-analyse', 'light-models', 'dark-device'])
const LOAD_MS = 180_000
const PARAGRAPH =
  'The first time I saw the sea I was seven years old. We had driven all night, and when the sun came up my father stopped the car on a hill and '

/** Brings each page to a state worth looking at. */
const PAGES = {
  async compare(page) {
    await page.locator('.compare-dock textarea').fill('Name three rivers in Europe.')
    await page.locator('.compare-dock textarea').press('Enter')
    await page.locator('.compare .figures').nth(1).waitFor()
  },
  async write(page) {
    await page.locator('.cm-content').click()
    await page.keyboard.type(PARAGRAPH, { delay: 5 })
    await page.locator('.cm-ghost').first().waitFor({ timeout: 20_000 }).catch(() => {})
  },
  async analyse(page) {
    await page.locator('input[name=analyse-kind]').nth(2).check()
    await page.locator('.analyse-form button.quiet').click()
    await page.locator('.analyse-form button.primary').click()
    await page.locator('.analyse-result').waitFor()
  },
  async models(page) {
    await page.locator('main h2').first().waitFor()
  },
  async device(page) {
    await page.locator('main h2').first().waitFor()
  },
}

const executablePath = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync)
const browser = await chromium.launch({
  ...(executablePath ? { executablePath } : {}),
  args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-sync'],
})

for (const [look, options] of Object.entries(LOOKS)) {
  const context = await browser.newContext({ ...options, reducedMotion: 'reduce' })
  const page = await context.newPage()
  page.setDefaultTimeout(LOAD_MS)
  page.on('console', message => console.log(`[${look}] ${message.type()}: ${message.text()}`))
  page.on('pageerror', error => console.log(`[${look}] page error: ${error.message}`))
  const shot = async name => {
    await page.screenshot({ path: join(out, `${look}-${name}.png`) })
    if (flag !== '--docs' || !docs || !SHOWN.has(`${look}-${name}`)) return
    await page.screenshot({ path: join(docs, `${name}.jpg`), type: 'jpeg', quality: 82 })
  }
  await chat(page, shot)
  for (const name of ['compare', 'write', 'analyse', 'models', 'device']) {
    if ((await page.locator(`nav.pages a[href="#/${name}"]`).count()) === 0) continue
    await page.evaluate(to => {
      location.hash = `#/${to}`
    }, name)
    await page.locator('main .page-status[role=status]').waitFor({ state: 'detached' })
    await PAGES[name](page)
    await shot(name)
  }
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox').last().waitFor()
  await shot('commands')
  await context.close()
}
await broken()
await browser.close()

/** Loading, empty, an answer with its figures, the tokens of it, settings. */
async function chat(page, shot) {
  let release = () => {}
  const held = new Promise(resolve => {
    release = resolve
  })
  await page.route('**/*.onnx.data', async route => {
    await held
    await route.continue()
  })
  await page.goto(url)
  await page.locator('progress').first().waitFor()
  await shot('loading')
  release()
  await page.locator('.badge.good').waitFor()
  await shot('empty')
  const box = page.locator('#composer')
  for (const words of ['List five fruits.', 'Explain in two sentences why the sky is blue.']) {
    const answers = await page.locator('li[aria-busy=false] .figures').count()
    await box.fill(words)
    await box.press('Enter')
    await page.locator('li[aria-busy=false] .figures').nth(answers).waitFor()
  }
  await shot('chat')
  await page.getByRole('button', { name: 'Tokens', exact: true }).last().click()
  await page.locator('.tokens .token').nth(7).click()
  await shot('tokens')
  await page.locator('button[aria-haspopup=dialog]:has(svg)').nth(-1).click()
  await page.locator('dialog[open]').waitFor()
  await shot('settings')
  await page.keyboard.press('Escape')
}

/** The model's weights do not come. */
async function broken() {
  const page = await browser.newPage(WIDE)
  await page.route('**/*.onnx.data', route => route.abort())
  await page.goto(url)
  await page.getByRole('alert').waitFor({ timeout: LOAD_MS })
  await page.screenshot({ path: join(out, 'light-error.png') })
}
