/** Writing, comparing and analysing in their states. */
import { apart, PAGES } from './pages.mjs'
import { button, close, compare, dialog, example, lanes, open } from './steps.mjs'

const MISTAKES =
  'She go to school every day. My brother have a dog.\n\nThe weather is nice today, and we was happy about it.\n'

export const WRITE = [
  {
    name: 'write',
    says: PAGES[2].says,
    steps: async (page, stage) => {
      await open(page, stage, 'write')
      await PAGES[2].steps(page)
    },
  },
  {
    name: 'write-corrections',
    says: 'Corrections by rules and the grammar model: underlined in the text, listed beside it.',
    steps: async page => {
      await page.locator('.write-list-top .tool').click()
      await button(page, /corrections?$/i)
        .first()
        .click()
      await page.locator('.write-text .cm-content').click()
      await page.keyboard.insertText(MISTAKES)
      await page.waitForFunction(
        () => document.querySelector('.write-text').shadowRoot.querySelectorAll('[data-mark]').length >= 3,
      )
      await page.locator('.write-panel progress').waitFor({ state: 'detached' })
    },
  },
  {
    name: 'write-popup',
    says: 'One correction: what changes, why, who found it, and what to do.',
    steps: async page => {
      await page.keyboard.press('Control+Home')
      await page.keyboard.press('F8')
      await page.locator('.mark-popup').waitFor()
    },
  },
  {
    name: 'write-difference',
    says: 'All corrections as changes of the text, before they are taken.',
    steps: async page => {
      await page.keyboard.press('Escape')
      await button(page, 'Show all as changes').click()
      await dialog(page).locator('ins, del').first().waitFor()
    },
  },
  {
    name: 'write-trial',
    says: 'The typing trial: short sentences, in turn with and without suggestions, against the clock.',
    steps: async page => {
      await close(page)
      await page.locator('.write-bar [aria-haspopup=menu]').click()
      await page.getByRole('menuitem', { name: 'Typing trial' }).click()
      await button(dialog(page), 'Start').click()
      await dialog(page).locator('.trial-box').waitFor()
      const sentence = await dialog(page).locator('.trial-target').innerText()
      await page.keyboard.type(sentence.slice(0, 20))
    },
  },
  {
    name: 'write-keys',
    says: 'The keys of the writing page, each of which can be changed.',
    steps: async page => {
      await dialog(page).locator('button.tool').first().click()
      await page.locator('.write-bar [aria-haspopup=menu]').click()
      await page.getByRole('menuitem', { name: 'Keys' }).click()
      await dialog(page).waitFor()
    },
  },
]

export const COMPARE = [
  {
    name: 'compare-first',
    says: 'Two columns before anything was asked.',
    steps: async (page, stage) => {
      await open(page, stage, 'compare')
      await lanes(page, 2)
    },
  },
  { ...PAGES[1], steps: apart },
  {
    name: 'compare-blind',
    says: 'Blind: nobody knows which column is which until the vote.',
    steps: async page => {
      await page.getByLabel('Blind').check()
      await compare(page, 'What is a lighthouse for?')
      await page.locator('.ballot').waitFor()
    },
  },
  {
    name: 'compare-scores',
    says: 'The score sheet after a vote.',
    steps: async page => {
      await button(page, 'A is best').click()
      await button(page, 'Score sheet').click()
      await dialog(page).waitFor()
    },
  },
  {
    name: 'compare-four',
    says: 'Four columns, one of which cannot run here and says why.',
    steps: async page => {
      await close(page)
      await page.getByLabel('Blind').uncheck()
      await button(page, 'New prompt').click()
      await page.locator('.notice.undo button').last().click()
      await button(page, 'Add a column').click()
      await button(page, 'Add a column').click()
      await lanes(page, 4)
      const ways = page.getByLabel('Runs on')
      await ways.last().evaluate(select => {
        const gpu = [...select.options].find(({ text }) => text.startsWith('WebGPU'))
        gpu.disabled = false
        select.value = gpu.value
        select.dispatchEvent(new Event('change', { bubbles: true }))
      })
      await page.setViewportSize({ width: 1440, height: 810 })
      await compare(page, 'List three colours.')
    },
  },
]

export const ANALYSE = [
  {
    name: 'analyse-first',
    says: 'Five questions to a text, with what the model can and cannot do.',
    steps: async (page, stage) => {
      await open(page, stage, 'analyse')
    },
  },
  ...[
    ['analyse-sentiment', 'Sentiment, sentence by sentence, with how sure the model is.', 0],
    ['analyse-names', 'Names in a text, marked where they stand.', 1],
    ['analyse', PAGES[3].says, 2],
    ['analyse-summary', 'A summary whose sentences are checked against the text.', 3],
    ['analyse-translation', 'A translation, labelled with how little to expect of a small model.', 4],
  ].map(([name, says, kind]) => ({ name, says, steps: page => example(page, kind) })),
]
