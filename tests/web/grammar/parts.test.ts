/** What is shown of the findings, how they are said, when a sentence is looked at: pure parts. */
import { describe, expect, test } from 'vitest'
import { factsOf } from '../../../web/src/engine/client.ts'
import type { Placed } from '../../../web/src/state/grammar/checker.ts'
import { findingsOf } from '../../../web/src/tasks/grammar/harper.ts'
import type { Lint } from '../../../web/src/tasks/grammar/harper-words.ts'
import { allowed } from '../../../web/src/tasks/grammar/merge.ts'
import { dismissalKey, dismissalOf, kindKey, shownOf, type Wishes } from '../../../web/src/tasks/grammar/shown.ts'
import type { Finding, RuleFinding } from '../../../web/src/tasks/grammar/types.ts'
import { text as german } from '../../../web/src/text/de/index.ts'
import { text as english } from '../../../web/src/text/en/index.ts'
import { spoken, widened } from '../../../web/src/ui/write/grammar/spoken.ts'

function finding(sentence: string, old: string, replacement: string, more: Partial<Finding> = {}): Finding {
  const from = sentence.indexOf(old)
  return {
    ...{
      from,
      to: from + old.length,
      replacements: [replacement],
      kind: 'spelling',
      kinds: ['spelling'],
      explanation: '',
      reason: null,
      rule: '',
    },
    ...{ foundBy: 'model', confidence: 3 },
    ...more,
  }
}

const WISHES: Wishes = {
  ...{ source: 'both', threshold: 2, margins: {}, keep: new Set(), never: new Set(), dismissed: new Set() },
}
const shown = (sentence: string, findings: Finding[], wishes: Partial<Wishes> = {}) =>
  shownOf(sentence, findings, { ...WISHES, ...wishes }).map(({ replacements }) => replacements[0])

describe('what is shown', () => {
  const TEXT = 'Teh cat sat on teh mat.'
  const byModel = finding(TEXT, 'Teh', 'The')
  const byRules = finding(TEXT, 'mat', 'hat', { foundBy: 'rules', rule: 'SpellCheck', confidence: null })
  const byBoth = finding(TEXT, 'sat', 'sits', { foundBy: 'both', rule: 'Agreement', kind: 'grammar', confidence: 0.5 })
  const all = [byModel, byBoth, byRules]

  test('the model must be sure; where a rule agrees, it need only not object; what nobody judged counts', () => {
    expect(shown(TEXT, all)).toEqual(['The', 'sits', 'hat'])
    expect(shown(TEXT, all, { threshold: 4 })).toEqual(['sits', 'hat'])
    expect(
      shown(TEXT, [
        { ...byBoth, confidence: -4.5 },
        { ...byRules, confidence: -4.1 },
      ]),
    ).toEqual([])
    expect(shown(TEXT, [{ ...byRules, confidence: -3.9 }])).toEqual(['hat'])
  })

  test('some kinds need more than others', () => {
    expect(shown(TEXT, [byModel], { margins: { spelling: 0.5 } })).toEqual(['The'])
    expect(shown(TEXT, [byModel], { margins: { spelling: 1.5 } })).toEqual([])
    expect(shown(TEXT, all, { margins: { spelling: 5, grammar: 5 } })).toEqual(['sits', 'hat'])
  })

  test('by who is asked', () => {
    expect(shown(TEXT, all, { source: 'model' })).toEqual(['The', 'sits'])
    expect(shown(TEXT, all, { source: 'rules' })).toEqual(['sits', 'hat'])
  })

  test('of two at one place the model’s, which has seen what the rules say; else the one that both found', () => {
    const other = finding(TEXT, 'sat on', 'is on')
    expect(shown(TEXT, [byBoth, other])).toEqual(['is on'])
    expect(shown(TEXT, [byBoth, { ...other, confidence: 1 }])).toEqual(['sits'])
    expect(shown(TEXT, [{ ...byRules, ...{ from: 4, to: 10 } }, byBoth])).toEqual(['sits'])
  })

  test('dictionary and names keep words as they are, other signs and case around them may change', () => {
    expect(shown(TEXT, [byModel], { keep: new Set(['teh']) })).toEqual([])
    expect(shown('Teh cats bowl.', [finding('Teh cats bowl.', 'cats', "cat's")], { keep: new Set(['cats']) })).toEqual(
      [],
    )
    expect(shown('teh cat.', [finding('teh cat.', 'teh', 'Teh')], { keep: new Set(['teh']) })).toEqual(['Teh'])
    expect(shown('teh cat', [finding('teh cat', 'cat', 'cat.')], { keep: new Set(['cat']) })).toEqual(['cat.'])
    expect(shown("Wolf's cat", [finding("Wolf's cat", "Wolf's", 'Wolves')], { keep: new Set(['wolf']) })).toEqual([])
  })

  test('a dismissed correction stays away between the same neighbours, elsewhere it comes', () => {
    const dismissed = new Set([dismissalKey(dismissalOf(TEXT, byRules))])
    expect(shown(TEXT, [byRules], { dismissed })).toEqual([])
    const other = 'Now teh cat sat on teh mat.'
    expect(shown(other, [finding(other, 'mat', 'hat')], { dismissed })).toEqual([])
    expect(shown('A red mat.', [finding('A red mat.', 'mat', 'hat')], { dismissed })).toEqual(['hat'])
  })

  test.each<[string, string, boolean]>([
    ['resumé', 'resume', false],
    ['cafe', 'café', false],
    ['naïve', 'naive', false],
    ['ok', 'okay', false],
    ['O.K.', 'okay', false],
    ['cafee', 'café', true],
    ['i', 'I', true],
    ['dont', "don't", true],
    ['okey', 'okay', true],
  ])('accents and ways to write “ok” are taste: %j → %j', (old, replacement, isShown) => {
    const sentence = `We think ${old} of it.`
    const at = { ...finding(sentence, old, replacement), from: 9, to: 9 + old.length }
    expect(shown(sentence, [at])).toEqual(isShown ? [replacement] : [])
  })

  test('never this kind: a rule by its name, the model’s by their kind', () => {
    expect([kindKey(byRules), kindKey(byBoth), kindKey(byModel)]).toEqual([
      'rule:SpellCheck',
      'kind:grammar',
      'kind:spelling',
    ])
    expect(shown(TEXT, all, { never: new Set(['rule:SpellCheck']) })).toEqual(['The', 'sits'])
    expect(shown(TEXT, all, { never: new Set(['kind:spelling']) })).toEqual(['sits'])
  })
})

