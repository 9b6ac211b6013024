/** Corrections over a scripted model and scripted rules: cache, order, staleness, agreement, judgement, either one missing. */
import { describe, expect, test } from 'vitest'
import { said, scene } from './scripted.ts'

const ANSWERS = { 'He go home.': 'He goes home.', 'Their going home.': "They're going home." }

describe('cache', () => {
  test('only sentences that changed are asked about, what is known is told at once', async () => {
    const { run, asked, ruled } = scene({ answers: ANSWERS })
    const first = await run('He go home. All is well here.')
    expect(said(first.checked)).toEqual(['go → goes (model)'])
    expect(first.progress).toEqual(['0/2', '1/2', '2/2'])
    const again = await run('New words here. He go home. All is well here.')
    expect(asked).toEqual(['He go home.', 'All is well here.', 'New words here.'])
    expect(ruled).toEqual(asked)
    expect(again.waiting).toEqual(['New words here.'])
    expect(again.known.map(({ start, text }) => [start, text])).toEqual([
      [16, 'He go home.'],
      [28, 'All is well here.'],
    ])
    expect(said(again.known)).toEqual(['go → goes (model)'])
  })

  test('a sentence that stands twice is asked about once', async () => {
    const { run, asked } = scene({ answers: ANSWERS })
    const { checked } = await run('He go home.\n\nHe go home.')
    expect(asked).toEqual(['He go home.'])
    expect(said(checked)).toEqual(['go → goes (model)', 'go → goes (model)'])
  })

  test('another source asks only who was not asked before', async () => {
    const { run, asked, ruled } = scene({ answers: ANSWERS })
    await run('He go home.', { source: 'model' })
    expect(ruled).toEqual([])
    await run('He go home.', { source: 'both' })
    await run('He go home.', { source: 'rules' })
    expect([asked, ruled]).toEqual([['He go home.'], ['He go home.']])
  })

  test('what is left of a sentence after a correction is known without asking', async () => {
    const { run, asked, corrector } = scene({ answers: { 'He go hom now.': 'He goes home now.' } })
    const [checked] = (await run('He go hom now.', { source: 'model' })).checked
    const left = checked?.findings.slice(1).map(one => ({ ...one, from: one.from + 2, to: one.to + 2 })) ?? []
    corrector.adopt({ text: 'He goes hom now.', findings: left, opensItem: false }, 'model')
    const next = await run('He goes hom now.', { source: 'model' })
    expect(said(next.known)).toEqual(['hom → home (model)'])
    expect(asked).toEqual(['He go hom now.'])
  })

  test('an item of a list keeps its small letter, whoever would change it; “I” is none', async () => {
    const answers = { 'she go home': 'She goes home', 'She go home': 'She goes home', 'I has it': 'I have it' }
    const score = (text: string) => (/^(?:she goes|i have)/i.test(text) ? 10 : /^[SI]/.test(text) ? 5 : 0)
    const rules = {
      'she go home': [['she', 'She', 'Capitalization']],
      'i has it': [['i', 'I', 'Capitalization']],
    } as const
    const { run, corrector } = scene({ answers, rules }, { score })
    const text = '- she go home\n- i has it\n\nshe go home'
    const { checked } = await run(text)
    expect(said(checked)).toEqual([
      ...['go → goes (model)', 'has → have (model)', 'i → I (rules)'],
      ...['go → goes (model)', 'she → She (rules)'],
    ])
    expect(checked.map(({ start, findings }) => text.slice(start + (findings[0]?.from ?? 0)).slice(0, 3))).toEqual([
      ...['go ', 'has', 'go '],
    ])
    corrector.adopt({ text: 'she goes home', findings: [], opensItem: true }, 'both')
    const next = await run('- she goes home')
    expect([next.known.length, next.waiting]).toEqual([1, []])
  })
})

