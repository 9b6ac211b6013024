/** Vectors of attached texts: read once by each model that is asked. */
import { expect, test } from 'vitest'
import { vectorsOf } from '../../../web/src/state/sources.ts'
import { fakeEngine } from '../engine/fake.ts'

const PASSAGES = ['Bach wrote it.', 'It rained.'].map((text, index) => ({
  ...{ attachment: 'a text', start: index * 20, end: index * 20 + text.length, text },
}))

/** A model whose vectors all begin with its own number. */
function model(number: number) {
  const read: string[] = []
  const { info } = fakeEngine()
  const embed = async (texts: readonly string[]) => {
    read.push(...texts)
    const vectors = texts.map(text => Float32Array.of(number, text.length))
    return { vectors, truncated: texts.map(() => false), promptTokens: 1 }
  }
  return { read, engine: { embed, info: { ...info, bundle: { ...info.bundle, id: `model-${number}` } } } }
}

// Vectors of one model were compared with a question's by another.
test('a text is read once by a model, and anew by another one', async () => {
  const { signal } = new AbortController()
  const [one, two] = [model(1), model(2)]
  for (const { engine } of [one, one, two]) await vectorsOf(engine, PASSAGES, signal)
  expect(await vectorsOf(two.engine, PASSAGES, signal)).toEqual([Float32Array.of(2, 14), Float32Array.of(2, 10)])
  expect(await vectorsOf(one.engine, PASSAGES, signal)).toEqual([Float32Array.of(1, 14), Float32Array.of(1, 10)])
  expect([one.read, two.read]).toEqual([PASSAGES.map(({ text }) => text), PASSAGES.map(({ text }) => text)])
})
