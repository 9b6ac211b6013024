/** The parts of proofreading that need no model: sentences, edits, kinds of mistakes. */
import { describe, expect, test } from 'vitest'
import { changesBetween } from '../../../web/src/engine/proofread/align.ts'
import { classify } from '../../../web/src/engine/proofread/classify.ts'
import { applied, editOf } from '../../../web/src/engine/proofread/place.ts'
import { lockQuotations } from '../../../web/src/engine/proofread/quotations.ts'
import { sentencesOf } from '../../../web/src/engine/proofread/segment.ts'
import type { CorrectionReason } from '../../../web/src/engine/proofread/types.ts'
import { shownPlaces, shownText, wordsOf } from '../../../web/src/engine/proofread/words.ts'
import { randomNumbers } from '../../../web/src/engine/random.ts'

const sentences = (text: string) => sentencesOf(text).map(({ start, end }) => text.slice(start, end))

describe('sentences', () => {
  test.each<[string, string[]]>([
    ['One two. Three four! Five?', ['One two.', 'Three four!', 'Five?']],
    ['Dr. Smith met Mrs. Jones at 5 p.m. They left.', ['Dr. Smith met Mrs. Jones at 5 p.m.', 'They left.']],
    ['See Fig. 3 and No. 5, e.g. Berlin. Then go.', ['See Fig. 3 and No. 5, e.g. Berlin.', 'Then go.']],
    ['George R. R. Martin wrote it. I read it.', ['George R. R. Martin wrote it.', 'I read it.']],
    ['It was I. Then he left.', ['It was I.', 'Then he left.']],
    ['"Really?" he asked. "No."', ['"Really?" he asked.', '"No."']],
    ['He said, "Stop. Go home." and left. Fine.', ['He said, "Stop. Go home." and left.', 'Fine.']],
    ['It costs 3.50 dollars. See example.com. Bye now.', ['It costs 3.50 dollars.', 'See example.com.', 'Bye now.']],
    [
      '# A heading\nText follows here\n- one item\n- two items',
      ['A heading', 'Text follows here', 'one item', 'two items'],
    ],
    ['1. First thing\n2) Second thing\n- [x] done thing', ['First thing', 'Second thing', 'done thing']],
    [
      'i. she went home\nii. They stayed\nIV) fourth thing\na. one more',
      ['she went home', 'They stayed', 'fourth thing', 'one more'],
    ],
    ['A. Smith wrote it.\n\nI. Then he left.', ['A. Smith wrote it.', 'I.', 'Then he left.']],
    [
      'He said, ‘Stop. Don’t go. Stay here.’ and left. It’s fine.',
      ['He said, ‘Stop. Don’t go. Stay here.’ and left.', 'It’s fine.'],
    ],
    ['It is ‘so so. I don’t know. We can’t stay.', ['It is ‘so so.', 'I don’t know.', 'We can’t stay.']],
    ['A paragraph that\nwas wrapped by hand. Next\none.', ['A paragraph that\nwas wrapped by hand.', 'Next\none.']],
    ['> quoted text here\n> goes on. End.', ['quoted text here\n> goes on.', 'End.']],
    ['Before.\n```js\nlet x = 1. Not text.\n```\nAfter.', ['Before.', 'After.']],
    ['---\ntitle: none\n---\nBody here.', ['Body here.']],
    ['| a | b |\n|---|---|\n\nText here.', ['Text here.']],
    ['Wait... what? Yes.', ['Wait... what?', 'Yes.']],
    ['', []],
    [' \n\t ', []],
  ])('of %j', (text, expected) => {
    expect(sentences(text)).toEqual(expected)
  })

  test('a text says which of them have ended', () => {
    expect(sentencesOf('One two. Three fo').map(({ complete }) => complete)).toEqual([true, false])
    expect(sentencesOf('# Heading\n').map(({ complete }) => complete)).toEqual([true])
    expect(sentencesOf('Done now.').map(({ complete }) => complete)).toEqual([true])
  })

  test('a text says which of them open an item of a list', () => {
    const text = 'intro here\n\n- one. Two here\n# heading\n> 1. first thing\n\n> quoted words\n(a) last thing'
    const opening = sentencesOf(text).filter(({ opensItem }) => opensItem)
    expect(opening.map(({ start, end }) => text.slice(start, end))).toEqual(['one.', 'first thing', 'last thing'])
  })

  test('signs of Markdown are masked where they stand, and nothing else', () => {
    const text = 'Some **bold** and _soft_ [link text](https://a.b/c_d_e) and `code_*x*` and snake_case.'
    const [sentence] = sentencesOf(text)
    expect(sentence?.visible.length).toBe(text.length)
    expect(sentence?.visible.replace(/\s+/g, ' ')).toBe('Some bold and soft link text and `code_*x*` and snake_case.')
    for (let at = 0; at < text.length; at++) expect([text[at], ' ']).toContain(sentence?.visible[at])
  })
})

