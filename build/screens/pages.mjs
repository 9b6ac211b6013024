/** Each page as most people see it, and how it looks otherwise. */
import { ask, compare, example, go, lanes, open, QUESTION, type } from './steps.mjs'

const PARAGRAPH =
  'The first time I saw the sea I was seven years old. We had driven all night, and when the sun came up my father told me about the day on which he had come to the United'

/** Two columns whose seeds and temperatures differ: their answers part somewhere. */
export const apart = async page => {
  const other = page.locator('.lane').nth(1)
  await other.locator('select').nth(1).selectOption({ index: 0 })
  await other.locator('button[aria-haspopup=dialog]').click()
  await other.locator('dialog input[type=number]').first().fill('1') // the temperature
  await other.locator('dialog input[id$=-seed]').fill('8')
  await other.locator('dialog button.primary').click()
  await compare(page, 'Write one sentence about the sea.')
}

export const PAGES = [
  {
    name: 'chat',
    says: 'An answer with its figures: tokens, time to the first one, tokens a second, why it ended.',
    steps: async (page, stage) => {
      await open(page, stage)
      await ask(page, 'List five fruits.')
      await ask(page, QUESTION)
    },
  },
  {
    name: 'compare',
    says: 'The same prompt to two columns, with the token at which they part.',
    steps: async page => {
      await go(page, 'compare')
      await lanes(page, 2)
      await apart(page)
    },
  },
  {
    name: 'write',
    says: 'A suggestion in grey behind the caret; Tab takes it.',
    steps: async page => {
      await go(page, 'write')
      await type(page, PARAGRAPH)
      await page.locator('.write-text .ghost').first().waitFor()
    },
  },
  {
    name: 'analyse',
    says: 'A question about a text, answered with the words of the text, and how sure the model is.',
    steps: async page => {
      await go(page, 'analyse')
      await example(page, 2)
    },
  },
  {
    name: 'models',
    says: 'The models that are here: licence, size, which variant this device takes, how near each is to its original.',
    steps: async page => {
      await go(page, 'models')
      await page.locator('.model-card .verdict').first().waitFor()
    },
  },
  {
    name: 'device',
    says: 'What the browser offers a model on this device, in plain words first.',
    steps: async page => {
      await go(page, 'device')
      await page.locator('main h3').nth(1).waitFor()
    },
  },
]
const AREAS = {
  chat: 'Chat',
  compare: 'Compare',
  write: 'Write',
  analyse: 'Analyse',
  models: 'Models',
  device: 'Device',
}

/** All pages in one look. */
export const looked = (look, area, says) => ({
  name: look,
  look,
  pictures: PAGES.map(picture => ({
    ...picture,
    name: `${look}-${picture.name}`,
    area,
    says: `${AREAS[picture.name]}, ${says}.`,
  })),
})
