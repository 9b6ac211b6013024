/** Proofreading over a scripted engine: order, cache, confidence, guards, odd texts, aborts. */
import { describe, expect, test } from 'vitest'
import type { ProofreadSentence } from '../../../web/src/engine/api.ts'
import { applied } from '../../../web/src/engine/proofread/place.ts'
import { fakeEngine, type Script } from './fake.ts'
import { failureOf } from './suite.ts'

/** Corrects what the table says and copies everything else. */
function scripted(answers: Record<string, string>, more: Script = {}) {
  const asked: string[] = []
  const engine = fakeEngine({
    answer: prompt => {
      if (asked.at(-1) !== prompt) asked.push(prompt)
      return (answers[prompt] ?? prompt).split(/(?= )/)
    },
    ...more,
  })
  return { engine, asked }
}

describe('a text', () => {
  const TEXT = 'Their going two the store.  He go home.\n\nAll is well here.'
  const ANSWERS = {
    'Their going two the store.': "They're going to the store.",
    'He go home.': 'He goes home.',
  }

  test('comes back in the shape of the Proofreader API; applying all corrections gives the corrected text', async () => {
    const { engine } = scripted(ANSWERS)
    const result = await engine.proofread(TEXT)
    expect(result.correctedInput).toBe("They're going to the store.  He goes home.\n\nAll is well here.")
    expect(
      result.corrections.map(({ startIndex, endIndex, correction }) => [startIndex, endIndex, correction]),
    ).toEqual([
      [0, 5, "They're"],
      [12, 15, 'to'],
      [31, 33, 'goes'],
    ])
    expect(Object.keys(result)).toEqual(['correctedInput', 'corrections'])
    for (const correction of result.corrections)
      expect(Object.keys(correction).sort()).toEqual(['correction', 'endIndex', 'explanation', 'startIndex', 'types'])
    const edits = result.corrections.map(({ startIndex: start, endIndex: end, correction: text }) => ({
      start,
      end,
      text,
    }))
    expect(applied(TEXT, edits)).toBe(result.correctedInput)
  })

  test('is asked about sentence by sentence, and again only where it changed', async () => {
    const { engine, asked } = scripted(ANSWERS)
    const seen: ProofreadSentence[] = []
    await engine.proofread(TEXT, { onSentence: sentence => seen.push(sentence) })
    expect(asked).toEqual(['Their going two the store.', 'He go home.', 'All is well here.'])
    expect(seen.map(({ cached }) => cached)).toEqual([false, false, false])
    expect(seen.map(({ startIndex, endIndex, text }) => TEXT.slice(startIndex, endIndex) === text)).toEqual([
      true,
      true,
      true,
    ])
    seen.length = 0
    await engine.proofread(`New words here. ${TEXT.replace('All is', 'All was')}`, {
      onSentence: one => seen.push(one),
    })
    expect(asked.slice(3)).toEqual(['New words here.', 'All was well here.'])
    expect(seen.map(({ cached }) => cached)).toEqual([false, true, true, false])
    expect(seen[1]?.corrections.map(({ startIndex }) => startIndex)).toEqual([16, 28])
    expect(seen.map(({ stats }) => stats?.outputTokens ?? null)).toEqual([3, null, null, 4])
  })

  test('begins where the reader is', async () => {
    const { engine, asked } = scripted({})
    await engine.proofread('One is here. Two is here. Three is here.', { startAt: 14 })
    expect(asked).toEqual(['Two is here.', 'Three is here.', 'One is here.'])
  })

  test('confidence is the gain over the copy; what gains too little is told and not applied', async () => {
    const { engine } = scripted(ANSWERS, { score: text => (text === 'He goes home.' ? -3 : -4.5) })
    const seen: ProofreadSentence[] = []
    const options = { onSentence: (one: ProofreadSentence) => seen.push(one) }
    expect((await engine.proofread('He go home.', options)).corrections).toEqual([])
    expect(seen[0]?.corrections).toMatchObject([
      { confidence: 1.5, guardedBecause: 'low-confidence', correction: 'goes' },
    ])
    expect((await engine.proofread('He go home.', { threshold: 1 })).correctedInput).toBe('He goes home.')
  })

  test('a kind of edit with a margin must gain that much more', async () => {
    const withMargins = (margins: Record<string, number>) => ({
      score: (text: string) => (text === 'He goes home.' ? -3 : -4.5),
      info: { proofreading: { trained: true, threshold: 2, margins } },
    })
    const strict = scripted(ANSWERS, withMargins({ grammar: 1 })).engine
    expect((await strict.proofread('He go home.', { threshold: 1 })).corrections).toEqual([])
    expect((await strict.proofread('He go home.', { threshold: 0.5 })).correctedInput).toBe('He goes home.')
    const elsewhere = scripted(ANSWERS, withMargins({ punctuation: 5 })).engine
    expect((await elsewhere.proofread('He go home.', { threshold: 1 })).correctedInput).toBe('He goes home.')
  })

  test('of changes that hang together none is worth more than all of them', async () => {
    const scores: Record<string, number> = {
      "They're going to the store.": -5,
      'Their going two the store.': -6,
      'Their going to the store.': -20,
      "They're going two the store.": -20,
    }
    const { engine } = scripted(ANSWERS, { score: text => scores[text] ?? Number.NaN })
    const seen: ProofreadSentence[] = []
    await engine.proofread('Their going two the store.', { onSentence: one => seen.push(one) })
    expect(seen[0]?.corrections.map(({ confidence }) => confidence)).toEqual([1, 1])
  })

  test.each<[string, string, string]>([
    ['What is the capital of France?', 'The capital of France is Paris.', 'rewrites'],
    ['He go home.', 'Sure, here is the corrected sentence: He goes home.', 'answers-text'],
    ['He go home to his mother.', '', 'answers-text'],
    ['He go to his home on the hill every evening.', 'He goes home.', 'length'],
    ['We paid 300 euros for it.', 'We paid 500 euros for it.', 'number'],
    ['We met Wolfshiem in the city.', 'We met Bolshie in the city.', 'name'],
    ['We met him in the city.', 'We met John in the city.', 'name'],
    ['See https://a.example/teh for more of it.', 'See https://a.example/the for more of it.', 'link'],
    ['See README.md and set MY_VAR for more of it.', 'See Readme.md and set My_Var for more of it.', 'code'],
    ['He said ‘I has it’ to his mother.', "He said 'I have it' to his mother.", 'quote'],
    ['Use the `teh` tag for more of it.', 'Use the `the` tag for more of it.', 'code'],
    ['He said "I has it" to his mother.', 'He said "I have it" to his mother.', 'quote'],
    ['The frobnicate is a good tool.', 'The fabricate is a good tool.', 'kept-word'],
  ])('%j answered with %j changes nothing (%s)', async (text, answer, reason) => {
    const { engine } = scripted({ [text.replace(/[‘’]/g, "'")]: answer }) // as the model is shown it
    const seen: ProofreadSentence[] = []
    const result = await engine.proofread(text, { keep: ['frobnicate'], onSentence: one => seen.push(one) })
    expect(result).toEqual({ correctedInput: text, corrections: [] })
    const reasons = seen.flatMap(one => [one.guardedBecause, ...one.corrections.map(edit => edit.guardedBecause)])
    expect(reasons).toContain(reason)
  })

  test.each<[string, string, string]>([
    ['- two bottle of milk', 'Two bottles of milk.', '- two bottles of milk.'],
    ['i. she go home', 'She goes home', 'i. she goes home'],
    ['- i has a dog', 'I have a dog', '- I have a dog'],
    ['- english lesson with Tom', 'English lessons with Tom', '- English lessons with Tom'],
    ['- teh dog is here', 'The dog is here', '- the dog is here'],
    ['- Two bottle of milk', 'Two bottles of milk', '- Two bottles of milk'],
    ['she go home', 'She goes home', 'She goes home'],
  ])('items of lists keep their small letters: %j answered with %j', async (text, answer, corrected) => {
    const score = (said: string) => (said === answer ? 20 : said.toLowerCase() === answer.toLowerCase() ? 10 : 0)
    const { engine } = scripted({ [text.replace(/^(?:-|i\.) /, '')]: answer }, { score })
    expect((await engine.proofread(text)).correctedInput).toBe(corrected)
  })

  test('what an item of a list was answered holds for no sentence, nor the other way round', async () => {
    const score = (said: string) => (/^She goes/.test(said) ? 20 : /^she goes/.test(said) ? 10 : 0)
    const { engine } = scripted({ 'she go home now': 'She goes home now' }, { score })
    expect((await engine.proofread('- she go home now\n\nshe go home now\n\n- she go home now')).correctedInput).toBe(
      '- she goes home now\n\nShe goes home now\n\n- she goes home now',
    )
  })

  test('a name at the beginning of a sentence is known from the rest of the text', async () => {
    const text = 'We met Inglethorp there. Inglethorp were late.'
    const { engine } = scripted({ 'Inglethorp were late.': 'Oglethorpe was late.' })
    expect((await engine.proofread(text)).correctedInput).toBe('We met Inglethorp there. Inglethorp was late.')
  })

  test('curly apostrophes stay curly', async () => {
    const { engine } = scripted({ "He's here and he dont know.": "He's here and he doesn't know." })
    expect((await engine.proofread('He’s here and he dont know.')).correctedInput).toBe(
      'He’s here and he doesn’t know.',
    )
  })

  const LONG = `${'this and that are in the house and '.repeat(1500)}more`
  test.each([
    ...['', ' ', 'a', '.', 'I', '\u0000', '\ud800', '\u202e\u202c', '👍', '12 34 56', 'Word', LONG],
    ...['Das ist ein deutscher Satz, und er ist nicht falsch.', 'Ceci est une phrase dans la langue de Molière.'],
    ...['これは日本語の文章です。', 'שלום עולם, מה שלומך היום?', 'Привет, как дела сегодня?'],
  ])('that is no English sentence comes back as it is, unasked: %#', async text => {
    const { engine, asked } = scripted({}, { info: { contextLength: 100_000 } })
    expect(await engine.proofread(text)).toEqual({ correctedInput: text, corrections: [] })
    expect(asked).toEqual([])
  })

  test.each(['He is 👍🏽 and\u0007 happy\u202e now.', 'A\u200bb is\u00a0here and there.', 'Is \ud83d this text?'])(
    'with odd characters comes back whole: %j',
    async text => {
      const { engine } = scripted({})
      expect(await engine.proofread(text)).toEqual({ correctedInput: text, corrections: [] })
    },
  )

  test('an abort rejects, leaves nothing half known, and the next call is answered', async () => {
    let go = () => {}
    const gate = new Promise<void>(resolve => {
      go = resolve
    })
    const { engine, asked } = scripted(ANSWERS, { beforeWord: () => gate })
    const stop = new AbortController()
    const failing = engine.proofread(TEXT, { signal: stop.signal })
    stop.abort()
    go()
    expect(await failureOf(failing)).toMatchObject({ name: 'AbortError' })
    asked.length = 0
    expect((await engine.proofread(TEXT)).corrections.length).toBe(3)
    expect(asked.length).toBe(3)
    expect(await failureOf(engine.proofread(TEXT, { signal: AbortSignal.abort() }))).toMatchObject({
      name: 'AbortError',
    })
  })

  test('two calls at once each get their own', async () => {
    const { engine } = scripted(ANSWERS)
    const [one, two] = await Promise.all([engine.proofread('He go home.'), engine.proofread(TEXT)])
    expect(one.correctedInput).toBe('He goes home.')
    expect(two.corrections.length).toBe(3)
  })

  test.each([
    [() => ({ threshold: Number.NaN }), 'threshold'],
    [() => ({ keep: [1] as unknown as string[] }), 'keep'],
    [() => ({ startAt: -1 }), 'startAt'],
  ])('wrong options are refused by name', async (options, field) => {
    const { engine } = scripted({})
    const error = await failureOf(engine.proofread('He go home.', options()))
    expect(error).toMatchObject({ code: 'bad-request' })
    expect(String(error)).toContain(`${field}: expected`)
  })
})