describe('order', () => {
  const TEXT = 'One is here. Two is here. Three is here. Four is here.'

  test('what is in view comes first, then what follows, then what is before', async () => {
    const { run, asked } = scene()
    await run(TEXT, { view: () => ({ from: 14, to: 20 }), source: 'model' })
    expect(asked).toEqual(['Two is here.', 'Three is here.', 'Four is here.', 'One is here.'])
  })

  test('an unfinished sentence is left alone', async () => {
    const { run, asked } = scene()
    const { waiting } = await run(TEXT, { isOpen: ({ start }) => start === 13, source: 'model' })
    expect(asked).not.toContain('Two is here.')
    expect(waiting).not.toContain('Two is here.')
  })

  test('code, links and other languages are not asked about', async () => {
    const { run, asked, ruled } = scene()
    await run('```\nHe go home.\n```\n\nEr geht nach Hause und die Katze ist nicht da.\n\nhttps://a.example/b c')
    expect([asked, ruled]).toEqual([[], []])
  })
})

describe('staleness', () => {
  test('a question for a sentence that is gone is taken back; one for a sentence that stays goes on', async () => {
    const gates: (() => void)[] = []
    const { run, asked } = scene(
      { answers: ANSWERS },
      { beforeWord: index => (index === 0 ? new Promise(resolve => gates.push(resolve)) : Promise.resolve()) },
    )
    const old = new AbortController()
    const first = run('He go home.', { source: 'model', signal: old.signal })
    await expect.poll(() => gates.length).toBe(1)
    old.abort()
    const second = run('He go home. More words.', { source: 'model' })
    gates[0]?.()
    await expect.poll(() => gates.length).toBe(2)
    gates[1]?.()
    expect((await first).checked, 'nobody is told of an old text').toEqual([])
    expect(said((await second).checked)).toEqual(['go → goes (model)'])
    expect(asked, 'asked once, though two runs wanted to know').toEqual(['He go home.', 'More words.'])

    const gone = new AbortController()
    const third = run('Their going home.', { source: 'model', signal: gone.signal })
    await expect.poll(() => gates.length).toBe(3)
    gone.abort()
    await run('He go home.', { source: 'model' })
    gates[2]?.()
    expect((await third).checked).toEqual([])
  })
})

