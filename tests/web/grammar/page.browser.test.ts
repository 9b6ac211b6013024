/** The writing page over a scripted model that corrects: type, keys, popup, list, undo, reload, dictionary, odd texts. */
import { h, render } from 'preact'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { announcement, undo } from '../../../web/src/state/announce.ts'
import { loadState } from '../../../web/src/state/engine.ts'
import { changeGrammar, GRAMMAR_DEFAULTS, grammar } from '../../../web/src/state/grammar/settings.ts'
import { modelList } from '../../../web/src/state/models.ts'
import { route } from '../../../web/src/state/route.ts'
import { WRITING_DEFAULTS, writing } from '../../../web/src/state/suggestions/settings.ts'
import { speak } from '../../../web/src/text/index.ts'
import { UndoNotice } from '../../../web/src/ui/parts/notices.tsx'
import { WritePage } from '../../../web/src/ui/write/page.tsx'
import { fakeEngine } from '../engine/fake.ts'
import { MODEL } from '../ui/page.ts'

const box = () => page.getByRole('textbox', { name: 'Document text' })
const button = (name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' })
const host = () => document.querySelector('.write-text')
const marks = () =>
  Array.from(host()?.shadowRoot?.querySelectorAll('[data-mark]') ?? [], ({ textContent }) => textContent)
const written = () =>
  Array.from(host()?.shadowRoot?.querySelectorAll('.cm-line') ?? [], line => {
    const copy = line.cloneNode(true) as Element // a line is an element
    for (const over of copy.querySelectorAll('.ghost, .cm-placeholder')) over.remove()
    return copy.textContent
  }).join('\n')

/** What the scripted model makes of words, wherever they stand. */
const FIXES: readonly (readonly [RegExp, string])[] = [
  [/\bgo\b/g, 'goes'],
  [/\bteh\b/g, 'the'],
  [/\bhas a apple\b/g, 'has an apple'],
]
const fixed = (sentence: string) => FIXES.reduce((text, [old, fresh]) => text.replace(old, fresh), sentence)

let close = async () => {}
let asked: string[] = []
/** Awaited before the model's first word of an answer. */
let held: Promise<void> | null = null

async function visit({ again = false, tasks = ['grammar'], suggestion = '', width = 1400 } = {}): Promise<void> {
  await close()
  await page.viewport(width, 900)
  if (!again) {
    localStorage.clear()
    await new Promise(resolve => {
      indexedDB.deleteDatabase('slm-playground.documents').onsuccess = resolve
    })
    writing.value = { ...WRITING_DEFAULTS, enabled: suggestion !== '' }
    grammar.value = { ...GRAMMAR_DEFAULTS, source: 'model' }
  }
  undo.value = null
  announcement.value = ''
  asked = []
  history.replaceState(null, '', '#/write')
  route.value = { page: 'write', rest: '' }
  const engine = fakeEngine({
    answer: prompt => {
      if (asked.at(-1) !== prompt) asked.push(prompt)
      return fixed(prompt).split(/(?= )/)
    },
    beforeWord: index => (index === 0 && held) || new Promise(resolve => setTimeout(resolve)),
    complete: async () => ({ text: suggestion }),
  })
  // The page's own engine is lent to whoever wants the same bundle.
  loadState.value = { status: 'ready', model: MODEL, engine }
  modelList.value = { models_dir: '', models: [{ ...MODEL, tasks }], errors: [], problem: null, isOffline: false }
  const root = document.createElement('div')
  root.id = 'app'
  document.body.replaceChildren(root)
  render([h(WritePage, {}), h(UndoNotice, {})], root)
  close = async () => {
    render(null, root)
    await new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve))) // Preact ends effects after a frame
  }
  await vi.waitFor(() => expect(route.value.rest).not.toBe(''))
}

async function type(keys: string): Promise<void> {
  await userEvent.click(box())
  await userEvent.keyboard(keys)
}

async function paste(text: string): Promise<void> {
  const data = new DataTransfer()
  data.setData('text/plain', text)
  host()
    ?.shadowRoot?.querySelector('.cm-content')
    ?.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))
}

