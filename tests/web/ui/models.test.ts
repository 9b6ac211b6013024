import { expect, test } from 'vitest'
import { chatModels, chatProblem, type ModelSummary, modelList } from '../../../web/src/state/models.ts'

const model = (id: string, architecture: ModelSummary['architecture']): ModelSummary => ({
  ...{ id, url: `/models/${id}/`, name: id, description: '', licence: 'Apache-2.0', parameters: 1, variants: [] },
  architecture,
})
const show = (...models: ModelSummary[]) => {
  modelList.value = { models_dir: '/models', models, errors: [], problem: null, isOffline: false }
}

test('the chat page offers decoders only', () => {
  show(model('minilm', 'encoder'), model('smollm2', 'decoder'), model('t5', 'encoder-decoder'))
  expect(chatModels.value.map(({ id }) => id)).toEqual(['smollm2'])
})

test('a decoder for another task is no chat model: it would repeat what it is asked', () => {
  const grammar = { ...model('grammar', 'decoder'), tasks: ['grammar'] }
  show(grammar, { ...model('smollm2', 'decoder'), tasks: ['chat', 'completion'] }, model('foreign', 'decoder'))
  expect(chatModels.value.map(({ id }) => id)).toEqual(['smollm2', 'foreign'])
})

test('a folder without one says why there is nothing to chat with', () => {
  show(model('minilm', 'encoder'), model('t5', 'encoder-decoder'))
  expect(chatModels.value).toEqual([])
  expect(chatProblem.value).toMatch(/No model here can chat: minilm, t5 .*smollm2-135m-instruct/)
  modelList.value = { models_dir: '/models', models: [], errors: [], problem: 'No model in /models.', isOffline: false }
  expect(chatProblem.value).toBe('No model in /models.')
  modelList.value = null
  expect(chatProblem.value).toBe('The models folder is empty.')
})
