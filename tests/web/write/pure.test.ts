/** Tables of the writing page's pure parts: files' encodings, counts, versions, keys, figures, the typing trial. */
import { describe, expect, it } from 'vitest'
import { Counter, countLine, readingMinutes } from '../../../web/src/state/documents/count.ts'
import { decodeFile, encodeFile } from '../../../web/src/state/documents/encoding.ts'
import { spare, type VersionMark, versionDue } from '../../../web/src/state/documents/versions.ts'
import { bindingOf, conflictOf, DEFAULT_KEYS, shownKey } from '../../../web/src/state/suggestions/keys.ts'
import { type Attempt, compare, distance, judge, plan, trialsJson } from '../../../web/src/state/suggestions/trial.ts'
import { added, emptyUsage, ownPrecision, percentile, usageJson } from '../../../web/src/state/suggestions/usage.ts'
import { compareTexts } from '../../../web/src/ui/write/compare.ts'
import { suggestedName } from '../../../web/src/ui/write/files.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)

describe('files', () => {
  const cases: [string, Uint8Array, object][] = [
    ['UTF-8', utf8('Grüße\nan alle 🌍\n'), { encoding: 'utf-8', lineEnd: '\n', text: 'Grüße\nan alle 🌍\n' }],
    ['Windows line ends', utf8('a\r\nb\r\n'), { encoding: 'utf-8', lineEnd: '\r\n', text: 'a\nb\n' }],
    ['old Mac line ends', utf8('a\rb'), { encoding: 'utf-8', lineEnd: '\r', text: 'a\nb' }],
    ['a byte order mark', utf8('\ufeffa\nb'), { encoding: 'utf-8-bom', lineEnd: '\n', text: 'a\nb' }],
    [
      'UTF-16, little',
      Uint8Array.of(0xff, 0xfe, 0xe4, 0, 0x0d, 0, 0x0a, 0),
      { encoding: 'utf-16le', lineEnd: '\r\n', text: 'ä\n' },
    ],
    [
      'UTF-16, big',
      Uint8Array.of(0xfe, 0xff, 0, 0xe4, 0x20, 0xac),
      { encoding: 'utf-16be', lineEnd: '\n', text: 'ä€' },
    ],
    ['Windows-1252', Uint8Array.of(0x47, 0x72, 0xfc, 0xdf, 0x65), { encoding: 'windows-1252', text: 'Grüße' }],
    ['nothing', new Uint8Array(), { encoding: 'utf-8', lineEnd: '\n', text: '' }],
  ]
  it.each(cases)('%s: read, and written again byte for byte', (_, bytes, expected) => {
    const decoded = decodeFile(bytes)
    expect(decoded).toMatchObject(expected)
    expect(decoded?.mixedLineEnds).toBe(false)
    if (decoded) expect(encodeFile(decoded.text, decoded)).toEqual({ bytes, encoding: decoded.encoding })
  })

  it('every byte of Windows-1252 comes back', () => {
    const bytes = Uint8Array.from({ length: 255 }, (_, at) => at + 1).filter(byte => byte !== 0x0d)
    const decoded = decodeFile(bytes)
    expect(decoded?.encoding).toBe('windows-1252')
    if (decoded) expect(encodeFile(decoded.text, decoded).bytes).toEqual(bytes)
  })

  it('what an encoding lacks makes the file UTF-8, and says so', () => {
    const { bytes, encoding } = encodeFile('Grüße 🌍', { encoding: 'windows-1252', lineEnd: '\n' })
    expect([new TextDecoder().decode(bytes), encoding]).toEqual(['Grüße 🌍', 'utf-8'])
  })

  it('mixed line ends are told; pictures are no text', () => {
    expect(decodeFile(utf8('a\r\nb\r\nc\n'))).toMatchObject({ lineEnd: '\r\n', mixedLineEnds: true, text: 'a\nb\nc\n' })
    expect(decodeFile(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 0x0d))).toBeNull()
  })

  it.each([
    [{ title: '', opening: 'A/B: what? "yes"', format: 'markdown' }, 'A B what yes.md'],
    [{ title: '../../etc', opening: 'x', format: 'text' }, 'etc.txt'],
    [{ title: '', opening: '', format: 'text' }, 'text.txt'],
    [{ title: 'é'.repeat(80), opening: '', format: 'text' }, `${'é'.repeat(60)}.txt`],
  ] as const)('name of %o', (entry, name) => expect(suggestedName(entry)).toBe(name))
})