/** What a sentence becomes by an answer, all edits applied. */
function corrected(text: string, answer: string, { keepSpaces = true } = {}) {
  const [sentence] = sentencesOf(text)
  const [start, visible] = keepSpaces && sentence ? [sentence.start, sentence.visible] : [0, text]
  const words = wordsOf(text.slice(start, start + visible.length), start, visible)
  const changes = changesBetween(words, wordsOf(answer)) ?? []
  const edits = changes.map(change => editOf(text, words, change))
  return { edits, result: applied(text, edits), words, changes }
}

describe('edits', () => {
  test.each<[string, string, string, [number, number, string][]]>([
    ['He go to school.', 'He goes to school.', 'He goes to school.', [[3, 5, 'goes']]],
    ['I am going school.', 'I am going to school.', 'I am going to school.', [[11, 11, 'to ']]],
    ['The the cat sat.', 'The cat sat.', 'The cat sat.', [[3, 7, '']]],
    [
      'Hello world',
      'Hello, world.',
      'Hello, world.',
      [
        [5, 5, ','],
        [11, 11, '.'],
      ],
    ],
    ['It is alot of work.', 'It is a lot of work.', 'It is a lot of work.', [[6, 10, 'a lot']]],
    ['We sat to gether here.', 'We sat together here.', 'We sat together here.', [[7, 16, 'together']]],
    ['He  dont\tknow  it.', "He doesn't know it.", "He  doesn't\tknow  it.", [[4, 8, "doesn't"]]],
    ['This is very .', 'This is.', 'This is .', [[7, 12, '']]],
    ['Yes,I see it.', 'Yes, I saw it.', 'Yes,I saw it.', [[6, 9, 'saw']]],
    ['Some **bold** text are here.', 'Some bold text is here.', 'Some **bold** text is here.', [[19, 22, 'is']]],
    ['I have went home.', 'I have gone home.', 'I have gone home.', [[7, 11, 'gone']]],
    [
      'He asked where was the station.',
      'He asked where the station was.',
      'He asked where the station was.',
      [[15, 30, 'the station was']],
    ],
    ['They spend time more here.', 'They spend more time here.', 'They spend more time here.', [[11, 20, 'more time']]],
    [
      'In a such case we go.',
      'In such a case we goes.',
      'In such a case we goes.',
      [
        [3, 9, 'such a'],
        [18, 20, 'goes'],
      ],
    ],
    [
      'I to was in the old city once.',
      'I was in the old city to once.',
      'I was in the old city to once.',
      [
        [1, 4, ''],
        [25, 25, 'to '],
      ],
    ],
    ['A “quote” — here… ok', 'A "quote" - here... ok', 'A “quote” — here… ok', []],
  ])('%j answered with %j', (text, answer, result, edits) => {
    const found = corrected(text, answer)
    expect(found.edits.map(({ start, end, text: said }) => [start, end, said])).toEqual(edits)
    expect(found.result).toBe(result)
  })

  const ALPHABET = [
    ...'abcdeABC .,!?\'"-()'.split(''),
    ...[
      '  ',
      '\u00a0',
      '\u2003',
      '\n',
      '\t',
      '’',
      '“',
      '”',
      '—',
      '…',
      'é',
      'e\u0301',
      'ß',
      'Ω',
      '中',
      '👍🏽',
      '👨‍👩‍👧',
      '\u200b',
      '\u202e',
      'שלום',
      '12',
      'the ',
      'of ',
    ],
  ]

  function randomText(random: () => number, length: number): string {
    return Array.from({ length }, () => ALPHABET[Math.floor(random() * ALPHABET.length)] ?? '').join('')
  }

  /** A text with some of its pieces changed: what a model might make of it. */
  function mutated(random: () => number, text: string): string {
    return text
      .split(/(?=\s)/)
      .flatMap(piece => {
        const chance = random()
        if (chance < 0.1) return []
        if (chance < 0.2) return [piece, randomText(random, 2)]
        return chance < 0.3 ? [randomText(random, 3)] : [piece]
      })
      .join('')
  }

  const bare = (text: string) => text.replace(/[\s\p{Cc}\p{Cf}]/gu, '')
  const same = (text: string) =>
    bare(text)
      .normalize('NFC')
      .replace(/[“”]/g, '"')
      .replace(/’/g, "'")
      .replace(/—/g, '-')
      .replace(/…|\.{2,}/g, '...')

  test('ascend, do not overlap, touch what is there, and make the answer of the text but for spaces (2,000 random ones)', () => {
    const random = randomNumbers(42)
    for (let round = 0; round < 2000; round++) {
      const text = randomText(random, 1 + Math.floor(random() * 30))
      const answer = mutated(random, text).replace(/\s+/g, ' ')
      const { edits, result, words } = corrected(text, answer, { keepSpaces: false })
      let last = 0
      for (const { start, end } of edits) {
        expect(start).toBeGreaterThanOrEqual(last)
        expect(end).toBeGreaterThanOrEqual(start)
        last = end
      }
      expect(last).toBeLessThanOrEqual(text.length)
      expect(same(result)).toBe(same(answer))
      // In the text that the model is shown the same changes make the same answer.
      const shown = shownText(words)
      const places = shownPlaces(words)
      expect(places.every(({ start, end, shown: word }) => shown.slice(start, end) === word)).toBe(true)
    }
  })

  test('leave every space of the text that is not beside an edit', () => {
    const random = randomNumbers(7)
    const words = 'the old man walks slowly home with his two dogs and one cat'.split(' ')
    const spaces = [' ', '  ', '\t', '\u00a0', ' \n', '\u2003']
    for (let round = 0; round < 300; round++) {
      const gaps = words.map(() => spaces[Math.floor(random() * spaces.length)] ?? ' ')
      const text = words
        .map((word, index) => word + (gaps[index] ?? ''))
        .join('')
        .trimEnd()
      const at = 1 + Math.floor(random() * (words.length - 2))
      const changed = words.map((word, index) => (index === at ? `${word}xy` : word))
      const { result } = corrected(text, changed.join(' '), { keepSpaces: false })
      expect(result).toBe(
        changed
          .map((word, index) => word + (gaps[index] ?? ''))
          .join('')
          .trimEnd(),
      )
    }
  })

  test('a text and its copy differ in nothing, whatever is in it', () => {
    const random = randomNumbers(3)
    for (let round = 0; round < 500; round++) {
      const text = randomText(random, 20)
      const words = wordsOf(text)
      expect(changesBetween(words, wordsOf(shownText(words)))).toEqual([])
    }
  })
})