describe('lints', () => {
  test('places are counted in UTF-16, styles and bare spaces are left out', () => {
    const sentence = '👍 teh 𝒳 cat'
    const lint = {
      rule: 'R',
      message: ' Why. ',
      start: 3,
      end: 6,
      suggestions: [{ kind: 'replace' as const, text: 'the' }],
    }
    const [found] = findingsOf(sentence, [{ ...lint, kind: 'Typo' }])
    expect(sentence.slice(found?.from, found?.to)).toBe('teh')
    expect(found).toMatchObject({ kind: 'spelling', explanation: 'Why.', rule: 'R', replacements: ['the'] })
    const asking = { ...lint, kind: 'Spelling', message: 'Did you mean to spell `teh` this way?' }
    expect(findingsOf(sentence, [asking])[0]?.explanation).toBe('“teh” is not in the dictionary.')
    const quoting = { ...lint, kind: 'Typo', message: 'Use `the` here.' }
    expect(findingsOf(sentence, [quoting])[0]?.explanation).toBe('Use “the” here.')
    expect(findingsOf(sentence, [{ ...lint, kind: 'Readability' }])).toEqual([])
    expect(findingsOf('two  spaces', [{ ...lint, kind: 'Punctuation', start: 3, end: 5 }])).toEqual([])
    expect(findingsOf(sentence, [{ ...lint, kind: 'Typo', suggestions: [] }])).toEqual([])
    const after = { kind: 'insert-after' as const, text: ',' }
    expect(
      findingsOf('teh cat', [{ ...lint, kind: 'Punctuation', start: 0, end: 3, suggestions: [after] }]),
    ).toMatchObject([{ from: 3, to: 3, replacements: [','] }])
    expect(
      findingsOf('a a', [{ ...lint, kind: 'Typo', start: 0, end: 2, suggestions: [{ kind: 'remove', text: '' }] }]),
    ).toMatchObject([{ from: 0, to: 2, replacements: [''] }])
  })
})

test('suggestions have apostrophes as their sentence has them, and none comes twice', () => {
  const suggestions = ["There's", 'There’s', 'They’re'].map(text => ({ kind: 'replace' as const, text }))
  const lint = { rule: 'R', kind: 'Grammar', message: 'Why.', start: 0, end: 5, suggestions }
  expect(findingsOf('Their is one.', [lint])[0]?.replacements).toEqual(["There's", "They're"])
  expect(findingsOf('Their is Ann’s.', [lint])[0]?.replacements).toEqual(['There’s', 'They’re'])
})

test.each<[string, string[], string[]]>([
  ['writting', ['writhing', 'witting', 'writing'], ['writing', 'writhing', 'witting']],
  ['Comming', ['Combing', 'Coming'], ['Coming', 'Combing']],
  ['occured', ['occur', 'occurred'], ['occurred', 'occur']],
  ['wich', ['wish', 'which'], ['wish', 'which']],
  ['hights', ["high's", 'highs', 'heights'], ['highs', 'heights', "high's"]],
  ['womens', ["women's", 'women', "woe's"], ["women's", 'women', "woe's"]],
])('of suggestions for %j the likeliest slip comes first: %j', (word, texts, expected) => {
  const suggestions = texts.map(replacement => ({ kind: 'replace' as const, text: replacement }))
  const lint = { rule: 'SpellCheck', kind: 'Spelling', message: 'Why.', start: 0, end: word.length, suggestions }
  expect(findingsOf(word, [lint])[0]?.replacements).toEqual(expected)
})