describe('counts', () => {
  it.each([
    ['', 0, 0],
    ['One two, three.', 3, 15],
    ['don’t stop-gap 3.5 e.g. x_y', 5, 27],
    ['— … !', 0, 5],
    ['👩‍👩‍👧 ok', 1, 8],
    ['今日は良い天気です', 5, 9],
    ['שלום עולם', 2, 9],
  ])('%o', (line, words, characters) => expect(countLine(line)).toEqual({ words, characters }))

  it('a text that changes a little is counted like a new one', () => {
    const counter = new Counter()
    const lines = Array.from({ length: 500 }, (_, at) => `line number ${at % 7}`)
    expect(counter.count(lines).words).toBe(1500)
    lines[250] = 'one more word here'
    expect(counter.count(lines)).toEqual(new Counter().count(lines))
    expect(counter.count(lines).words).toBe(1501)
    expect(readingMinutes(2380)).toBe(10)
  })
})

describe('versions', () => {
  const long = 'x'.repeat(1000)
  it.each([
    ['the first text', { before: '', after: 'a', sinceVersionMs: null }, { reason: 'interval', text: 'a' }],
    ['soon again', { before: 'a', after: 'ab', sinceVersionMs: 9 * 60_000 }, null],
    [
      'ten minutes later',
      { before: 'a', after: 'ab', sinceVersionMs: 10 * 60_000 },
      { reason: 'interval', text: 'ab' },
    ],
    ['nothing but space', { before: '', after: ' \n', sinceVersionMs: null }, null],
    ['much is cut', { before: long, after: 'x', sinceVersionMs: 1 }, { reason: 'cut', text: long }],
    ['a little of much is cut', { before: long, after: long.slice(300), sinceVersionMs: 1 }, null],
  ])('%s', (_, moment, due) => expect(versionDue(moment)).toEqual(due))

  it('old ones are thinned: all of an hour, one an hour of a day, one a day before; the user’s own stay', () => {
    const now = Date.UTC(2026, 0, 20, 12)
    const minute = 60_000
    const at = (minutesAgo: number, id: number, reason: VersionMark['reason'] = 'interval', characters = 10) => ({
      ...{ id, at: now - minutesAgo * minute, reason, characters },
    })
    const versions = [
      ...[at(1, 1), at(2, 2), at(59, 3)],
      ...[at(121, 4), at(125, 5), at(130, 6, 'manual')],
      ...[at(3 * 1440, 7), at(3 * 1440 + 30, 8), at(9 * 1440, 9)],
    ]
    expect(spare(versions, now).map(({ id }) => id)).toEqual([5, 8])
    const heavy = [at(1, 1, 'interval', 15e6), at(2, 2, 'interval', 15e6), at(3, 3, 'manual', 15e6)]
    expect(spare(heavy, now).map(({ id }) => id)).toEqual([2])
    const many = Array.from({ length: 150 }, (_, index) => at(index / 10, index))
    expect(spare(many, now)).toHaveLength(50)
  })
})