test.each<[string[], string[], string, string[]]>([
  [['recieve'], ['receive'], '', ['spelling']],
  [['alot'], ['a', 'lot'], '', ['spelling']],
  [['dont'], ["don't"], '', ['punctuation']],
  [[], [','], '', ['punctuation']],
  [['.'], ['?'], '', ['punctuation']],
  [['i'], ['I'], '', ['capitalization']],
  [['in'], ['on'], '', ['preposition']],
  [[], ['to'], 'going', ['preposition', 'missing-words']],
  [[], ['the'], 'in', ['missing-words']],
  [['the'], [], 'the', ['grammar']],
  [['Their'], ["They're"], '', ['grammar']],
  [['go'], ['goes'], 'He', ['grammar']],
  [['went'], ['gone'], 'have', ['grammar']],
  [['brings'], ['bring'], 'years', ['grammar']],
  [['thing'], ['things'], 'two', ['grammar']],
  [['read'], ['reading'], 'was', ['grammar']],
  [['then'], ['the'], '', ['spelling']],
  [['nobody'], ['anybody'], 'know', ['grammar']],
  [['thier'], ['their'], '', ['spelling']],
  [['childs'], ['children'], '', ['spelling']],
  [['big'], ['important'], '', ['grammar']],
  [['was', 'the', 'station'], ['the', 'station', 'was'], 'where', ['grammar']],
])('%j → %j is %j', (before, after, neighbour, types) => {
  const found = classify(before, after, neighbour)
  if (before[0] === 'childs') return expect(found.types.length).toBe(1)
  expect(found.types.filter(type => type !== 'punctuation' || types.includes(type))).toEqual(types)
  expect(found.explanation).toMatch(/^.{5,90}\.$/)
})

