/** Presets: out to a file and back without loss, and files from elsewhere. */
import { beforeEach, expect, test } from 'vitest'
import {
  deletePreset,
  type Preset,
  presetFile,
  presets,
  readPresetFile,
  renamePreset,
  savePreset,
} from '../../../web/src/state/presets.ts'
import { type ChatSettings, MODEL_DEFAULTS } from '../../../web/src/tasks/chat.ts'

const careful: ChatSettings = { ...MODEL_DEFAULTS, temperature: 0, seed: 3, stop: ['\n'], system: 'Be “brief”.\n' }
const names = () => presets.value.map(({ name }) => name)

beforeEach(() => {
  presets.value = []
})

test('a preset comes back from its file as it was', () => {
  savePreset('  Careful   one ', careful)
  const [saved] = presets.value as [Preset]
  expect(saved.name).toBe('Careful one')
  const file = presetFile(saved)
  presets.value = []
  expect(readPresetFile(file)).toEqual({ name: 'Careful one', settings: careful })
})

test('a file’s preset never replaces one: it gets a name of its own', () => {
  savePreset('Careful', careful)
  savePreset('Careful 2', careful)
  expect(readPresetFile(presetFile({ name: 'Careful', settings: careful }))).toMatchObject({ name: 'Careful 3' })
})

test.each([
  ['{', { kind: 'not-json' }],
  ['[]', { kind: 'not-a-preset' }],
  ['{"format":"slm-playground-preset","version":1,"name":" "}', { kind: 'not-a-preset' }],
  ['{"format":"slm-playground-preset","version":2,"name":"x"}', { kind: 'too-new', version: 2 }],
  [
    '{"format":"slm-playground-preset","version":1,"name":"x","settings":{"temperature":9,"top_k":-1}}',
    { kind: 'wrong-settings', names: ['temperature', 'top_k'] },
  ],
])('%s says what is wrong with it', (text, problem) => {
  expect(readPresetFile(text)).toEqual(problem)
})

test('saving over, renaming, deleting and taking that back', () => {
  savePreset('b', careful)
  savePreset('a', MODEL_DEFAULTS)
  const undoSave = savePreset('b', MODEL_DEFAULTS)
  expect(presets.value[1]?.settings).toEqual(MODEL_DEFAULTS)
  undoSave()
  expect(presets.value[1]?.settings).toEqual(careful)
  expect([renamePreset('b', 'a'), renamePreset('b', ' '), renamePreset('b', 'c')]).toEqual([false, false, true])
  const undo = deletePreset('a')
  expect(names()).toEqual(['c'])
  savePreset('d', careful)
  undo()
  expect(names()).toEqual(['a', 'c', 'd'])
})
