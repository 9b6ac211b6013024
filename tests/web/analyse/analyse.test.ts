/** The analyse tasks over a scripted scorer: places in the text, calibration, quotations, checks. */
import { describe, expect, it } from 'vitest'
import type { Engine, ScoreRequest } from '../../../web/src/engine/api.ts'
import { candidatesOf, entitiesOf } from '../../../web/src/tasks/analyse/entities.ts'
import { labelled, softmax } from '../../../web/src/tasks/analyse/labels.ts'
import { classesOf, isMadeFor, rewriteRequest, taggedOf } from '../../../web/src/tasks/analyse/made-for.ts'
import { answerFrom, quotationsOf } from '../../../web/src/tasks/analyse/question.ts'
import { sentencesOf, wordsOf } from '../../../web/src/tasks/analyse/sentences.ts'
import { feelingOf } from '../../../web/src/tasks/analyse/sentiment.ts'
import { checkSummary, firstSentences } from '../../../web/src/tasks/analyse/summary.ts'

type Scorer = Pick<Engine, 'score'>

/** Scores each continuation by what is asked; counts the calls. */
function scorer(log: (prompt: string, continuation: string) => number): Scorer & { asked: ScoreRequest[] } {
  const asked: ScoreRequest[] = []
  return {
    asked,
    score: async request => {
      asked.push(request)
      return request.continuations.map(continuation => log(String(request.prompt), continuation))
    },
  }
}

const places = (text: string, spans: readonly { start: number; end: number; text: string }[]) => {
  for (const { start, end, text: part } of spans) expect(text.slice(start, end)).toBe(part)
  return spans.map(({ text: part }) => part)
}

describe('sentences and words', () => {
  it.each([
    ['One. Two! Three?', ['One.', 'Two!', 'Three?']],
    ['Dr. Smith met Mr. Jones. They left.', ['Dr. Smith met Mr. Jones.', 'They left.']],
    ['It cost 3.50 euros.  \n\nNext line', ['It cost 3.50 euros.', 'Next line']],
    ['', []],
    ['…  \n --', []],
    ['👩‍👩‍👧 hi. Ok', ['👩‍👩‍👧 hi.', 'Ok']],
  ])('%j', (text, expected) => {
    expect(places(text, sentencesOf(text))).toEqual(expected)
  })

  it('words keep what joins them inside, and drop what stands around them', () => {
    const text = '“Don’t pay 3.50,” she said: well-known.'
    expect(places(text, wordsOf(text))).toEqual(['Don’t', 'pay', '3.50', 'she', 'said', 'well-known'])
  })
})

describe('labels', () => {
  it('what an empty text would be called is taken off: a bias of the model decides nothing', async () => {
    const task = { prompt: (text: string) => text, written: { yes: ' yes', no: ' no' }, empty: [''] }
    const biased = scorer((prompt, label) => (label === ' yes' ? 5 : 0) + (prompt === 'bad' && label === ' no' ? 2 : 0))
    const bad = await labelled(biased, { task, text: 'bad' })
    expect(bad.no).toBeCloseTo(softmax([0, 2])[1] ?? 0, 6)
    expect((await labelled(biased, { task, text: 'other' })).no).toBeCloseTo(0.5, 6)
    expect(biased.asked).toHaveLength(3) // what is taken off was asked for once
  })

  it('a failure is not kept: the next text asks again', async () => {
    let fails = true
    const engine: Scorer = {
      score: async ({ continuations }) => {
        if (fails) throw new Error('gone')
        return continuations.map(() => 0)
      },
    }
    const task = { prompt: (text: string) => text, written: { yes: ' yes', no: ' no' }, empty: ['x'] }
    await expect(labelled(engine, { task, text: 'a' })).rejects.toThrow('gone')
    fails = false
    expect(await labelled(engine, { task, text: 'a' })).toEqual({ yes: 0.5, no: 0.5 })
  })

  it('softmax bears numbers that overflow alone', () => {
    expect(softmax([1000, 1000])).toEqual([0.5, 0.5])
    expect(softmax([-2000, 0])[0]).toBe(0)
  })
})