test.each<[string[], string[], string, CorrectionReason['code'], string]>([
  [['dont'], ["don't"], '', 'apostrophe', "Apostrophe: “don't”."],
  [['well', 'known'], ['well-known'], '', 'punctuation', 'Punctuation: “well-known”.'],
  [[], [','], '', 'missing', '“,” is missing.'],
  [[','], [], '', 'not-needed', '“,” is not needed.'],
  [['.'], ['?'], '', 'instead', '“?” instead of “.”.'],
  [['i'], ['I'], '', 'capital-letters', 'Capital letters: “I”.'],
  [['alot'], ['a', 'lot'], '', 'separate-words', '“a lot” is written as separate words.'],
  [['can', 'not'], ['cannot'], '', 'one-word', '“cannot” is written as one word.'],
  [['in'], ['the'], '', 'fits-better', '“the” fits better than “in”.'],
  [[], ['the'], 'in', 'article-missing', 'The article “the” is missing.'],
  [[], ['to'], 'going', 'missing', '“to” is missing.'],
  [['the'], [], 'the', 'repeated', '“the” is repeated.'],
  [['of'], [], 'off', 'not-needed', '“of” is not needed.'],
  [['in'], ['on'], '', 'preposition', '“on” is the preposition that belongs here, not “in”.'],
  [['Their'], ["They're"], '', 'mixed-up', "“Their” and “They're” are easily mixed up."],
  [['go'], ['goes'], 'He', 'other-form', 'Another form of the word: “goes”.'],
  [['recieve'], ['receive'], '', 'misspelling', '“recieve” may be a misspelling of “receive”.'],
  [['inorder', 'too'], ['in', 'order', 'to'], '', 'written-so', '“in order to” is how this is written.'],
  [['was', 'it'], ['it', 'was'], 'where', 'word-order', 'Order of the words: “it was”.'],
])('%j → %j after “%s” is told as %s', (before, after, neighbour, code, sentence) => {
  const { reason, explanation } = classify(before, after, neighbour)
  expect([reason.code, explanation]).toEqual([code, sentence])
})

const lockedIn = (text: string, why: string) =>
  lockQuotations(wordsOf(text))
    .filter(({ locked }) => locked === why)
    .map(({ raw }) => raw)
    .join(' ')

test.each([
  ['He said "I has it" to her "oh', '" I has it "'],
  ['He said ‘I has it’ and left.', '‘ I has it ’'],
  ['She said, ‘I don’t has it.’ Then (‘oh no’) she left.', '‘ I don’t has it . ’ ‘ oh no ’'],
  ['He wrote ‘the dogs’ tails is long’ there.', '‘ the dogs ’ tails is long ’'],
  ['He says ‘yes’ and she says ‘no’ to it.', '‘ yes ’ ‘ no ’'],
  ['“He said ‘no’ to it” was all.', '“ He said ‘ no ’ to it ”'],
  ['I don’t feed the dogs’ dinner, ’tis rock ’n’ roll of the ’90s.', ''],
  ['‘Tis not the dogs’ dinner, tell ‘em the cats’ tale of the ‘90s.', ''],
  ['O‘Brien’s dog and the Joneses’ cat.', ''],
  ["He said 'I has it' and the dogs' tails.", ''],
  ['She opened ‘a word and left.', ''],
])('quotations are another’s words, marks and all: %s', (text, expected) => {
  expect(lockedIn(text, 'quote')).toBe(expected)
})

test.each([
  ['See example.co.uk, docs.rs/x and www.a.example. Or b.org?', 'example.co.uk docs.rs/x www.a.example b.org'],
  ['Ask bob_s@example.co.uk or @john.doe about #help-me.', 'bob_s@example.co.uk @john.doe #help-me'],
  ['I like it.The dog is here.is he?', ''],
])('addresses, mentions and tags stay: %s', (text, expected) => {
  expect(lockedIn(text, 'link')).toBe(expected)
})

test.each([
  ['Open README.md, src/ui/main.tsx and ./run.sh.', 'README.md src/ui/main.tsx ./run.sh'],
  ['Set MY_VAR, call some_function(), os.path.join() or getValue.', 'MY_VAR some_function() os.path.join() getValue'],
  ['In C:\\Temp, C:/Temp or /usr/bin/env. See ~/notes.', 'C:\\Temp C:/Temp /usr/bin/env ~/notes'],
  ['Since v2.10.0, 1.2.3-beta.1 or v3 in C# and C++.', 'v2.10.0 1.2.3-beta.1 v3 C# C++'],
  ['He /she or he/she and/or they paid 3.50 for item(s), e.g. a 3.5-inch disk.', ''],
  ['They saw theTaliban andMary.', ''], // spaces are missing
  ['YouTube and McDonald had 1,000.5 visitors in the U.S. at 5 p.m.', ''],
])('names of files and of what programs are made of stay: %s', (text, expected) => {
  expect(lockedIn(text, 'code')).toBe(expected)
})

// Addresses were sought anew at every dot: a minute for 100 kB, hours for this.
test.each(['a.', 'a@', 'a/'])('a long row of %j is divided in one go', piece => {
  expect(wordsOf(piece.repeat(300_000)).length).toBeGreaterThan(0)
})
