/** The device page: facts in words, the benchmark opened by the badge, stopped, failed, kept, copied. Over the scripted engine. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { EngineError } from '../../../web/src/engine/errors.ts'
import { limits } from '../../../web/src/state/device.ts'
import { forgetSpeed, speedReports, speedState } from '../../../web/src/state/speed.ts'
import { asJson, asMarkdown, sharesOf } from '../../../web/src/tasks/speed.ts'
import { speed } from '../../../web/src/ui/parts/format.ts'
import { fakeEngine, type Script } from '../engine/fake.ts'
import { gate, openPage } from './page.ts'

const measure = () => page.getByRole('button', { name: 'Measure' })
const many = () => Array.from({ length: 40 }, (_, index) => ` word${index}`)
const WORK = { weightBytes: 1e6, positionBytes: 1e3, promptProducts: 1e6 }

async function openDevice(script: Script) {
  const { load } = openPage(async () => fakeEngine({ answer: many, info: { contextLength: 4096 }, ...script }))
  await load()
  await userEvent.click(page.getByRole('link', { name: 'CPU · fake' }))
  await expect.element(page.getByRole('heading', { name: 'What this means' })).toBeVisible()
}

beforeEach(() => {
  localStorage.clear()
  forgetSpeed()
  speedState.value = { status: 'idle' }
  limits.value = null
  history.replaceState(null, '', '#/chat')
})

describe('benchmark', () => {
  it('measures three prompts, shows each with its speeds, and keeps the figures until they are forgotten', async () => {
    await openDevice({})
    await userEvent.click(measure())
    await vi.waitFor(() => expect(speedReports.value).toHaveLength(1))
    const table = page.getByRole('table', { name: /Fake/ })
    await expect.element(table.getByRole('rowheader', { name: '1,024 tokens' })).toBeVisible()
    const rows = speedReports.value[0]?.rows ?? []
    expect(rows.map(({ promptTokens }) => promptTokens)).toEqual([32, 256, 1024])
    for (const row of rows) {
      expect(row.decodeTokensPerSecond).toBeGreaterThan(0)
      expect(row.decodeShare).toBeNull() // nobody knows what a token of this engine takes
      await expect.element(table).toHaveTextContent(speed(row.prefillTokensPerSecond))
    }
    expect(JSON.parse(localStorage.getItem('slm-playground.speed') ?? '')).toEqual(speedReports.value)
    await expect.element(page.getByText(/^Measured with the model that is loaded: it writes/)).toBeVisible()
    await userEvent.click(measure())
    await vi.waitFor(() => expect(speedReports.value).toHaveLength(2))
    const [newest] = speedReports.value
    await userEvent.click(page.getByRole('button', { name: 'Forget Fake' }).first())
    expect(speedReports.value).toHaveLength(1)
    expect(speedReports.value).not.toContain(newest)
    await userEvent.click(page.getByRole('button', { name: 'Forget all' }))
    await expect.element(table).not.toBeInTheDocument()
    expect(localStorage.getItem('slm-playground.speed')).toBe('[]')
  })

  it('says how much of the device was used where the engine knows what a token takes', async () => {
    await openDevice({ info: { contextLength: 600, work: WORK } })
    await expect.element(page.getByRole('row', { name: /Multiplications at most/ })).toHaveTextContent('GMAC/s')
    await expect.element(page.getByText(/^Expected of the model that is loaded: it writes about/)).toBeVisible()
    await userEvent.click(measure())
    await vi.waitFor(() => expect(speedReports.value).toHaveLength(1))
    const [report] = speedReports.value
    if (!report?.roofline) throw new Error('Nothing was measured.')
    expect(report.roofline.readBytesPerSecond).toBeGreaterThan(1e8)
    expect(report.roofline.productsPerSecond).toBeGreaterThan(1e8)
    const [first] = report.rows
    const { promptTokens = 0, decodeTokensPerSecond = 0, prefillTokensPerSecond = 0 } = first ?? {}
    const bytes = WORK.weightBytes + (promptTokens + 16) * WORK.positionBytes
    expect(first?.decodeShare).toBeCloseTo(((decodeTokensPerSecond ?? 0) * bytes) / report.roofline.readBytesPerSecond)
    expect(first?.prefillShare).toBeCloseTo((prefillTokensPerSecond * 1e6) / report.roofline.productsPerSecond)
    await expect.element(page.getByText(/of what the memory can give/).first()).toBeVisible()
    const markdown = asMarkdown(report)
    expect(markdown).toMatch(/\| 256 \| [\d.]+ \| [\d.]+ \| \d+ \| \d+ % \| \d+ % \|/)
    const data = JSON.parse(asJson(report, 'Chromium'))
    expect(data).toMatchObject({ model: 'Fake', browser: 'Chromium', device: 'cpu', rows: [{ prompt_tokens: 32 }, {}] })
    expect(data.products_per_second).toBe(report.roofline.productsPerSecond)
  })

  it('leaves out prompts that the model cannot read, and speeds of answers too short to tell', async () => {
    await openDevice({ info: { contextLength: 600 }, answer: () => [' one', ' two'] })
    await userEvent.click(measure())
    await vi.waitFor(() => expect(speedReports.value).toHaveLength(1))
    const [report] = speedReports.value
    expect(report?.rows.map(({ promptTokens }) => promptTokens)).toEqual([32, 256])
    expect(report?.rows.map(({ decodeTokensPerSecond }) => decodeTokensPerSecond)).toEqual([null, null])
    expect(report && asMarkdown(report)).toContain('| 256 |')
  })

  it('can be stopped, by its button and by leaving the page, and measures again afterwards', async () => {
    const door = gate()
    await openDevice({ beforeWord: door.beforeWord })
    await userEvent.click(measure())
    await userEvent.click(page.getByRole('button', { name: 'Stop' }))
    door.open(1)
    await expect.element(measure()).toBeVisible()
    await userEvent.click(measure())
    await userEvent.click(page.getByRole('link', { name: 'Chat' }))
    door.open(1)
    await vi.waitFor(() => expect(speedState.value.status).toBe('idle'))
    expect(speedReports.value).toEqual([])
  })

  it('says what went wrong', async () => {
    const fail = async () => {
      throw new EngineError('device-lost', 'The graphics adapter went away.')
    }
    await openDevice({ beforeWord: fail })
    await userEvent.click(measure())
    await expect.element(page.getByRole('alert')).toHaveTextContent('The graphics adapter went away.')
  })
})

describe('facts', () => {
  it('are those of this browser, with what they mean', async () => {
    await openDevice({})
    const cores = navigator.hardwareConcurrency
    const threads = Math.min(4, cores)
    await expect
      .element(page.getByRole('row', { name: /Threads for models/ }))
      .toHaveTextContent(`${threads} (${cores} core`)
    await expect.element(page.getByRole('row', { name: /Cross-origin isolation/ })).toHaveTextContent('yes')
    await expect.element(page.getByRole('row', { name: /Storage of this page/ })).toHaveTextContent(/B of [\d.]+ [MG]B/)
    await expect.element(page.getByText(/^Models (can )?run on/)).toBeVisible()
    const kept = await navigator.storage.persisted()
    await expect.element(page.getByRole('row', { name: /Kept where space/ })).toHaveTextContent(kept ? 'yes' : 'no')
  })
})

it('shares: writing by bytes, reading by multiply-adds', () => {
  const roofline = { threads: 2, build: 'simd128', readBytesPerSecond: 30e9, productsPerSecond: 60e9 }
  const work = { weightBytes: 143e6, positionBytes: 20e3, promptProducts: 106e6 }
  const speeds = { prefillTokensPerSecond: 283, decodeTokensPerSecond: 100 }
  const shares = sharesOf(speeds, { work, roofline, position: 350 })
  expect(shares.decodeShare).toBeCloseTo(0.5)
  expect(shares.prefillShare).toBeCloseTo(0.5, 3)
  expect(sharesOf({ ...speeds, decodeTokensPerSecond: null }, { work, roofline, position: 0 }).decodeShare).toBeNull()
  expect(sharesOf(speeds, { work: null, roofline, position: 0 })).toEqual({ prefillShare: null, decodeShare: null })
})