beforeEach(async () => {
  held = null
  vi.setConfig({ testTimeout: 120_000 })
  await close()
})

describe('marks while writing', () => {
  it('come when a sentence ends, not before; each sentence is asked about once', async () => {
    await visit()
    await type('She go home')
    await expect.poll(() => document.querySelector('.write-marks')?.textContent).toBe('Nothing to correct')
    expect(asked).toEqual([])
    await userEvent.keyboard('.')
    await expect.poll(marks).toEqual(['go'])
    await userEvent.keyboard(' He saw teh cat. And')
    await expect.poll(marks).toEqual(['go', 'teh'])
    expect(asked).toEqual(['She go home.', 'He saw teh cat.'])
  })

  it('leave out the word that is being written, until the caret leaves it', async () => {
    await visit()
    await type('He is here.{Home}{Enter}{ArrowUp}She go to teh') // more text follows: looked at after a rest
    await expect.poll(marks).toEqual(['go'])
    await userEvent.keyboard('{ArrowDown}')
    await expect.poll(marks).toEqual(['go', 'teh'])
    await userEvent.click(document.querySelector('.write-text')?.shadowRoot?.querySelector('[data-mark]') ?? box())
    await userEvent.click(button('Accept'))
    await expect.poll(written).toBe('She goes to teh\nHe is here.')
    await userEvent.keyboard('{Control>}z{/Control}')
    await expect.poll(marks).toEqual(['go', 'teh']) // as before, though the caret is there
  })

  it('ghost text and marks stand in one editor, Tab still accepts', async () => {
    await visit({ suggestion: ' tomorrow' })
    await type('She go home. We will come')
    await expect.poll(marks).toEqual(['go'])
    await expect.poll(() => host()?.shadowRoot?.querySelector('.ghost')?.textContent).toBe(' tomorrow')
    await userEvent.keyboard('{Tab}')
    expect(written()).toBe('She go home. We will come tomorrow')
    expect(marks()).toEqual(['go'])
  })
})

describe('keys', () => {
  it('go to the next and the previous one, say it, accept it, and leave the caret', async () => {
    await visit()
    await type('She go home. He saw teh cat. Then on')
    await expect.poll(marks).toEqual(['go', 'teh'])
    await userEvent.keyboard('{F8}')
    await expect.element(page.getByRole('dialog', { name: 'Correction: Grammar' })).toBeVisible()
    expect(announcement.value).toBe('1 of 2. Grammar: go → goes.')
    await userEvent.keyboard('{F8}')
    expect(announcement.value).toBe('2 of 2. Spelling: teh → the.')
    await userEvent.keyboard('{Shift>}{F8}{/Shift}')
    await userEvent.keyboard('{Alt>}{Enter}{/Alt}')
    expect(written()).toBe('She goes home. He saw teh cat. Then on')
    expect(document.querySelector('.mark-popup')).toBeNull()
    await userEvent.keyboard('!')
    expect(written(), 'the caret is where it was').toBe('She goes home. He saw teh cat. Then on!')
    await expect.poll(marks).toEqual(['teh'])
    await userEvent.keyboard('{Control>}z{/Control}{Control>}z{/Control}')
    expect(written()).toBe('She go home. He saw teh cat. Then on')
    await expect.poll(marks).toEqual(['go', 'teh'])
  })

  it('go on from the one that was accepted or turned down, until the caret moves', async () => {
    await visit()
    await type('She go home. He saw teh cat. They go out. It')
    await expect.poll(marks).toEqual(['go', 'teh', 'go'])
    await userEvent.keyboard('{F8}{F8}{Alt>}{Enter}{/Alt}{F8}')
    expect(announcement.value).toBe('2 of 2. Grammar: go → goes.')
    await userEvent.keyboard('{Alt>}{Shift>}d{/Shift}{/Alt}')
    await expect.poll(marks).toEqual(['go'])
    await userEvent.keyboard('{Control>}z{/Control}')
    await expect.poll(marks).toEqual(['go', 'teh'])
    await userEvent.keyboard('{Control>}{Home}{/Control}{F8}')
    expect(announcement.value).toBe('1 of 2. Grammar: go → goes.')
  })

  it('lead into the popup and back', async () => {
    await visit()
    await type('He saw teh cat. Next')
    await expect.poll(marks).toEqual(['teh'])
    await userEvent.keyboard('{F8}{Control>}.{/Control}')
    await expect.poll(() => document.activeElement?.closest('.mark-popup')).not.toBeNull()
    expect(document.activeElement?.textContent).toBe('Accept') // Enter does what the popup is for
    await userEvent.keyboard('{Escape}')
    expect(document.querySelector('.mark-popup')).toBeNull()
    await userEvent.keyboard(' word')
    expect(written()).toBe('He saw teh cat. Next word')
  })
})

