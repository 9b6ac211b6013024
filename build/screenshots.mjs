/**
 * Pictures of the page in its states, for looking at: `node build/screenshots.mjs URL OUT_DIR [--readme FILE]`.
 * URL is a running server (`slm-playground serve --no-browser`) with the real model; light, dark and phone width.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright'

const [url, out, flag, readme] = process.argv.slice(2)
if (!url || !out) {
  console.error('usage: node build/screenshots.mjs URL OUT_DIR [--readme FILE]')
  process.exit(2)
}
mkdirSync(out, { recursive: true })

const LOOKS = {
  light: { viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
  dark: { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' },
  phone: { viewport: { width: 360, height: 740 }, colorScheme: 'light', hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
}
const executablePath = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync)
const browser = await chromium.launch({
  ...(executablePath ? { executablePath } : {}),
  args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-sync'],
})

for (const [look, options] of Object.entries(LOOKS)) {
  const shot = (page, name) => page.screenshot({ path: join(out, `${look}-${name}.png`) })
  const context = await browser.newContext(options)
  // Greedy, so that the pictures show the same answers each time.
  await context.addInitScript(() => {
    localStorage.setItem('slm-playground.settings', JSON.stringify({ temperature: 0 }))
  })
  const page = await context.newPage()
  page.on('console', message => console.log(`[${look}] ${message.type()}: ${message.text()}`))
  page.on('pageerror', error => console.log(`[${look}] page error: ${error.message}`))

  let release = () => {}
  const held = new Promise(resolve => (release = resolve))
  await page.route('**/*.onnx.data', async route => {
    await held
    await route.continue()
  })
  await page.goto(url)
  await page.getByRole('progressbar').waitFor()
  await shot(page, '1-loading')
  release()
  await page.getByText(/^CPU · /).waitFor({ timeout: 120_000 })
  await shot(page, '2-empty')
  await page.getByRole('button', { name: /List five fruits/ }).click()
  await page.getByRole('button', { name: 'Regenerate' }).waitFor({ timeout: 120_000 })
  await page.getByLabel('Message').fill('Explain in two sentences why the sky is blue.')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => {
    const answer = document.querySelector('[aria-busy=true] .markdown')
    return (answer?.textContent?.length ?? 0) > 60
  })
  await shot(page, '3-streaming')
  await page.getByText(/cached/).waitFor({ timeout: 120_000 })
  await shot(page, '4-answered')
  if (flag === '--readme' && look === 'light') await page.screenshot({ path: readme })
  await page.getByRole('button', { name: 'Settings' }).click()
  await shot(page, '5-settings')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'New chat' }).click()
  await shot(page, '6-undo')

  const broken = await context.newPage()
  await broken.route('**/*.onnx.data', route => route.abort())
  await broken.goto(url)
  await broken.getByRole('alert').waitFor({ timeout: 60_000 })
  await shot(broken, '7-error')
  await context.close()
}
await browser.close()
