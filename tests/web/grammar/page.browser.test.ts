/** The writing page over a scripted model that corrects: type, keys, list, helpers, long and odd texts. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { announcement } from '../../../web/src/state/announce.ts'
import { changeGrammar } from '../../../web/src/state/grammar/settings.ts'
import { modelList } from '../../../web/src/state/models.ts'
import { MODEL } from '../ui/page.ts'
import { box, button, host, leave, marks, paste, seen, type, visit, written } from './visit.ts'

beforeEach(async () => {
  vi.setConfig({ testTimeout: 120_000 })
  await leave()
})

describe('marks while writing', () => {
  it('come when a sentence ends, not before; each sentence is seen.asked about once', async () => {
    await visit()
    await type('She go home')
    await expect.poll(() => document.querySelector('.write-marks')?.textContent).toBe('Nothing to correct')
    expect(seen.asked).toEqual([])
    await userEvent.keyboard('.')
    await expect.poll(marks).toEqual(['go'])
    await userEvent.keyboard(' He saw teh cat. And')
    await expect.poll(marks).toEqual(['go', 'teh'])
    expect(seen.asked).toEqual(['She go home.', 'He saw teh cat.'])
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

  it('the rules work without a model, load when they are seen.asked for, and say what they found', async () => {
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
    seen.held = new Promise(resolve => {
      release = resolve
    })
    await userEvent.click(box())
    await paste(Array.from({ length: 60 }, (_, index) => `In line ${index} they go home.`).join('\n\n'))
    await userEvent.keyboard('{Control>}{End}{/Control}{Enter}')
    await expect.poll(() => seen.asked.length).toBeGreaterThan(0)
    expect(Number(/\d+/.exec(seen.asked[0] ?? '')?.[0])).toBeGreaterThan(30)
    await expect.poll(() => document.querySelector('.write-marks')?.textContent).toBe('Checking: 0 of 60 sentences')
    await userEvent.click(button('Corrections'))
    await userEvent.click(button('Stop'))
    await expect.poll(() => document.querySelector('.write-marks')?.textContent).toBe('Checking stopped')
    release()
    seen.held = null
    await userEvent.click(button('Go on'))
    await expect.poll(() => document.querySelector('.write-marks')?.textContent).toBe('60 corrections')
    expect(new Set(seen.asked).size).toBe(60)
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