describe('model and rules', () => {
  const TEXT = 'I could of seen teh cat.'
  const RULES = { [TEXT]: [['could of', 'could have', 'WordChoice'] as const, ['teh', 'the|tech'] as const] }

  test('the model reads what the rules have repaired: what it then finds stands in the sentence as written', async () => {
    const answers = { 'I could have seen the cat.': 'I could have seen the cats.' }
    const score = (sentence: string) => ['have', 'the', 'cats'].filter(word => sentence.includes(word)).length
    const { run, asked } = scene({ answers, rules: RULES }, { score })
    const { checked } = await run(TEXT)
    expect(asked.at(-1)).toBe('I could have seen the cat.')
    expect(said(checked)).toEqual(['cat → cats (model)', 'could of → could have (both)', 'teh → the (both)'])
    expect(checked[0]?.findings[1]).toMatchObject({ rule: 'RuleWordChoice', explanation: 'Says why.' })
  })

  test('a repaired word that the model changes further is one correction, and its spelling', async () => {
    const text = 'It was writting here.'
    const rules = { [text]: [['writting', 'writing', 'Spelling'] as const] }
    const answers = { 'It was writing here.': 'It was written here.' }
    const { checked } = await scene({ answers, rules }, { score: sentence => -sentence.length }).run(text)
    expect(said(checked)).toEqual(['writting → written (model)', 'writting → writing (both)'])
    expect(checked[0]?.findings[0]).toMatchObject({ kind: 'spelling' })
  })

  test('the model judges what the rules say, and chooses among their suggestions; what it objects to it does not read', async () => {
    const score = (sentence: string) => (sentence.includes('tech') ? -1 : sentence.includes('could have') ? -9 : -4)
    const { run, asked } = scene({ rules: RULES }, { score })
    const [sentence] = (await run(TEXT)).checked
    expect(
      sentence?.findings.map(({ replacements, confidence, foundBy }) => [replacements, confidence, foundBy]),
    ).toEqual([
      [['could have'], -5, 'rules'],
      [['tech', 'the'], 3, 'both'],
    ])
    expect(asked.at(-1)).toBe('I could of seen tech cat.')
  })

  test('the rules alone are not judged', async () => {
    const { run, asked } = scene({ rules: RULES })
    const { checked } = await run(TEXT, { source: 'rules' })
    expect(said(checked)).toEqual(['could of → could have (rules)', 'teh → the (rules)'])
    expect(checked[0]?.findings.map(({ confidence }) => confidence)).toEqual([null, null])
    expect(asked).toEqual([])
  })

  test('a rule has no business with names, quotations, code and links', async () => {
    const text = 'We met Wolfshiem, who said "teh cat" and `teh` on teh way.'
    const { run } = scene({
      rules: {
        [text]: [
          ['Wolfshiem', 'Bolshie'],
          ['teh cat', 'the cat'],
          ['teh` on', 'the` on'],
        ],
      },
    })
    expect(said((await run(text, { source: 'rules' })).checked)).toEqual([])
  })

  test('names of the text are told as it writes them; names of files are none', async () => {
    const { run } = scene()
    const text = 'We saw NASA and McBean. NASA saw README.md and McBean’s README.md there.'
    expect((await run(text)).names).toEqual(['NASA', 'McBean'])
  })

  test('signs of Markdown stay', async () => {
    const text = 'Some **bold** txt is hre now.'
    const visible = 'Some   bold   txt is hre now.'
    const { run } = scene({
      rules: {
        [visible]: [
          ['bold   txt', 'text'],
          ['hre', 'here'],
        ],
      },
    })
    expect(said((await run(text, { source: 'rules' })).checked)).toEqual(['hre → here (rules)'])
  })

  test('without a model the rules work, without rules the model; trouble is told once', async () => {
    const { run, corrector, troubles } = scene({ answers: ANSWERS, rules: { 'He go home.': [['go', 'went']] } })
    const { engine } = corrector
    corrector.engine = null
    expect(said((await run('He go home.')).checked)).toEqual(['go → went (rules)'])
    Object.assign(corrector, { engine, rules: null })
    expect(said((await run('He go home.')).checked)).toEqual(['go → goes (model)'])
    corrector.rules = { check: () => Promise.reject(new Error('no WASM')) }
    expect(said((await run('Their going home. All is well.')).checked)).toEqual(["Their → They're (model)"])
    expect(troubles).toEqual(['rules: Error: no WASM'])
  })

  test('where nobody can be asked, nothing is waited for', async () => {
    const { run, corrector } = scene({ answers: ANSWERS })
    corrector.engine = null
    const { known, waiting, progress } = await run('He go home.', { source: 'model' })
    expect([known, waiting, progress]).toEqual([[], [], ['0/0']])
  })

  test('an engine that is gone leaves the rules', async () => {
    const { run, engine, troubles } = scene({ rules: { 'He go home.': [['go', 'went']] } })
    await engine.dispose()
    expect(said((await run('He go home. She too.')).checked)).toEqual(['go → went (rules)'])
    expect(troubles).toHaveLength(1)
  })
})

describe('odd texts', () => {
  test.each<[string, string]>([
    ['empty', ''],
    ['one character', 'x'],
    ['a sentence of 50 kB', `${'word '.repeat(10_000)}.`],
    ['50 kB of brackets', '[a'.repeat(25_000)],
    ['50 kB of backticks', '`a``b'.repeat(10_000)],
    ['an open link of 50 kB', `[a](${'b'.repeat(50_000)}`],
    ['emoji', '👍👨‍👩‍👧 go 🏽\u200d 🎉 he go'],
    ['from right to left', 'שלום עולם. \u202eHe go home.\u202c مرحبا بالعالم'],
    ['control characters', 'He\u0000 go\u0007 home\u001b[0m.\u2028He\u0085go\r\nhome.'],
    ['half of a pair', 'He go \ud800 home. \udc00'],
    ['not English', 'Ich gehe nach Hause und die Katze ist nicht da. 我们回家吧。 Он идёт домой.'],
  ])('%s', async (_, text) => {
    const { run } = scene()
    const { known, checked, progress } = await run(text)
    for (const one of [...known, ...checked]) {
      expect(text.slice(one.start, one.end)).toBe(one.text)
      for (const { from, to } of one.findings) expect(0 <= from && from <= to && to <= one.text.length).toBe(true)
    }
    expect(progress.at(-1)).toMatch(/^(\d+)\/\1$/)
  })
})
