/** The chat page in its states, and its settings. */
import { join } from 'node:path'
import { longText, pdf } from './files.mjs'
import { PAGES } from './pages.mjs'
import { ask, attach, button, close, dialog, finished, newChat, open, QUESTION, send, settings } from './steps.mjs'

const REVIEW = 'The film was long but good.'

export const CHAT = [
  {
    name: 'chat-loading',
    says: 'The first start: the weights are loading, and the first message can be written already.',
    steps: async (page, { url, way }) => {
      way.bytesPerSecond = 20e6
      await page.goto(url)
      await page.locator('progress[value]').waitFor()
      await page.waitForFunction(() => document.querySelector('progress[value]')?.value > 3e7)
    },
  },
  {
    name: 'chat-first',
    says: 'Nothing said yet: what this is, and examples to begin with.',
    steps: async (page, { way }) => {
      way.bytesPerSecond = Infinity
      await page.locator('.bar .badge.good').waitFor()
    },
  },
  {
    name: 'chat-streaming',
    says: 'An answer while it is written; the round button stops it.',
    steps: async page => {
      await send(page, 'Write a long story about a lighthouse keeper and her dog.')
      await page.waitForFunction(() => (document.querySelector('li[aria-busy=true]')?.textContent ?? '').length > 500)
    },
  },
  {
    name: 'chat-stopped',
    says: 'A stopped answer keeps what was written; “Continue” goes on from there.',
    steps: async page => {
      await page.locator('.round.stop').click()
      await page.locator('aside.notice button').last().click()
      await finished(page)
    },
  },
  {
    ...PAGES[0],
    steps: async page => {
      await newChat(page)
      await ask(page, 'List five fruits.')
      await ask(page, QUESTION)
    },
  },
  {
    name: 'chat-tokens',
    says: 'The token microscope: where the model was unsure, and what else could have come at the chosen token.',
    steps: async page => {
      await button(page, 'Tokens').last().click()
      await page.locator('.tokens .token').nth(8).click()
      await page.locator('.alternatives').scrollIntoViewIfNeeded()
    },
  },
  {
    name: 'chat-branch',
    says: 'Another token was chosen: the answer goes on from it as a version of its own.',
    steps: async page => {
      await button(page, /^Continue from/)
        .first()
        .click()
      await page.getByText('2/2').waitFor() // below the answer, once it is written
    },
  },
  {
    name: 'chat-edit',
    says: 'Editing a question: the version before it stays.',
    steps: async page => {
      await button(page, 'Edit').nth(2).click()
      await page.getByRole('textbox', { name: 'Your question' }).fill('Explain in one sentence why the sea is salty.')
    },
  },
  {
    name: 'chat-versions',
    says: 'The second of three versions of a question, each with its own answers; the arrows lead to the others.',
    steps: async page => {
      await page.getByRole('textbox', { name: 'Your question' }).press('Enter')
      await finished(page)
      await button(page, 'Edit').nth(2).click()
      await page.getByRole('textbox', { name: 'Your question' }).fill('Explain in one sentence why leaves are green.')
      await page.getByRole('textbox', { name: 'Your question' }).press('Enter')
      await finished(page)
      await button(page, 'Previous version').click()
      await page.getByText('2/3').waitFor()
    },
  },
  {
    name: 'chat-menu',
    says: 'What can be done with a chat in the list.',
    steps: async page => {
      await page.locator('.chats-list li button').first().click()
      await page.getByRole('menuitem').first().waitFor()
    },
  },
  {
    name: 'chat-deleted',
    says: 'A deleted chat can be brought back.',
    steps: async page => {
      await page.getByRole('menuitem', { name: 'Delete chat' }).click()
      await page.locator('.notice.undo').waitFor()
    },
  },
  {
    name: 'chat-search',
    says: 'Search in titles and in all that was said, with the places marked.',
    steps: async page => {
      await button(page, 'Undo').click()
      await page.locator('#search-chats').fill('sky')
      await page.locator('.chats-list .hit mark').first().waitFor()
    },
  },
  {
    name: 'chat-full',
    says: 'Before sending: the context is nearly full, and what will be left out is said.',
    steps: async page => {
      await page.locator('#search-chats').fill('')
      await page.locator('#composer').fill(longText(6300))
      await page.getByText(/will be left out/).waitFor()
    },
  },
  {
    name: 'chat-attached',
    says: 'A PDF goes along with the next question; it is read on this device.',
    steps: async (page, { folder }) => {
      await newChat(page)
      await page.locator('#composer').fill('What was the lighthouse keeper of Brenholm called?')
      await attach(page, pdf(join(folder, 'brenholm.pdf')))
    },
  },
  {
    name: 'chat-sources',
    says: 'The file is longer than the model reads: the passages that it was given instead.',
    steps: async page => {
      await page.locator('#composer').press('Enter')
      await finished(page)
      await page.locator('details.sources summary').click()
      await page
        .locator('.bubble')
        .last()
        .evaluate(question => question.scrollIntoView())
    },
  },
  {
    name: 'requests',
    says: 'Every request of the page since it was loaded, and a test that an answer makes none.',
    steps: async page => {
      await page.locator('.foot .quiet').click()
      await page.locator('.prove .primary').click()
      await page.locator('.prove .note').waitFor()
    },
  },
  {
    name: 'commands',
    says: 'Ctrl+K finds everything by name.',
    steps: async page => {
      await close(page)
      await page.keyboard.press('Control+k')
      await dialog(page).waitFor()
    },
  },
  {
    name: 'shortcuts',
    says: 'All keys of the chat page.',
    steps: async page => {
      await close(page)
      await page.locator('main').focus()
      await page.keyboard.press('?')
      await dialog(page).waitFor()
    },
  },
]

export const SETTINGS = [
  {
    name: 'settings',
    says: 'The settings that most people need, as sliders and numbers.',
    steps: async (page, stage) => {
      await open(page, stage)
      await settings(page)
    },
  },
  {
    name: 'settings-schema',
    says: 'The shape of answers as a JSON schema, checked by the engine.',
    steps: async page => {
      await dialog(page).getByLabel('JSON that fits a schema').check()
      await dialog(page).getByLabel('Example').selectOption('A rating with its reason')
      await button(dialog(page), 'Check').click()
      await page.getByText('The engine can hold an answer to this.').waitFor()
      await dialog(page).getByLabel('JSON schema').scrollIntoViewIfNeeded()
    },
  },
  {
    name: 'chat-schema',
    says: 'An answer that fits the schema.',
    steps: async page => {
      await button(dialog(page), 'Done').click()
      await ask(page, REVIEW)
    },
  },
  {
    name: 'settings-wrong-schema',
    says: 'A schema that the engine cannot hold an answer to is refused by name.',
    steps: async page => {
      await settings(page)
      await dialog(page).getByLabel('JSON schema').fill('{ "type": "object", "dependentSchemas": {} }')
      await button(dialog(page), 'Check').click()
      await page.getByText(/dependentSchemas.*not supported/).waitFor()
    },
  },
  {
    name: 'chat-failed',
    says: 'An answer that failed says why; it can be tried again.',
    steps: async page => {
      await button(dialog(page), 'Done').click()
      await send(page, REVIEW)
      await page.locator('.inline-error').waitFor()
    },
  },
]
