/**
 * Pictures of every page in its states, for looking at and for the documentation:
 *   node build/screens/take.mjs OUT_DIR --program SLM_PLAYGROUND --bundle DIR [--bundle DIR …] [--work DIR] [SESSION …]
 * Starts servers of its own with empty data folders, so nobody's chats are seen. The pictures are WebP, with README.md as
 * their index. Where sessions are named, they alone are taken again.
 */
import { spawn } from 'node:child_process'
import { cpSync, existsSync, linkSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright'
import { between } from './between.mjs'
import { SESSIONS } from './pictures.mjs'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    program: { type: 'string' },
    bundle: { type: 'string', multiple: true, default: [] },
    work: { type: 'string', default: join(tmpdir(), 'slm-playground') },
  },
})
const [out, ...names] = positionals
if (!out || !options.program || options.bundle.length === 0) {
  console.error('usage: node build/screens/take.mjs OUT_DIR --program SLM_PLAYGROUND --bundle DIR [SESSION …]')
  process.exit(2)
}

const WIDE = { viewport: { width: 1120, height: 700 }, colorScheme: 'light' }
const LOOKS = {
  light: WIDE,
  dark: { ...WIDE, colorScheme: 'dark' },
  contrast: { ...WIDE, contrast: 'more' },
  german: { ...WIDE, locale: 'de-DE' },
  wide: { ...WIDE, viewport: { width: 1440, height: 810 } },
  phone: { ...WIDE, viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
}
/** A model is loaded, an answer written, a benchmark done within it. */
const PATIENCE_MS = 180_000
/** Of 100: words are sharp, and eighty pictures are two megabytes. */
const QUALITY = 55
const MODEL = 'smollm2-135m-instruct'

const executablePath = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync)
const browser = await chromium.launch({
  ...(executablePath ? { executablePath } : {}),
  args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-sync'],
})
rmSync(options.work, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
const taken = []
try {
  for (const session of SESSIONS) {
    if (names.length === 0 || names.includes(session.name)) taken.push(...(await take(session)))
  }
} finally {
  await browser.close()
  rmSync(options.work, { recursive: true, force: true })
}
const all = SESSIONS.flatMap(({ pictures }) => pictures)
for (const file of readdirSync(out))
  if (file.endsWith('.webp') && !all.some(one => fileOf(one) === file)) rmSync(join(out, file))
writeFileSync(join(out, 'README.md'), index(all))
const bytes = taken.reduce((sum, picture) => sum + statSync(join(out, fileOf(picture))).size, 0)
console.log(`${taken.length} pictures, ${Math.round(bytes / 1000)} kB`)

/** One tab in a browser profile of its own: its pictures in order, each goes on from the one before it. */
async function take({ name, look = 'light', models = 'all', pictures }) {
  const folder = join(options.work, name)
  const running = []
  const reach = async (folder, withModels) => {
    const server = await serve(folder, withModels)
    running.push(server)
    const way = await between(server.url)
    running.push({ stop: way.close })
    return { server, way }
  }
  const { server, way } = await reach(folder, models === 'all')
  const context = await browser.newContext({ ...LOOKS[look], reducedMotion: 'reduce' })
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENCE_MS)
  page.on('pageerror', error => console.log(`[${name}] page error: ${error.message}`))
  // Drawn once, so that the same run gives the same words.
  await page.addInitScript(
    ([key, value]) => localStorage.getItem(key) ?? localStorage.setItem(key, value),
    ['slm-playground.controls', JSON.stringify({ [MODEL]: { seed: 7 } })],
  )
  // `far`: the way to another server, which has the models.
  const far = async () => (await reach(join(folder, 'far'), true)).way
  const stage = { context, server, way, url: way.url, folder, far }
  const done = []
  try {
    for (const picture of pictures) {
      await picture.steps(page, stage)
      await shoot(page, join(out, fileOf(picture)))
      console.log(`${name}: ${picture.name}`)
      done.push(picture)
    }
  } catch (error) {
    const seen = join(tmpdir(), `failed-${name}.png`)
    await page.screenshot({ path: seen }).catch(() => {})
    const after = done.at(-1)?.name ?? 'the start'
    throw new Error(`${name}, after ${after} (${seen}): ${error.message}`, { cause: error })
  } finally {
    await context.close()
    for (const each of running) each.stop()
  }
  return done
}

/** `slm-playground serve` with copies of the models, or without any. */
async function serve(folder, withModels) {
  const models = join(folder, 'models')
  mkdirSync(models, { recursive: true })
  if (withModels) for (const bundle of options.bundle) copy(bundle, join(models, basename(bundle)))
  const child = spawn(options.program, ['serve', '--no-browser', '--port', '0', '--models', models], {
    env: { ...process.env, SLM_PLAYGROUND_DATA: join(folder, 'data') },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [url] = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', line => resolve([line.trim()]))
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`The server ended with ${code}.`)))
  })
  return { url, models, stop: () => child.kill() }
}

/** Hard links: nothing writes into a bundle's files. */
function copy(from, to) {
  for (const path of readdirSync(from, { recursive: true })) {
    if (statSync(join(from, path)).isDirectory()) continue
    mkdirSync(join(to, path, '..'), { recursive: true })
    try {
      linkSync(join(from, path), join(to, path))
    } catch {
      cpSync(join(from, path), join(to, path))
    }
  }
}

/** WebP, which Playwright's own call does not make. */
async function shoot(page, path) {
  await page.evaluate(() => document.fonts.ready)
  const client = await page.context().newCDPSession(page)
  const { data } = await client.send('Page.captureScreenshot', { format: 'webp', quality: QUALITY })
  await client.detach()
  writeFileSync(path, Buffer.from(data, 'base64'))
}

function fileOf({ name }) {
  return `${name}.webp`
}

function index(pictures) {
  const areas = [...new Set(pictures.map(({ area }) => area))]
  const parts = areas.flatMap(area => [
    `## ${area}`,
    ...pictures.filter(picture => picture.area === area).map(({ name, says }) => `${says}\n\n![${says}](${name}.webp)`),
  ])
  return `${['# Every page in its states', 'Made by `make screenshots`, with the default model on a CPU.', ...parts].join('\n\n')}\n`
}