describe('comparing texts', () => {
  it('word by word where lines changed, equal stretches folded; nothing is lost', async () => {
    const lines = Array.from({ length: 40 }, (_, at) => `Line ${at}\n`)
    const older = lines.join('')
    const newer = older.replace('Line 20', 'Line twenty')
    const pieces = await compareTexts(older, newer)
    expect(pieces.map(({ kind }) => kind)).toEqual([
      'folded',
      'same',
      'same',
      'removed',
      'added',
      'same',
      'same',
      'folded',
    ])
    expect(pieces).toContainEqual({ kind: 'removed', text: '20' })
    expect(pieces).toContainEqual({ kind: 'added', text: 'twenty' })
    expect(pieces[0]).toEqual({ kind: 'folded', lines: 18 })
  })

  it.each([
    ['', ''],
    ['a', ''],
    ['', 'b\n'],
    ['same\n', 'same\n'],
    ['one two', 'two one'],
  ])('%o to %o', async (older, newer) => {
    const pieces = await compareTexts(older, newer)
    const of = (kind: 'removed' | 'added') =>
      pieces.map(piece => (piece.kind === 'same' || piece.kind === kind ? piece.text : '')).join('')
    expect([of('removed'), of('added')]).toEqual([older, newer])
  })
})

describe('keys', () => {
  const press = (key: string, over: object = {}) => ({
    ...{ key, code: '', ctrlKey: false, altKey: false, metaKey: false, shiftKey: false },
    ...over,
  })
  it.each([
    [press('ArrowRight', { ctrlKey: true }), 'Mod-ArrowRight', 'Ctrl-ArrowRight'],
    [press('k', { metaKey: true }), 'Meta-k', 'Mod-k'],
    [press('S', { altKey: true, shiftKey: true }), 'Alt-Shift-s', 'Alt-Shift-s'],
    [press('}', { altKey: true, shiftKey: true }), 'Alt-}', 'Alt-}'],
    [press('ß', { altKey: true, code: 'KeyS' }), 'Alt-s', 'Alt-s'],
    [press(' ', { ctrlKey: true }), 'Mod-Space', 'Ctrl-Space'],
    [press('F8'), 'F8', 'F8'],
    [press('Tab', { shiftKey: true }), 'Shift-Tab', 'Shift-Tab'],
    [press('a'), null, null],
    [press('A', { shiftKey: true }), null, null],
    [press('Enter'), null, null],
    [press('Control', { ctrlKey: true }), null, null],
  ])('%o', (key, elsewhere, onMac) => expect([bindingOf(key, false), bindingOf(key, true)]).toEqual([elsewhere, onMac]))

  it.each([
    ['Mod-ArrowRight', 'Ctrl+→', '⌘→'],
    ['Alt-Shift-s', 'Alt+Shift+S', '⌥⇧S'],
    ['Ctrl-Space', 'Ctrl+Space', '⌃Space'],
    ['Alt--', 'Alt+-', '⌥-'],
    ['Tab', 'Tab', 'Tab'],
  ])('%s as people read it', (key, elsewhere, onMac) => {
    expect([shownKey(key, false), shownKey(key, true)]).toEqual([elsewhere, onMac])
  })

  it('the defaults go together; a key of two masters does not', () => {
    for (const [action, keys] of Object.entries(DEFAULT_KEYS)) {
      for (const key of keys)
        expect(conflictOf(action as keyof typeof DEFAULT_KEYS, key, DEFAULT_KEYS, false)).toBeNull()
    }
    expect(conflictOf('next', 'Tab', DEFAULT_KEYS, false)).toEqual({ action: 'accept' })
    expect(conflictOf('next', 'Mod-Space', DEFAULT_KEYS, false)).toEqual({ action: 'trigger' })
    expect(conflictOf('next', 'Mod-Space', DEFAULT_KEYS, true)).toBeNull()
    expect(conflictOf('next', 'Mod-z', DEFAULT_KEYS, false)).toEqual({ editor: 'undo' })
  })
})