describe('the popup', () => {
  it('opens at a click; a word goes into the dictionary and stays there', async () => {
    await visit()
    await type('He saw teh cat. Next')
    await expect.poll(marks).toEqual(['teh'])
    const [mark] = host()?.shadowRoot?.querySelectorAll('[data-mark]') ?? []
    if (!mark) throw new Error('no mark')
    await userEvent.click(mark)
    await userEvent.click(button('Add to dictionary'))
    await expect.poll(marks).toEqual([])
    expect(grammar.value.dictionary).toEqual(['teh'])
    await expect.element(page.getByText('Saved on this device')).toBeVisible()
    await visit({ again: true })
    await expect.poll(() => written()).toContain('teh cat')
    await expect.poll(() => asked).toContain('He saw teh cat.')
    await expect.poll(() => document.querySelector('.write-marks')?.textContent).toBe('Nothing to correct')
    await userEvent.click(button('Corrections'))
    await userEvent.click(page.getByText('Dictionary (1)'))
    await userEvent.click(button('Remove “teh”'))
    await expect.poll(marks).toEqual(['teh'])
  })

  it('dismisses, and never shows a kind again, until that is taken back', async () => {
    await visit()
    await type('He saw teh cat. She go home. He')
    await expect.poll(marks).toEqual(['teh', 'go'])
    await userEvent.keyboard('{F8}{F8}')
    expect(document.querySelector('.mark-popup')?.textContent, 'for words that are spelled so').not.toContain(
      'dictionary',
    )
    await userEvent.click(button('Never this kind'))
    await expect.poll(marks).toEqual(['teh'])
    expect(undo.value?.text).toBe('Never again: Grammar')
    await userEvent.click(button('Undo').last())
    await expect.poll(marks).toEqual(['teh', 'go'])
    await userEvent.click(box())
    await userEvent.keyboard('{Control>}{End}{/Control}{F8}') // it goes on where that one was
    await userEvent.click(button('Never this kind'))
    await expect.poll(marks).toEqual(['teh'])
    await userEvent.click(box())
    await userEvent.keyboard('{F8}{Alt>}{Shift>}d{/Shift}{/Alt}')
    await expect.poll(marks).toEqual([])
    expect(grammar.value).toMatchObject({ never: ['kind:grammar'], dismissed: [{ original: 'teh' }] })
    await userEvent.click(button('Corrections'))
    await userEvent.click(page.getByText('Never shown (1)'))
    await userEvent.click(button('Show again: Grammar'))
    await userEvent.click(page.getByText('Dismissed (1)'))
    await userEvent.click(button('Show again: teh'))
    await expect.poll(marks).toEqual(['teh', 'go'])
  })

  it('stands below its sentence, above it where there is no room, and by the words where the sentence is long', async () => {
    await visit()
    const mark = () => host()?.shadowRoot?.querySelector('[data-mark]') ?? document.body
    const opened = async () => {
      mark().scrollIntoView({ block: 'nearest' })
      await userEvent.click(mark())
      await expect.element(page.getByRole('dialog', { name: 'Correction: Spelling' })).toBeVisible()
      const [popup, line] = [document.querySelector('.mark-popup'), mark().closest('.cm-line')]
      const place = (element: Element | null) => element?.getBoundingClientRect() ?? new DOMRect()
      return { popup: place(popup), word: place(mark()), line: place(line) }
    }
    const rest = 'and went on through the quiet old streets of the town '
    await type(`He saw teh cat ${rest.repeat(3)}home. Next{Enter}`)
    await expect.poll(marks).toEqual(['teh'])
    const below = await opened()
    expect(below.line.height, 'the sentence has several lines').toBeGreaterThan(2 * below.word.height)
    expect(below.popup.top).toBeGreaterThanOrEqual(below.line.bottom)
    expect(below.popup.top - below.line.bottom).toBeLessThan(20)
    expect(Math.abs(below.popup.left - below.word.left)).toBeLessThan(2)

    await userEvent.keyboard('{Escape}{Control>}a{/Control}{Delete}')
    await type(`${'{Enter}'.repeat(40)}He saw teh cat ${rest}home. Next`)
    await expect.poll(marks).toEqual(['teh'])
    const above = await opened()
    expect(above.popup.bottom).toBeLessThanOrEqual(above.line.top)
    expect(above.line.top - above.popup.bottom).toBeLessThan(20)

    await userEvent.keyboard('{Escape}{Control>}a{/Control}{Delete}')
    await type(`He saw teh cat ${rest.repeat(9)}home. Next`)
    await expect.poll(marks).toEqual(['teh'])
    const near = await opened()
    expect(near.popup.top).toBeGreaterThanOrEqual(near.word.bottom)
    expect(near.popup.top - near.word.bottom).toBeLessThan(20)
  })

  it('leads to the next and the previous one, and lies over the text, not over the list', async () => {
    await visit()
    await userEvent.click(button('Corrections'))
    await type('It was in the end of the evening when He saw teh cat. She go home. Next')
    await expect.poll(marks).toEqual(['teh', 'go'])
    await userEvent.keyboard('{F8}')
    await userEvent.click(button('Next correction'))
    await expect.element(page.getByRole('dialog', { name: 'Correction: Grammar' })).toBeVisible()
    await expect.poll(() => document.activeElement?.textContent).toBe('Accept')
    await userEvent.click(button('Previous correction'))
    await expect.element(page.getByRole('dialog', { name: 'Correction: Spelling' })).toBeVisible()
    const right = (element: Element | null) => element?.getBoundingClientRect().right ?? 0
    expect(right(document.querySelector('.mark-popup'))).toBeLessThan(right(host()))
    expect(right(document.querySelector('.mark-popup'))).toBeGreaterThan(right(host()) - 20)
    await userEvent.click(button('Accept'))
    await userEvent.keyboard('{F8}')
    await expect.element(button('Close')).toBeVisible()
    expect(document.querySelector('[aria-label="Next correction"]'), 'there is one alone').toBeNull()
  })

  it('letters its keys as the page’s language does', async () => {
    await visit()
    await type('He saw teh cat. Next')
    await expect.poll(marks).toEqual(['teh'])
    await speak('de')
    try {
      await userEvent.keyboard('{F8}')
      await expect.element(button('Verwerfen')).toHaveAttribute('title', 'Alt+Umschalt+D')
    } finally {
      await speak('en')
    }
  })

  it('is a sheet at the bottom of a phone', async () => {
    await visit({ width: 390 })
    await type('He saw teh cat. Next')
    await expect.poll(marks).toEqual(['teh'])
    const [mark] = host()?.shadowRoot?.querySelectorAll('[data-mark]') ?? []
    if (!mark) throw new Error('no mark')
    await userEvent.click(mark)
    const sheet = page.getByRole('dialog', { name: 'Correction: Spelling' })
    await expect.element(sheet).toBeVisible()
    const { left, right, bottom } = sheet.element().getBoundingClientRect()
    expect([left, right, bottom]).toEqual([0, innerWidth, innerHeight])
    expect(document.documentElement.scrollWidth).toBe(innerWidth)
  })
})