it('sentiment: each sentence has its place, the whole is weighted by length, progress is told', async () => {
  const engine = scorer((prompt, label) =>
    prompt.includes('Text: Awful.\nSentiment:') && label === ' negative' ? 8 : 0,
  )
  const told: number[] = []
  const text = 'Awful. The train leaves at nine from platform four.'
  const feeling = await feelingOf(engine, text, { onSentence: done => told.push(done) })
  expect(places(text, feeling.sentences)).toEqual(['Awful.', 'The train leaves at nine from platform four.'])
  expect(feeling.sentences[0]?.sentiment).toBe('negative')
  expect(feeling.sentences[0]?.shares.negative).toBeGreaterThan(0.99)
  expect(feeling.shares.negative).toBeLessThan(0.5) // the long sentence says nothing
  expect(told).toEqual([1, 2])
  expect((await feelingOf(engine, '')).sentences).toEqual([])
})

describe('names', () => {
  it.each([
    ['Tim Cook runs Apple in Cupertino.', ['Tim Cook', 'Apple', 'Cupertino']],
    ['The Bank of England and the City of London met.', ['Bank of England', 'City of London']],
    ['However, Dr. Ana de Souza came. Walking is good.', ['Dr. Ana de Souza']],
    ['nothing here is a name.', []],
    ['In Berlin. When? We met Angela Merkel there.', ['Berlin', 'Angela Merkel']],
  ])('%j', (text, expected) => {
    expect(places(text, candidatesOf(text))).toEqual(expected)
  })

  it('dates and amounts come from a rule, a name is asked about once however often it stands there', async () => {
    const text = 'Reuters said on 3 May 2027 that $2.5 billion went to Reuters, 12% more than in 2019.'
    const engine = scorer((prompt, label) => (prompt.endsWith('Reuters is') && label === ' an organisation.' ? 6 : 0))
    const found = await entitiesOf(engine, text)
    expect(found.map(({ text: part, kind }) => [part, kind])).toEqual([
      ['Reuters', 'organisation'],
      ['3 May 2027', 'date'],
      ['$2.5 billion', 'amount'],
      ['Reuters', 'organisation'],
      ['12%', 'amount'],
      ['2019', 'date'],
    ])
    places(text, found)
    expect(engine.asked.filter(({ prompt }) => String(prompt).endsWith('Reuters is'))).toHaveLength(1)
  })
})

describe('questions', () => {
  const TEXT = 'Rain fell all day. The mill was built by Ada Crane in 1843. It burned down.'

  it('the answer is a quotation, with its place; what overlaps it adds to its share', async () => {
    const engine = scorer((prompt, continuation) => {
      if (continuation === ' Who built it?') return prompt.startsWith('The mill') ? -3 : -20
      return continuation === ' Ada Crane\n' ? -1 : continuation === ' by Ada Crane\n' ? -2 : -12
    })
    const told: number[] = []
    const answer = await answerFrom(engine, {
      text: TEXT,
      question: 'Who built it?',
      onProgress: done => told.push(done),
    })
    const [first] = answer.quotations
    expect(first?.text).toBe('Ada Crane')
    expect(first?.share).toBeGreaterThan(0.99)
    places(TEXT, answer.quotations)
    expect(answer.evidence[0]?.text).toBe('The mill was built by Ada Crane in 1843.')
    expect(told).toEqual([1, 2, 3, 4, 5])
  })

  it('every run of up to eight words is weighed, none twice', () => {
    const [, mill] = sentencesOf(TEXT)
    const spans = quotationsOf(mill ?? { start: 0, end: 0, text: '' })
    places(TEXT, spans)
    expect(spans).toHaveLength(9 * 8 - (8 * 7) / 2)
    expect(new Set(spans.map(({ start, end }) => `${start} ${end}`)).size).toBe(spans.length)
  })

  it('a text without words has no answer, and an abort ends it', async () => {
    expect(
      await answerFrom(
        scorer(() => 0),
        { text: '…', question: 'Who?' },
      ),
    ).toEqual({ quotations: [], evidence: [] })
    const stop = new AbortController()
    const engine: Scorer = {
      score: async ({ signal }) => {
        signal?.throwIfAborted()
        stop.abort()
        return [0]
      },
    }
    const aborted = answerFrom(engine, { text: TEXT, question: 'Who?', signal: stop.signal })
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
  })
})