describe('figures of use', () => {
  it('visits add up, percentiles stay, the file has no text', () => {
    const one = { ...emptyUsage(), shown: 3, accepted: 1, suppressed: { 'low-confidence': 2 }, latenciesMs: [10, 30] }
    const two = { ...emptyUsage(), shown: 2, suppressed: { 'low-confidence': 1, empty: 4 }, latenciesMs: [20] }
    const sum = added(one, two)
    expect(sum).toMatchObject({ shown: 5, accepted: 1, latenciesMs: [10, 20, 30] })
    expect(sum.suppressed).toEqual({ 'low-confidence': 3, empty: 4 })
    const many = { ...emptyUsage(), latenciesMs: Array.from({ length: 9000 }, (_, at) => at) }
    const thinned = added(many, emptyUsage()).latenciesMs
    expect(thinned.length).toBe(2000)
    expect(Math.abs((percentile(thinned, 0.9) ?? 0) - 8100)).toBeLessThan(10)
    expect(percentile([], 0.5)).toBeNull()
    const json = JSON.parse(usageJson(sum, 'a-model'))
    expect(json).toMatchObject({ format: 1, model: 'a-model', shown: 5, latency_ms: { count: 3, p50: 20, p90: 30 } })
  })

  it('the user’s own precision from a confidence on', () => {
    const outcomes = [0.4, 0.5, 0.6, 0.9].map(confidence => ({ confidence, accepted: confidence > 0.5 }))
    expect(ownPrecision(outcomes, 0.5)).toEqual({ shown: 3, accepted: 2 })
  })
})

describe('the typing trial', () => {
  const attempt = (assisted: boolean, msPerCharacter: number, over: Partial<Attempt> = {}): Attempt => ({
    ...{
      assisted,
      target: 'abcdefghij',
      typed: 'abcdefghij',
      ms: 10 * msPerCharacter,
      keystrokes: 10,
      takenCharacters: 0,
    },
    ...over,
  })
  const trial = (withThem: number[], without: number[]) =>
    judge({
      kind: 'copy',
      attempts: [...withThem.map(ms => attempt(true, ms)), ...without.map(ms => attempt(false, ms))],
    })

  it('clearly faster, clearly slower, and what cannot be told', () => {
    expect(trial([100, 105, 95, 102], [200, 190, 210, 205]).verdict).toBe('faster')
    expect(trial([200, 190, 210, 205], [100, 105, 95, 102]).verdict).toBe('slower')
    expect(trial([100, 200, 150], [110, 190, 160]).verdict).toBe('unclear')
    expect(trial([100, 100], [200, 200, 200])).toMatchObject({ verdict: 'too-few', ratio: null })
  })

  it('Welch’s interval: ratio and 4.93 degrees of freedom from Python’s statistics module, t of 4 from a table', () => {
    const { value, low, high } = compare([100, 120, 90, 110].map(Math.log), [150, 140, 170].map(Math.log))
    expect(value).toBeCloseTo(0.683095, 5)
    expect(low).toBeCloseTo(0.540955, 5)
    expect(high).toBeCloseTo(0.862584, 5)
  })

  it('errors are an edit distance, per 100 characters; own sentences have none', () => {
    expect(distance('kitten', 'sitting')).toBe(3)
    expect(distance('', 'abc')).toBe(3)
    expect(distance('👍a', 'a')).toBe(1)
    const attempts = [attempt(true, 100, { typed: 'abcdefghix', keystrokes: 7, takenCharacters: 4 })]
    expect(judge({ kind: 'copy', attempts }).assisted).toMatchObject({
      errorsPer100: 10,
      keysPer100: 70,
      takenCharacters: 4,
    })
    expect(judge({ kind: 'compose', attempts }).assisted.errorsPer100).toBeNull()
  })

  it('in turn with and without, every task once, and each may come first', () => {
    const tasks = ['a', 'b', 'c', 'd', 'e']
    const lots = [0.3, 0.1, 0.5, 0.2, 0.4]
    const made = plan(tasks, () => lots.shift() ?? 0.9)
    expect(made.map(({ task }) => task).join('')).toBe('bdaec')
    expect(made.map(({ assisted }) => assisted)).toEqual([false, true, false, true, false])
    expect(plan(tasks, () => 0.1)[0]?.assisted).toBe(true)
  })

  it('the file says it all', () => {
    const saved = JSON.parse(
      trialsJson([{ kind: 'copy', model: 'm', at: '2026-01-01', attempts: [attempt(true, 100)] }]),
    )
    expect(saved.trials[0]).toMatchObject({ verdict: 'too-few', time_ratio: null, attempts: [{ taken_characters: 0 }] })
  })
})
