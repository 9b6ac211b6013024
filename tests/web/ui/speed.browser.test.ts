/** Measuring speed on the page: opened by the badge, stopped, failed, kept. Over the scripted engine. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { EngineError } from '../../../web/src/engine/errors.ts'
import { forgetSpeed, speedReports, speedState } from '../../../web/src/state/speed.ts'
import { asMarkdown } from '../../../web/src/tasks/speed.ts'
import { speed } from '../../../web/src/ui/parts/format.ts'
import { fakeEngine, type Script } from '../engine/fake.ts'
import { gate, openPage } from './page.ts'

const dialog = () => page.getByRole('dialog', { name: 'Speed on this device' })
const measure = () => dialog().getByRole('button', { name: 'Measure' })
const many = () => Array.from({ length: 40 }, (_, index) => ` word${index}`)

async function openDialog(script: Script) {
  const { load } = openPage(async () => fakeEngine({ answer: many, info: { contextLength: 4096 }, ...script }))
  await load()
  await userEvent.click(page.getByRole('button', { name: 'CPU · fake' }))
  await expect.element(dialog()).toBeVisible()
}

beforeEach(() => {
  localStorage.clear()
  forgetSpeed()
  speedState.value = { status: 'idle' }
})

describe('speed', () => {
  it('measures three prompts, shows each with its speeds, and keeps the figures', async () => {
    await openDialog({})
    await userEvent.click(measure())
    await vi.waitFor(() => expect(speedReports.value).toHaveLength(1))
    const table = dialog().getByRole('table', { name: /Fake/ })
    await expect.element(table.getByRole('rowheader', { name: '1,024 tokens' })).toBeVisible()
    const rows = speedReports.value[0]?.rows ?? []
    expect(rows.map(({ promptTokens }) => promptTokens)).toEqual([32, 256, 1024])
    for (const row of rows) {
      expect(row.decodeTokensPerSecond).toBeGreaterThan(0)
      await expect.element(table).toHaveTextContent(speed(row.prefillTokensPerSecond))
    }
    expect(JSON.parse(localStorage.getItem('slm-playground.speed') ?? '')).toEqual(speedReports.value)
    await userEvent.click(dialog().getByRole('button', { name: 'Forget them' }))
    await expect.element(table).not.toBeInTheDocument()
  })

  it('leaves out prompts that the model cannot read, and speeds of answers too short to tell', async () => {
    await openDialog({ info: { contextLength: 600 }, answer: () => [' one', ' two'] })
    await userEvent.click(measure())
    await vi.waitFor(() => expect(speedReports.value).toHaveLength(1))
    const [report] = speedReports.value
    expect(report?.rows.map(({ promptTokens }) => promptTokens)).toEqual([32, 256])
    expect(report?.rows.map(({ decodeTokensPerSecond }) => decodeTokensPerSecond)).toEqual([null, null])
    expect(report && asMarkdown(report)).toContain('| 256 |')
  })

  it('can be stopped, by its button and by closing, and measures again afterwards', async () => {
    const door = gate()
    await openDialog({ beforeWord: door.beforeWord })
    await userEvent.click(measure())
    await userEvent.click(dialog().getByRole('button', { name: 'Stop' }))
    door.open(1)
    await expect.element(measure()).toBeVisible()
    await userEvent.click(measure())
    await userEvent.keyboard('{Escape}')
    door.open(1)
    await vi.waitFor(() => expect(speedState.value.status).toBe('idle'))
    await expect.element(dialog()).not.toBeInTheDocument()
    expect(speedReports.value).toEqual([])
  })

  it('says what went wrong', async () => {
    const fail = async () => {
      throw new EngineError('device-lost', 'The graphics adapter went away.')
    }
    await openDialog({ beforeWord: fail })
    await userEvent.click(measure())
    await expect.element(dialog().getByRole('alert')).toHaveTextContent('The graphics adapter went away.')
  })
})
