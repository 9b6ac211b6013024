/** Marks in the real editor: they move with the text, go with their words, and one accept is one step of undo. */
import { redo, undo } from '@codemirror/commands'
import { afterEach, describe, expect, it } from 'vitest'
import { userEvent } from 'vitest/browser'
import { randomNumbers } from '../../../web/src/engine/random.ts'
import type { Mark, Placed } from '../../../web/src/state/grammar/checker.ts'
import type { Finding } from '../../../web/src/tasks/grammar/types.ts'
import { Editor } from '../../../web/src/ui/write/editor.ts'
import { correctionMarks, EditorMarks, marksOf, putIn } from '../../../web/src/ui/write/grammar/marks.ts'
import '../../../web/src/ui/tokens.css'

let editor: Editor | null = null

afterEach(() => {
  editor?.destroy()
  editor = null
})

function open(text: string) {
  const host = document.createElement('div')
  host.style.cssText = 'height: 300px; width: 420px; font: 18px Georgia, serif'
  document.body.replaceChildren(host)
  const pointed: (Mark | null)[] = []
  const changes: boolean[] = []
  const marks = correctionMarks({
    onMarks: () => {},
    onChanged: byUser => changes.push(byUser),
    onMoved: () => {},
    onPointed: mark => pointed.push(mark),
  })
  const made = new Editor(
    host,
    { ...{ label: 'Document text', placeholder: '', phrases: {} }, ...{ over: [marks], keys: [] } },
    { onChange: () => {}, onMove: () => {} },
  )
  editor = made
  made.show(text, text.length, 'markdown')
  made.focus()
  return { view: made.view, place: new EditorMarks(made.view), pointed, changes }
}

function placed(text: string, old: string, replacement: string, from = text.indexOf(old)): Placed {
  const finding: Finding = {
    ...{
      from,
      to: from + old.length,
      replacements: [replacement],
      kind: 'spelling',
      kinds: ['spelling'],
      explanation: '',
      reason: null,
    },
    ...{ foundBy: 'model', rule: '', confidence: 3 },
  }
  const checked = { start: 0, end: text.length, text, findings: [finding], opensItem: false }
  return { from, to: from + old.length, original: old, finding, checked }
}

const TEXT = 'Teh cat sat on teh mat.'
const all = () => [placed(TEXT, 'Teh', 'The'), placed(TEXT, 'teh', 'the')]
const standing = (view: Editor['view']) => marksOf(view.state).map(({ from, to }) => view.state.sliceDoc(from, to))
const underlined = () =>
  Array.from(editor?.view.dom.querySelectorAll('[data-mark]') ?? [], ({ textContent }) => textContent)

