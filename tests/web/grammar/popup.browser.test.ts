/** The popup of a correction: what it offers, what can be undone, where it stands. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { undo } from '../../../web/src/state/announce.ts'
import { grammar } from '../../../web/src/state/grammar/settings.ts'
import { speak } from '../../../web/src/text/index.ts'
import { box, button, host, leave, marks, seen, type, visit, written } from './visit.ts'

beforeEach(async () => {
  vi.setConfig({ testTimeout: 120_000 })
  await leave()
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
    await expect.poll(() => seen.asked).toContain('He saw teh cat.')
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
