/** Joins: a suggestion put in at the caret makes a well-formed text, whatever stands in front of it and behind. */
import { describe, expect, test, vi } from 'vitest'
import { BOLD, completing, fault, knowing, sentences, tinyCodec } from './completing.ts'
import { NgramBackend } from './ngram-backend.ts'

vi.setConfig({ testTimeout: 600_000 }) // 20,000 calls: ten seconds on an idle machine, and others may use it too

const TEXTS = sentences()
const WORDS = new Set(
  TEXTS.flatMap(text =>
    (text.match(/[\p{L}\p{N}'’-]+/gu) ?? []).map(word => word.replace(/^['’-]+|['’-]+$/g, '').toLowerCase()),
  ),
)

describe('every place of 200 sentences', () => {
  const { ask } = knowing(TEXTS)

  test('prefix and suggestion are well formed', async () => {
    expect(TEXTS.length).toBeGreaterThanOrEqual(200)
    const faults: string[] = []
    let [shown, right] = [0, 0]
    for (const sentence of TEXTS) {
      for (let at = 1; at <= sentence.length; at++) {
        const before = sentence.slice(0, at)
        const { text } = await ask({ before, maxWords: 2 })
        if (text === '') continue
        shown++
        if (sentence.startsWith(before + text)) right++
        const wrong = fault(before, text, WORDS)
        if (wrong) faults.push(`${before.slice(-30)}|${text}| ${wrong}`)
      }
    }
    expect(faults.slice(0, 20)).toEqual([])
    expect(shown).toBeGreaterThan(10_000)
    expect(right / shown).toBeGreaterThan(0.9) // the model knows the text: what is left are ambiguous beginnings
  })
})

const TRICKY = [
  'The fine print - which nobody reads - matters.',
  '- first things first\n- second things second\n\n1. one more thing',
  'She said “come here” and then ‘go away’ again.',
  'A happy day 😀 with good friends 👩‍👩‍👧 and family.',
  'Das schöne Wetter über den Bäumen bleibt schön.',
  'Привет, как дела у твоих друзей сегодня?',
  '今日は天気がいいから散歩しましょう。',
  '我们今天去公园散步。',
  'שלום לכולם מה שלומכם היום',
  'مرحبا بكم في هذا المكان الجميل',
  'The naïve café owner cooperated fully.',
  'Use two  spaces  after a stop.  Then go on.',
]

describe('texts of all kinds', () => {
  const { ask } = knowing(TRICKY)

  test.each(TRICKY)('%s', async text => {
    let right = 0
    let asked = 0
    const points = [...text]
    for (let at = 1; at < points.length; at++) {
      const before = points.slice(0, at).join('')
      const { text: said } = await ask({ before, maxWords: 1 })
      if (said === '') continue
      asked++
      expect(said, `after ${before}`).not.toContain('\uFFFD')
      if (text.startsWith(before + said)) right++
    }
    expect(asked).toBeGreaterThan(points.length / 4)
    expect(right).toBeGreaterThanOrEqual(asked - 2)
  })
})

describe('what stands behind the caret', () => {
  const { ask } = knowing([
    'We went home and had a very good dinner there.',
    'They walked to the old mill by the river.',
  ])
  const cases: [before: string, after: string, text: string, reason?: string][] = [
    ['We went home and had ', '', 'a very good'],
    ['We went home and had ', 'dinner there.', 'a very good '],
    ['We went home and had', ' dinner there.', ' a very good'],
    ['We went home and had ', 'a very good dinner there.', '', 'repeats-following'],
    ['We went home and had ', 'very good dinner there.', 'a '],
    ['We went home and had a very good din', ', he said.', 'ner there'],
    ['We went home and had a very go', 'od dinner', '', 'inside-word'],
    ['They walked to the old mill by the ', '.', 'river'],
    ['They walked to the old mill by the ', '\nThe river was wide.', 'river.'],
  ]
  test.each(cases)('%s|%s', async (before, after, text, reason) => {
    const found = await ask({ before, after })
    expect([found.text, found.silentBecause]).toEqual([text, reason])
  })
})

describe('asked for, however unlikely, in front of what stands', () => {
  const { ask } = knowing(['We went home early.', 'We went home late.', 'We went home again.'])
  const cases: [before: string, after: string, text: RegExp][] = [
    ['We went home', ' and slept.', /^ (?:early|late|again)$/],
    ['We went', ', then slept.', /^ home$/],
    ['We went', '.', /^ home$/],
    ['We went', '', /^ home (?:early|late|again)/],
  ]
  test.each(cases)('%s|%s: a word, and more only where that is likely', async (before, after, text) => {
    const found = await ask({ before, after, ...BOLD })
    expect(found.text).toMatch(text)
  })

  test('unasked it is silent there', async () => {
    expect((await ask({ before: 'We went home', after: ' and slept.' })).silentBecause).toBe('low-confidence')
  })
})

describe('lengths', () => {
  const { ask } = knowing(['We went home and had a very good dinner there. Then we slept.'])
  test.each([
    [1, 'went'],
    [2, 'went home'],
    [5, 'went home and had a'],
    ['sentence', 'went home and had a very good dinner there.'],
  ] as const)('%s', async (maxWords, text) => {
    expect((await ask({ before: 'We ', maxWords })).text).toBe(text)
  })

  test('a word more than is likely is not said', async () => {
    const { ask: torn } = knowing(['We went home early.', 'We went home late.', 'We went home again.'])
    const found = await torn({ before: 'We ', minConfidence: 0.5 })
    expect(found.text).toBe('went home')
    expect(found.confidence).toBeGreaterThan(0.8)
  })
})

describe('a model of text whose line breaks were lost', () => {
  const glued = 'We met our friends and'
  const { ask } = knowing([`${glued}The Daily News came.`, `${glued}The end.`, `${glued} family came.`])

  test.each([
    ['We met ', 4, 'our friends and family'],
    ['We met our friends an', 2, 'd family'],
    [glued, 1, ' family'],
  ] as const)('%j: no two words in one', async (before, maxWords, text) => {
    expect((await ask({ before, maxWords, ...BOLD })).text).toBe(text)
  })

  test('a name that the text has stays whole', async () => {
    const { ask: named } = knowing(['I like macOS a lot. I like macOS a lot.'])
    expect((await named({ before: 'I like macOS a lot. I like mac', maxWords: 1, ...BOLD })).text).toBe('OS')
  })
})

test('a model that goes round in circles is heard up to there', async () => {
  const { ask } = knowing(['We went home home again.'])
  expect((await ask({ before: 'We ', maxWords: 4 })).text).toBe('went home')
})

test('other suggestions are other words, whole and likeliest first', async () => {
  const { ask } = knowing([
    'We went home early.',
    'We went home early.',
    'We walked home late.',
    'We stayed here again.',
  ])
  const { text, alternatives } = await ask({ before: 'We ', maxWords: 1, alternatives: 4, ...BOLD })
  expect([text, ...alternatives.map(other => other.text)].sort()).toEqual(['stayed', 'walked', 'went'])
  expect(text).toBe('went')
  const confidences = alternatives.map(({ confidence }) => confidence)
  expect(confidences).toEqual([...confidences].sort((a, b) => b - a))
})

test('probabilities of all that may follow the letters typed add up to one', async () => {
  const { ask } = knowing(['We went home.', 'We walked home.', 'We walked on.'])
  const { text, probability, alternatives } = await ask({ before: 'We w', maxWords: 1, alternatives: 4, ...BOLD })
  expect(text).toBe('alked')
  expect(probability).toBeGreaterThan(0.6)
  expect(probability + alternatives.reduce((sum, { confidence }) => sum + confidence, 0)).toBeLessThanOrEqual(1)
})

describe('what a key costs', () => {
  test('typing on computes the tokens of the word being typed and of the suggestion, nothing before them', async () => {
    const { ask, backend } = knowing(TEXTS)
    const text = TEXTS.slice(0, 12).join(' ')
    await ask({ before: text.slice(0, 600) })
    for (let at = 601; at < 680; at++) {
      backend.runs.length = 0
      const { stats } = await ask({ before: text.slice(0, at) })
      expect(stats.promptTokens - stats.cachedTokens).toBeLessThanOrEqual(8)
      expect(Math.max(0, ...backend.runs)).toBeLessThanOrEqual(8)
    }
  })

  test('a call that gives way to others between any two runs has the answer that it has alone', async () => {
    const { ask } = knowing(TEXTS)
    const texts = [TEXTS.slice(0, 3).join(' '), TEXTS.slice(4, 8).join(' ')] as const
    const request = { before: `${texts[0]} It is a tru`, ...BOLD }
    const alone = await knowing(TEXTS).ask(request)
    let turns = 0
    const found = await ask(request, async () => {
      await ask({ before: `${texts[turns++ % 2]} It is a tru`, ...BOLD })
      return true
    })
    expect(turns).toBeGreaterThan(3)
    expect({ ...found, stats: null }).toEqual({ ...alone, stats: null })
    expect(found.stats.runs).toBeGreaterThanOrEqual(alone.stats.runs)
  })

  test('an abort between runs ends the call and leaves nothing wrong behind', async () => {
    const { manifest, codec } = tinyCodec()
    const { completion } = knowing(TEXTS)
    const backend = new NgramBackend(TEXTS.map(completion.frame.encode), manifest.vocab_size)
    const { ask } = completing({ manifest, codec }, backend)
    const before = TEXTS.slice(0, 5).join(' ')
    const whole = await ask({ before: `${before} ` })
    const abort = new AbortController()
    const prefill = backend.prefill.bind(backend)
    backend.prefill = async (tokens, from) => {
      abort.abort()
      return prefill(tokens, from)
    }
    await expect(ask({ before: `${before} Some other text. `.repeat(2), signal: abort.signal })).rejects.toThrow()
    backend.prefill = prefill
    expect((await ask({ before: `${before} ` })).text).toBe(whole.text)
  })
})

describe('fill in the middle', () => {
  const NAMES = ['<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>']
  const tokenizer = (json: string) =>
    NAMES.reduce((text, name, index) => text.replaceAll(`<|reserved_${index}|>`, name), json)

  test('a model of code that knows the tokens reads what stands behind the caret', async () => {
    const made = tinyCodec('tiny-llama', { tokenizer, manifest: { name: 'Tiny Coder' } })
    const { completion } = knowing([], made)
    const { fillIn } = completion.frame
    if (!fillIn) throw new Error('The tokens were not found.')
    const { encode, encodeContinuation } = completion.frame
    const middles = [
      ['We went to the ', ' river by boat.', 'green old'],
      ['We went to the ', ' market by bus.', 'large new'],
    ] as const
    const texts = middles.map(([before, after, middle]) => [
      ...[fillIn.prefix, ...encode(before.trimEnd()), fillIn.suffix, ...encodeContinuation(after), fillIn.middle],
      ...encodeContinuation(` ${middle}`),
      2,
    ])
    const { ask } = completing(made, new NgramBackend(texts, made.manifest.vocab_size))
    for (const [before, after, middle] of middles) expect((await ask({ before, after })).text).toBe(middle)
  })

  test('a general model is not taken for one because it shares a tokenizer', () => {
    expect(knowing([], tinyCodec('tiny-llama', { tokenizer })).completion.frame.fillIn).toBeNull()
  })
})