describe('the list', () => {
  it('counts, filters, accepts all of a kind in one step of undo, and shows all as changes', async () => {
    await visit()
    await type('She go home. He saw teh cat. They go out. It')
    await expect.poll(marks).toEqual(['go', 'teh', 'go'])
    await userEvent.click(button('Corrections: 3'))
    await expect.element(button('Grammar 2')).toBeVisible()
    await userEvent.click(button('Show all as changes'))
    await expect.poll(() => document.querySelectorAll('.write-difference ins').length).toBe(3)
    await userEvent.click(button('Close changes'))
    await userEvent.click(button('Grammar 2'))
    expect(document.querySelectorAll('.marks-list li').length).toBe(2)
    await userEvent.click(button('Accept all: Grammar (2)'))
    expect(written()).toBe('She goes home. He saw teh cat. They goes out. It')
    await userEvent.click(button('Undo').last())
    expect(written()).toBe('She go home. He saw teh cat. They go out. It')
    await expect.poll(marks).toEqual(['go', 'teh', 'go'])
    await userEvent.click(button('All 3'))
    await userEvent.click(button('Dismiss: teh'))
    await expect.poll(marks).toEqual(['go', 'go'])
    await userEvent.click(page.getByRole('checkbox', { name: 'Check spelling and grammar' }))
    await expect.poll(marks).toEqual([])
  })
})

