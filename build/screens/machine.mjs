/** Models and device in their states, with a server and without. */
import { PAGES } from './pages.mjs'
import { ask, button, go, open } from './steps.mjs'

export const MODELS = [
  {
    ...PAGES[4],
    steps: async (page, stage) => {
      await open(page, stage)
      await PAGES[4].steps(page)
    },
  },
  {
    name: 'models-kept',
    says: 'A model that is kept in the browser too answers without the server.',
    steps: async page => {
      await button(page, /^Keep for offline: SmolLM2 135M Instruct/).click()
      await page
        .getByText(/^Kept in this browser/)
        .first()
        .waitFor()
    },
  },
  {
    name: 'update',
    says: 'A newer version of the page is here; it begins when the user says so.',
    steps: async (page, { way }) => {
      await page.getByText('The page opens without its server').waitFor()
      await page.waitForFunction(() => navigator.serviceWorker.controller !== null)
      await way.release()
      await page.evaluate(async () => (await navigator.serviceWorker.getRegistration()).update())
      await page.locator('aside.notice').first().waitFor()
    },
  },
  {
    name: 'offline-models',
    says: 'Without its server: the models that this browser keeps.',
    steps: async (page, { context, server, way }) => {
      await page.locator('aside.notice button').last().click()
      server.stop()
      way.close()
      await context.setOffline(true)
      await page.reload()
      await page.getByText('The server is not running.').waitFor()
      await page.locator('.bar .badge.good').waitFor()
    },
  },
  {
    name: 'offline-chat',
    says: 'Without its server: the kept model answers.',
    steps: async page => {
      await go(page, 'chat')
      await ask(page, 'What is the capital of France?')
    },
  },
]

export const EMPTY = [
  {
    name: 'chat-no-model',
    says: 'No model is here: what to do about it.',
    steps: async (page, { url }) => {
      await page.goto(url)
      await page.getByText('There is no model yet').waitFor()
    },
  },
  {
    name: 'compare-no-model',
    says: 'Compare without a model.',
    steps: async page => {
      await go(page, 'compare')
      await page.getByText('There is no model yet').waitFor()
    },
  },
  {
    name: 'write-no-model',
    says: 'Write without a model: the text can be written, the rules correct it.',
    steps: async page => {
      await go(page, 'write')
      await page.getByText('Suggestions need a model').first().waitFor()
    },
  },
  {
    name: 'analyse-no-model',
    says: 'Analyse without a model.',
    steps: async page => {
      await go(page, 'analyse')
      await page.getByText('There is no model yet').waitFor()
    },
  },
  {
    name: 'models-offer',
    says: 'A model that was looked up: its variants, which one fits, what it would download.',
    steps: async (page, { far }) => {
      await go(page, 'models')
      const way = await far()
      way.bytesPerSecond = 4e6
      await page.getByLabel('Address or Hugging Face id').fill(`${way.url}models/smollm2-135m-instruct/`)
      await button(page, 'Look up').click()
      await page.locator('.offer .primary').scrollIntoViewIfNeeded()
    },
  },
  {
    name: 'models-downloading',
    says: 'A download: bytes, speed, time left; it can be paused and cancelled.',
    steps: async page => {
      await page.locator('.offer .primary').click()
      await page.waitForFunction(() => (document.querySelector('.job progress')?.value ?? 0) > 2e7)
      await page.locator('.jobs').scrollIntoViewIfNeeded()
    },
  },
  {
    name: 'models-paused',
    says: 'A paused download goes on where it stopped, after a restart too.',
    steps: async page => {
      await button(page, /^Pause /).click()
      await page.getByText('Paused').waitFor()
      await page.locator('.jobs').evaluate(jobs => jobs.scrollIntoView({ block: 'center' }))
    },
  },
]

export const DEVICE = [
  {
    ...PAGES[5],
    steps: async (page, stage) => {
      await open(page, stage)
      await PAGES[5].steps(page)
    },
  },
  {
    name: 'device-measured',
    says: 'The benchmark: how fast the model reads and writes, as a share of what this machine can do.',
    steps: async page => {
      await button(page, 'Measure').click()
      await page.locator('table.speed').first().waitFor()
      await page.locator('table.speed').first().scrollIntoViewIfNeeded()
    },
  },
]
