/** Passages of long texts: cut at sentences, ranked, chosen to fit. */
import { expect, it } from 'vitest'
import { randomNumbers } from '../../../web/src/engine/random.ts'
import { dialogue, spokenBefore, spokenSoFar } from '../../../web/src/state/chats/spoken.ts'
import { add, emptyChat } from '../../../web/src/state/chats/tree.ts'
import type { Message } from '../../../web/src/state/chats/types.ts'
import { chosen, passagesIn, passagesOf, rankByMeaning, rankByWords } from '../../../web/src/tasks/sources.ts'

const TOPICS = [
  'The mill ground corn for the valley.',
  'Foxes hunt at dusk.',
  'The treaty of 1843 ended the war.',
  'Bread needs salt.',
]

it('passages are whole sentences, in order, without overlaps, and leave no word out (200 random texts)', () => {
  const random = randomNumbers(11)
  for (let round = 0; round < 200; round++) {
    const count = 1 + Math.floor(random() * 60)
    const text = Array.from({ length: count }, () => TOPICS[Math.floor(random() * TOPICS.length)]).join(
      random() < 0.2 ? '\n\n' : ' ',
    )
    const passages = passagesOf(text, 'a')
    let end = 0
    for (const passage of passages) {
      expect(text.slice(passage.start, passage.end)).toBe(passage.text)
      expect(passage.start).toBeGreaterThanOrEqual(end)
      expect(text.slice(end, passage.start).trim()).toBe('')
      expect(passage.text.length).toBeLessThanOrEqual(600)
      end = passage.end
    }
    expect(text.slice(end).trim()).toBe('')
  }
})

// Of 30 MB all was one piece of work: the page stood still for ten seconds.
it.each(['\n', ' ', ''])(
  'a long text is cut in many pieces of work, and loses no letter (between sentences: %j)',
  async between => {
    const text = Array.from({ length: 12_000 }, (_, at) => TOPICS[at % TOPICS.length]).join(between)
    let pieces = 0
    const passages = await passagesIn(text, 'a', async () => {
      pieces += 1
    })
    expect(pieces).toBeGreaterThan(8)
    expect(pieces).toBeLessThan(20)
    expect(passages.map(({ start, end }) => text.slice(start, end))).toEqual(passages.map(passage => passage.text))
    expect(
      passages
        .map(passage => passage.text)
        .join('')
        .replace(/\s/g, ''),
    ).toBe(text.replace(/\s/g, ''))
  },
)

it('by words: the passage that shares rare words comes first, others keep 0', async () => {
  const passages = TOPICS.flatMap(text => passagesOf(text, text))
  const scores = await rankByWords(passages, 'When did the war end, in 1843?', async () => {})
  expect(scores.indexOf(Math.max(...scores))).toBe(2)
  expect(scores[1]).toBe(0)
  expect(await rankByWords([], 'x', async () => {})).toEqual([])
})

it('by meaning: dot products', () => {
  const vectors = [new Float32Array([1, 0]), new Float32Array([0.6, 0.8])]
  const [one = 0, two = 0] = rankByMeaning(vectors, new Float32Array([0, 1]))
  expect(one).toBeCloseTo(0)
  expect(two).toBeCloseTo(0.8)
})

it('the best that fit are chosen, at least one, in the order of the text', () => {
  const passages = TOPICS.flatMap(text => passagesOf(text, text))
  expect(chosen(passages, [1, 4, 2, 3], 40).map(({ attachment }) => attachment)).toEqual([TOPICS[1], TOPICS[3]])
  expect(chosen(passages, [1, 4, 2, 3], 1)).toHaveLength(1)
  expect(chosen([], [], 100)).toEqual([])
})

it('an answer that was given passages is asked with those, before its question, instead of the whole texts', () => {
  const long = { id: 'f', name: 'war.txt', media_type: 'text/plain', size_bytes: 9, text: TOPICS.join(' ') }
  const message = (part: Partial<Message>): Message => ({
    ...{ id: 'q', parent: null, role: 'user', content: '', created_at: 1, state: 'done' },
    ...part,
  })
  const question = message({ content: 'What is this?', attachments: [long] })
  const answer = message({ id: 'a', parent: 'q', role: 'assistant', content: 'Prose.' })
  const again = message({ id: 'q2', parent: 'a', content: 'When was the treaty?' })
  const start = long.text.indexOf('The treaty')
  const passages = [{ attachment: 'f', start, end: start + 33 }]
  const last = message({
    id: 'a2',
    parent: 'q2',
    role: 'assistant',
    state: 'waiting',
    sources: { by: 'words', passages },
  })
  const chat = [question, answer, again, last].reduce(add, emptyChat('c', 0))
  expect(spokenBefore(chat, last, false)).toEqual([
    { role: 'user', content: 'What is this?' },
    { role: 'assistant', content: 'Prose.' },
    { role: 'user', content: 'war.txt:\nThe treaty of 1843 ended the war.\n\nWhen was the treaty?' },
  ])
  // The meter counted the whole file, and called the next question too long.
  expect(spokenSoFar([question, answer, again, { ...last, content: '1843.' }])).toEqual([
    ...spokenBefore(chat, last, false),
    { role: 'assistant', content: '1843.' },
  ])
  expect(dialogue([question])).toEqual([{ role: 'user', content: `war.txt:\n${long.text}\n\nWhat is this?` }])
})