describe('helpers', () => {
  it('a missing model is said, with the command that makes it', async () => {
    await visit({ tasks: ['chat'] })
    await type('She go home. ')
    await userEvent.click(button('Corrections'))
    await expect.element(page.getByText('The grammar model is not here yet.').first()).toBeVisible()
    await expect.element(page.getByText(/slm-export default --model smollm2-135m-grammar/)).toBeVisible()
    expect(marks()).toEqual([])
    const list = modelList.value
    if (list) modelList.value = { ...list, models: [{ ...MODEL, tasks: ['grammar'] }] }
    await expect.poll(marks).toEqual(['go'])
  })

  it('the rules work without a model, load when they are asked for, and say what they found', async () => {
    await visit({ tasks: ['chat'] })
    changeGrammar({ source: 'rules', dialect: 'American' })
    await type('She go to school. ')
    await expect.poll(marks, { timeout: 90_000 }).toEqual(['go'])
    await userEvent.keyboard('{F8}')
    await expect.element(page.getByText('found by a rule').first()).toBeVisible()
    await expect.element(page.getByText('Rule: PronounVerbAgreement').first()).toBeVisible()
  })
})

describe('a long text', () => {
  it('is checked where it is seen first, with progress and a way to stop', async () => {
    await visit()
    let release = () => {}
    held = new Promise(resolve => {
      release = resolve
    })
    await userEvent.click(box())
    await paste(Array.from({ length: 60 }, (_, index) => `In line ${index} they go home.`).join('\n\n'))
    await userEvent.keyboard('{Control>}{End}{/Control}{Enter}')
    await expect.poll(() => asked.length).toBeGreaterThan(0)
    expect(Number(/\d+/.exec(asked[0] ?? '')?.[0])).toBeGreaterThan(30)
    await expect.poll(() => document.querySelector('.write-marks')?.textContent).toBe('Checking: 0 of 60 sentences')
    await userEvent.click(button('Corrections'))
    await userEvent.click(button('Stop'))
    await expect.poll(() => document.querySelector('.write-marks')?.textContent).toBe('Checking stopped')
    release()
    held = null
    await userEvent.click(button('Go on'))
    await expect.poll(() => document.querySelector('.write-marks')?.textContent).toBe('60 corrections')
    expect(new Set(asked).size).toBe(60)
    await userEvent.click(button('Accept all 60'))
    await expect.poll(() => document.querySelector('.write-marks')?.textContent).toBe('Nothing to correct')
  })
})

describe('odd texts', () => {
  it.each([
    ['a sentence of 50 kB', `${'word '.repeat(10_000)}.`],
    ['right to left, emoji, controls', 'שלום \u202eHe go\u202c 👨‍👩‍👧 \u0007 home.\u2028مرحبا 🎉.\n\nx'],
    ['half of a pair', 'a \ud800 go home. \udc00'],
  ])('%s', async (_, text) => {
    await visit()
    await userEvent.click(box())
    await paste(text)
    await userEvent.keyboard('{Control>}{End}{/Control}{Enter}She go home. ')
    await expect.poll(marks).toContain('go')
    const state = () => document.querySelector('.write-marks')?.textContent
    const isLong = text.length > 2000
    if (isLong) await expect.poll(state).toBe('1 correction · 1 sentence is too long to check')
    else await expect.poll(state).toMatch(/^\d corrections?$/)
  })
})