// Two were asked for, and four came.
it('a summary ends behind the sentences that were asked for, once another one begins', () => {
  const written = 'The bridge fell. It was rebuilt by Mr. Smith in 1887. It'
  expect(firstSentences('The bridge fell. It was rebuilt by Mr. Smith', 2)).toBeNull()
  expect(firstSentences(written.slice(0, -3), 2)).toBeNull()
  expect(firstSentences(written, 2)).toBe('The bridge fell. It was rebuilt by Mr. Smith in 1887.')
  expect(firstSentences(written, Infinity)).toBeNull()
})

it('a summary is held against its text: what it rests on, and what is not there', () => {
  const text = 'The mill was built by Ada Crane in 1843. It burned down in a storm.'
  const [good, bad] = checkSummary('Ada Crane built the mill in 1843. Later Bob Hill bought it for 900 pounds.', text)
  expect(good).toMatchObject({ support: 1, unknown: [] })
  expect(good?.source?.text).toBe('The mill was built by Ada Crane in 1843.')
  expect(bad?.unknown).toEqual(['Bob', 'Hill', '900'])
  expect(bad?.support).toBe(0)
  expect(checkSummary('', text)).toEqual([])
})

describe('models that were made for it', () => {
  it('are told by what they are, a chat model is none', () => {
    const classifier = { architecture: 'encoder' as const, tasks: ['text-classification'] }
    const tagger = { architecture: 'encoder' as const, tasks: ['token-classification'] }
    const rewriter = { architecture: 'encoder-decoder' as const, tasks: ['completion'] }
    const chat = { architecture: 'decoder' as const, tasks: ['chat', 'completion'] }
    const kinds = ['sentiment', 'names', 'question', 'summary', 'translation'] as const
    const made = (model: Parameters<typeof isMadeFor>[1]) => kinds.filter(kind => isMadeFor(kind, model))
    expect([classifier, tagger, rewriter, chat].map(made)).toEqual([
      ['sentiment'],
      ['names'],
      ['summary', 'translation'],
      [],
    ])
  })

  it('classify each sentence; the whole is weighted by length, best first, with the names as they are', async () => {
    const done: number[] = []
    const classify = async (text: string) => ({
      labels: [
        { label: 'LABEL_0', score: text.startsWith('Bad') ? 0.9 : 0.2 },
        { label: 'LABEL_1', score: text.startsWith('Bad') ? 0.1 : 0.8 },
      ],
      truncated: false,
    })
    const text = 'Bad. Good enough for me.'
    const { sentences, labels } = await classesOf({ classify }, text, { onProgress: count => done.push(count) })
    expect(places(text, sentences)).toEqual(['Bad.', 'Good enough for me.'])
    expect(done).toEqual([1, 2])
    expect(labels.map(({ label }) => label)).toEqual(['LABEL_1', 'LABEL_0'])
    expect(labels[0]?.score).toBeCloseTo((4 * 0.1 + 19 * 0.8) / 23, 9)
  })

  it('tags have their places in the whole text', async () => {
    const tag = async (text: string) => {
      const start = text.indexOf('Paris')
      const found = start < 0 ? [] : [{ label: 'LOC', score: 0.9, text: 'Paris', start, end: start + 5 }]
      return { entities: found, truncated: false }
    }
    const text = 'We left. 👩‍👩‍👧 in Paris now. It rains in Paris.'
    expect(places(text, await taggedOf({ tag }, text))).toEqual(['Paris', 'Paris'])
  })

  it('rewriters get the beginning that they were trained with, others of their family the usual one, the rest none', () => {
    const { signal } = new AbortController()
    const prefixes = [{ task: 'translation_en_to_de', prefix: 'translate English to German: ' }]
    const prompt = (family: string, kind: 'summary' | 'translation', language: string) =>
      rewriteRequest({ prefixes, bundle: { family } }, { kind, text: ' Hello. ', language }, signal).prompt
    expect(prompt('t5', 'translation', 'German')).toBe('translate English to German: Hello.')
    expect(prompt('t5', 'translation', 'Italian')).toBe('translate English to Italian: Hello.')
    expect(prompt('t5', 'summary', 'German')).toBe('summarize: Hello.')
    expect(prompt('bart', 'summary', 'German')).toBe('Hello.')
  })
})