describe('marks', () => {
  it('move with what is written before them and go when their word is touched', async () => {
    const { view, place } = open(TEXT)
    place.setAll(all(), [])
    expect(underlined()).toEqual(['Teh', 'teh'])
    view.dispatch({ changes: { from: 0, insert: 'Now: ' } })
    expect(marksOf(view.state).map(({ from }) => from)).toEqual([5, 20])
    view.dispatch({ changes: { from: 8, insert: ' ' } })
    expect(standing(view), 'a space behind it leaves it').toEqual(['Teh', 'teh'])
    view.dispatch({ changes: { from: 8, insert: 'n' } })
    expect(standing(view), 'a letter behind it makes another word of it').toEqual(['teh'])
    view.dispatch({
      changes: { from: view.state.doc.toString().indexOf('teh') + 1, to: view.state.doc.toString().indexOf('teh') + 2 },
    })
    expect(standing(view)).toEqual([])
  })

  it('stay on their words through random edits elsewhere', () => {
    const words = Array.from({ length: 60 }, (_, index) => `w${index}x`)
    const text = words.join(' ')
    const { view, place } = open(text)
    const marked = words.filter((_, index) => index % 3 === 0)
    place.setAll(
      marked.map(word => placed(text, word, 'y')),
      [],
    )
    const random = randomNumbers(7)
    for (let round = 0; round < 300; round++) {
      const marks = marksOf(view.state)
      const at = Math.floor(random() * view.state.doc.length)
      const isFree = marks.every(({ from, to }) => at < from - 1 || at > to + 1)
      if (isFree)
        view.dispatch({
          changes: {
            from: at,
            to: Math.min(at + Math.floor(random() * 2), view.state.doc.length),
            insert: ['', 'q', ' zz ', '\n'][Math.floor(random() * 4)] ?? '',
          },
        })
      for (const { from, to, original } of marksOf(view.state)) expect(view.state.sliceDoc(from, to)).toBe(original)
    }
    expect(standing(view)).toEqual(marked)
  })

  it('of a sentence that is asked about again stay until it is answered', () => {
    const { view, place } = open(TEXT)
    place.setAll(all(), [])
    place.setAll([], [{ from: 10, to: 23 }])
    expect(standing(view)).toEqual(['teh'])
    place.setIn({ from: 0, to: 23 }, [placed(TEXT, 'cat', 'hat')])
    expect(standing(view)).toEqual(['cat'])
  })

  it('that stand again keep their names', () => {
    const { view, place } = open(TEXT)
    place.setAll(all(), [])
    const ids = marksOf(view.state).map(({ id }) => id)
    place.setAll([...all(), placed(TEXT, 'mat', 'hat')], [])
    expect(
      marksOf(view.state)
        .slice(0, 2)
        .map(({ id }) => id),
    ).toEqual(ids)
  })

  it('of missing words are shown at the word before', () => {
    const { place } = open('I go home')
    place.setAll([{ ...placed('I go home', '', 'to ', 5) }], [])
    expect(underlined()).toEqual(['go'])
  })

  it('of words that go have no line under the space that goes with them', () => {
    const text = 'If I would have known  it'
    const { place } = open(text)
    place.setAll([placed(text, ' would', ''), placed(text, 'known  ', 'known ')], [])
    expect(underlined()).toEqual(['would', 'known'])
    place.setAll([placed(text, '  ', ' ')], [])
    expect(underlined()).toEqual(['  '])
  })

  it('accepting one is one step of undo, leaves the others, and keeps the caret with its words', async () => {
    const { view, place, changes } = open(TEXT)
    place.setAll(all(), [])
    view.dispatch({ selection: { anchor: 11 } })
    const [first] = marksOf(view.state)
    if (!first) throw new Error('no mark')
    putIn(view, [first], 'These')
    expect(view.state.doc.toString()).toBe('These cat sat on teh mat.')
    expect(view.state.selection.main.head).toBe(13)
    expect(standing(view)).toEqual(['teh'])
    putIn(view, marksOf(view.state))
    undo(view)
    expect(view.state.doc.toString()).toBe('These cat sat on teh mat.')
    undo(view)
    expect(view.state.doc.toString()).toBe(TEXT)
    redo(view)
    expect(view.state.doc.toString()).toBe('These cat sat on teh mat.')
    expect(changes.slice(0, 2)).toEqual([false, false])
  })

  it('all at once are one step of undo', () => {
    const { view, place } = open(TEXT)
    place.setAll(all(), [])
    putIn(view, marksOf(view.state))
    expect(view.state.doc.toString()).toBe('The cat sat on the mat.')
    undo(view)
    expect(view.state.doc.toString()).toBe(TEXT)
  })

  it('say when they are clicked, and when something else is', async () => {
    const { place, pointed } = open(TEXT)
    place.setAll(all(), [])
    const [, second] = editor?.view.dom.querySelectorAll('[data-mark]') ?? []
    if (!second) throw new Error('no mark')
    await userEvent.click(second)
    expect(pointed.at(-1)?.original).toBe('teh')
    await userEvent.click(editor?.view.contentDOM ?? second, { position: { x: 300, y: 150 } })
    expect(pointed.at(-1)).toBeNull()
  })

  it('are told apart without colour', () => {
    const { place } = open('one two three four five six')
    const kinds = ['spelling', 'grammar', 'punctuation', 'capitalization', 'preposition', 'missing-words'] as const
    const text = 'one two three four five six'
    const words = text.split(' ')
    place.setAll(
      kinds.map((kind, index) => {
        const one = placed(text, words[index] ?? '', 'x')
        return { ...one, ...(kind === 'missing-words' ? { to: one.from } : {}), finding: { ...one.finding, kind } }
      }),
      [],
    )
    const shapes = Array.from(editor?.view.dom.querySelectorAll('[data-mark]') ?? [], mark => {
      const { textDecorationStyle, backgroundImage } = getComputedStyle(mark)
      return backgroundImage === 'none' ? textDecorationStyle : `${textDecorationStyle} with a foot`
    })
    // A gap is shown behind the word before it.
    expect(shapes).toEqual(['wavy', 'double', 'dotted', 'dashed', 'solid with a foot', 'solid'])
  })
})
