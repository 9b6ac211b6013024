/** What the helpers say of their troubles. */
import { afterEach, expect, test } from 'vitest'
import { EngineError } from '../../../web/src/engine/errors.ts'
import { Helpers } from '../../../web/src/state/grammar/helpers.ts'
import { speak } from '../../../web/src/text/index.ts'

afterEach(() => speak('en'))

test('why the model does not run is said in the page’s language', async () => {
  await speak('de')
  const helpers = new Helpers({ rules: { check: async () => [] } })
  helpers.failed('model', new EngineError('bad-request', { kind: 'empty-prompt' }))
  const message = 'Der Prompt ist leer: Das Modell braucht einen Anfang.'
  expect(helpers.model.value).toEqual({ status: 'failed', message })
})
