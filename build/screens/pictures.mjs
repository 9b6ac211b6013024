/**
 * What is pictured: sessions of one tab each, with the steps from one picture to the next. `area` is the heading in the
 * index, `says` the sentence beside the picture. Steps wait for what they lead to.
 */
import { CHAT, SETTINGS } from './chat.mjs'
import { DEVICE, EMPTY, MODELS } from './machine.mjs'
import { looked, PAGES } from './pages.mjs'
import { ask, open, QUESTION, settings } from './steps.mjs'
import { ANALYSE, COMPARE, WRITE } from './work.mjs'

const within = (area, pictures) => pictures.map(picture => ({ area, ...picture }))

export const SESSIONS = [
  { name: 'chat', pictures: within('Chat', CHAT) },
  { name: 'settings', pictures: within('Settings', SETTINGS) },
  {
    name: 'beside',
    look: 'wide',
    pictures: within('Settings', [
      {
        name: 'settings-advanced',
        says: 'On a wide screen the settings stand beside the chat; advanced shows all of them.',
        steps: async (page, stage) => {
          await open(page, stage)
          await ask(page, QUESTION)
          await settings(page)
          await page.locator('.side-panel').getByLabel('Advanced').check()
        },
      },
    ]),
  },
  { name: 'compare', pictures: within('Compare', COMPARE) },
  { name: 'write', pictures: within('Write', WRITE) },
  { name: 'analyse', pictures: within('Analyse', ANALYSE) },
  { name: 'models', pictures: within('Models', MODELS) },
  { name: 'empty', models: 'none', pictures: within('Without a model', EMPTY) },
  { name: 'device', pictures: within('Device', DEVICE) },
  looked('dark', 'Dark', 'dark'),
  looked('phone', 'On a phone', 'on a screen of 390 pixels'),
  looked('german', 'In German', 'in German'),
  looked('contrast', 'High contrast', 'with the contrast that the system asks for'),
]
