/** What the helpers say of their troubles. */
import { signal } from '@preact/signals'
import { h, render } from 'preact'
import { afterEach, expect, test } from 'vitest'
import { page } from 'vitest/browser'
import { EngineError } from '../../../web/src/engine/errors.ts'
import { Helpers } from '../../../web/src/state/grammar/helpers.ts'
import { changeGrammar } from '../../../web/src/state/grammar/settings.ts'
import { speak } from '../../../web/src/text/index.ts'
import { GrammarDesk } from '../../../web/src/ui/write/grammar/desk.ts'
import { MarksPanel } from '../../../web/src/ui/write/grammar/panel.tsx'

afterEach(() => speak('en'))

test('why the model does not run is said in the page’s language', async () => {
  await speak('de')
  const helpers = new Helpers({ rules: { check: async () => [] } })
  helpers.failed('model', new EngineError('bad-request', { kind: 'empty-prompt' }))
  const message = 'Der Prompt ist leer: Das Modell braucht einen Anfang.'
  expect(helpers.model.value).toEqual({ status: 'failed', message })
})

test('without the model the rules check alone, unless they could not be loaded either', async () => {
  changeGrammar({ enabled: true, source: 'both' })
  const desk = new GrammarDesk({ undo: () => {}, isListOpen: signal(true), rules: { check: async () => [] } })
  const { helpers } = desk.checker
  helpers.model.value = { status: 'missing' }
  const root = document.createElement('div')
  document.body.replaceChildren(root)
  render(h(MarksPanel, { desk, difference: signal(false) }), root)
  await expect.element(page.getByText('Until then the rules check alone.')).toBeVisible()
  helpers.rulesTrouble.value = 'There is no network.'
  await expect.element(page.getByText('Until then nothing is checked.')).toBeVisible()
  render(null, root)
})