describe('in words', () => {
  const placed = (sentence: string, from: number, to: number, text: string): Placed => {
    const one: Finding = { ...finding(sentence, '', text), from, to }
    const checked = { start: 0, end: sentence.length, text: sentence, findings: [one], opensItem: false }
    return { from, to, original: sentence.slice(from, to), finding: one, checked }
  }

  test.each<[Placed, string, string]>([
    [placed('He go home', 3, 5, 'goes'), 'go', 'goes'],
    [placed('I could of gone', 11, 11, 'not '), 'of gone', 'of not gone'],
    [placed('the the cat', 3, 7, ''), 'the the cat', 'the cat'],
    [placed('Yes he did', 3, 3, ','), 'Yes he', 'Yes, he'],
    [placed('x', 0, 1, ''), 'x', 'delete'],
  ])('whole words around a change: %#', (one, original, replacement) => {
    expect(spoken(one, english.grammar)).toEqual({ original, replacement })
  })

  test('old and new differ as the change does', () => {
    const one = placed('He go  home', 5, 7, ' ')
    const { original, replacement } = widened(one)
    expect([original, replacement]).toEqual(['go  home', 'go home'])
  })
})

test('rules know no words with accents, names and quotations', () => {
  const text = 'He ate Müsli, a nice purée and “teh soop” with Fröden, teh end.'
  const rule = (original: string, replacement: string): RuleFinding => {
    const from = text.lastIndexOf(original)
    const { kind, explanation, reason, rule: name } = finding(text, original, replacement)
    return { from, to: from + original.length, replacements: [replacement], kind, explanation, reason, rule: name }
  }
  const found = [rule('purée', 'purse'), rule('Fröden', 'Frozen'), rule('soop', 'soup'), rule('teh', 'the')]
  expect(allowed(text, found, factsOf(text)).map(({ replacements }) => replacements[0])).toEqual(['the'])
})

test('rules give words capital letters and take none away', () => {
  const text = 'Who speaks english at NASA, see docs.rs?'
  const rule = (original: string, replacement: string): RuleFinding => {
    const from = text.indexOf(original)
    const { kind, explanation, reason, rule: name } = finding(text, original, replacement, { kind: 'capitalization' })
    return { from, to: from + original.length, replacements: [replacement], kind, explanation, reason, rule: name }
  }
  const found = [rule('Who', 'who'), rule('english', 'English'), rule('NASA', 'Nasa'), rule('rs', 'Rs')] // a name with a dot is no end of a sentence
  expect(allowed(text, found, factsOf(text)).map(({ replacements }) => replacements[0])).toEqual(['English'])
})

describe('reasons', () => {
  const reasonOf = (sentence: string, old: string, text: string, more: Partial<Lint> = {}) => {
    const start = sentence.indexOf(old)
    const lint: Lint = {
      ...{ rule: 'R', kind: 'Grammar', message: 'Says why.', start, end: start + old.length },
      suggestions: [{ kind: text === '' ? 'remove' : 'replace', text }],
      ...more,
    }
    const [found] = findingsOf(sentence, [lint])
    return { found, said: found?.reason ? german.grammar.reason(found.reason, found.explanation) : null }
  }

  test.each([
    ['He go home.', 'go', 'goes', 'Eine andere Form des Wortes: „goes“.'],
    ['He saw the the cat.', 'the the', 'the', '„the“ steht doppelt da.'],
    ['I could of gone.', 'of', 'have', '„of“ und „have“ werden leicht verwechselt.'],
    ['He is here , now.', 'here ,', 'here,', null],
  ])('of a rule in German: “%s”, %s → %s', (sentence, old, text, expected) => {
    const { found, said } = reasonOf(sentence, old, text)
    expect(said).toBe(expected)
    expect(found?.explanation).toBe('Says why.')
  })

  test('of a word that no dictionary has', () => {
    const message = 'Did you mean to spell `teh` this way?'
    const { found, said } = reasonOf('I saw teh cat.', 'teh', 'the', { kind: 'Spelling', message })
    expect(said).toBe('„teh“ steht nicht im Wörterbuch.')
    expect(found && english.grammar.reason(found.reason ?? never(), found.explanation)).toBe(
      '“teh” is not in the dictionary.',
    )
  })
})

function never(): never {
  throw new Error('no reason')
}

test.each([
  ['No, no, no!', null],
  ['I no do that.', null],
  ['Kein Problem, gerne!', 'not-english'],
  ['Ja, danke dir.', 'not-english'],
  ['Danke schön!', 'not-english'],
  ['Es war schön und größer.', 'not-english'],
  ['Mr Müller met Jörg Schröder.', null],
  ['The über cool place.', null],
  ['Vielen Dank, das ist sehr nett.', 'not-english'],
])('whether %j can be English', (sentence, silence) => {
  expect(factsOf(sentence).silence).toBe(silence)
})
