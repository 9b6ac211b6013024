/** Ghost text in the real editor: what it looks like, what it is not, and where Tab goes. */
import { redo, undo } from '@codemirror/commands'
import { describe, expect, it, vi } from 'vitest'
import { cdp, userEvent } from 'vitest/browser'
import { DEFAULT_KEYS } from '../../../web/src/state/suggestions/keys.ts'
import { ghostKeys } from '../../../web/src/ui/write/ghost-keys.ts'
import { openEditor } from './desk-editor.ts'

const settled = () => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))

describe('ghost text', () => {
  it('shrinks with the letters typed, in the same frame, and goes at a letter that differs', async () => {
    const { editor, ghost } = openEditor('Thank you very much')
    await userEvent.keyboard('Than')
    expect(ghost()?.textContent).toBe('k you very much')
    await userEvent.keyboard('k')
    expect(ghost()?.textContent).toBe(' you very much')
    await userEvent.keyboard('s')
    expect(ghost()).toBeNull()
    expect(editor.text).toBe('Thanks')
  })

  it('has the font of the text, wraps with it, and is neither selected, copied nor offered to screen readers', async () => {
    const long = 'one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen'
    const { editor, ghost, source } = openEditor(long)
    await userEvent.keyboard('one')
    const shown = ghost()
    if (!shown?.parentElement) throw new Error('no ghost')
    const [mine, lines] = [getComputedStyle(shown), getComputedStyle(shown.parentElement)]
    for (const part of ['fontFamily', 'fontSize', 'fontWeight', 'letterSpacing', 'whiteSpace'] as const) {
      expect(mine[part], part).toBe(lines[part])
    }
    expect(shown.getClientRects().length, 'lines that it takes').toBeGreaterThan(1)
    expect(mine.userSelect).toBe('none')
    expect(shown.ariaHidden).toBe('true')
    await userEvent.keyboard('{Control>}a{/Control}')
    expect(ghost(), 'gone while something is selected').toBeNull()
    expect(source.told.at(-1)?.hasSelection).toBe(true)
    expect(editor.selected).toBe('one')
    expect(getSelection()?.toString() ?? '').not.toContain('two')
  })

  it('one accept is one step of undo', async () => {
    const { editor } = openEditor('Thank you very much')
    await userEvent.keyboard('Than{Tab}')
    expect(editor.text).toBe('Thank you very much')
    expect(editor.caret).toBe('Thank you very much'.length)
    undo(editor.view)
    expect(editor.text).toBe('Than')
    redo(editor.view)
    expect(editor.text).toBe('Thank you very much')
    await userEvent.keyboard('!')
    undo(editor.view)
    expect(editor.text, 'what is typed behind it is a step of its own').toBe('Thank you very much')
  })

  it('is not there while the editor is not focused or cannot be written', async () => {
    const { editor, ghost, after, source } = openEditor('Thank you')
    await userEvent.keyboard('Than')
    after.focus()
    await vi.waitFor(() => expect(source.told.at(-1)).toBeNull()) // CodeMirror takes note of the focus a little later
    expect(ghost()).toBeNull()
    editor.focus()
    await vi.waitFor(() => expect(ghost()?.textContent).toBe('k you'))
  })

  it('an input method composes: no ghost until it has ended, and the text is what was composed', async () => {
    const { editor, ghost, source } = openEditor('にほんごです')
    await userEvent.keyboard('に')
    await vi.waitFor(() => expect(ghost()?.textContent).toBe('ほんごです'))
    for (const text of ['ｈ', 'ほ', 'ほん']) {
      await cdp().send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length })
      await vi.waitFor(() => expect(editor.text).toBe(`に${text}`))
      await settled()
      expect(ghost(), `while composing ${text}`).toBeNull()
      expect(source.told.at(-1)?.isComposing).toBe(true)
    }
    await userEvent.keyboard('{Tab}')
    await cdp().send('Input.insertText', { text: '本' })
    await vi.waitFor(() => expect(source.told.at(-1)?.isComposing).toBe(false))
    expect(editor.text).not.toContain('です')
  })

  it('composing starts on an empty line too', async () => {
    const { editor, ghost } = openEditor('にほんごです')
    await vi.waitFor(() => expect(ghost()?.textContent).toBe('にほんごです'))
    await cdp().send('Input.imeSetComposition', { text: 'に', selectionStart: 1, selectionEnd: 1 })
    await vi.waitFor(() => expect(ghost()).toBeNull())
    await cdp().send('Input.insertText', { text: 'に' })
    await vi.waitFor(() => expect(editor.text).toBe('に'))
    await vi.waitFor(() => expect(ghost()?.textContent).toBe('ほんごです'))
  })

  it('right to left: it stands at the caret’s end of the line and does not move the words', async () => {
    const { editor, ghost } = openEditor('שלום עולם')
    await userEvent.keyboard('שלום')
    const line = editor.view.contentDOM.querySelector('.cm-line')
    const shown = ghost()
    if (!line || !shown) throw new Error('no line or ghost')
    const range = document.createRange()
    range.selectNodeContents(line.firstChild ?? line)
    const words = range.getBoundingClientRect()
    expect(shown.getBoundingClientRect().right, 'left of the words').toBeLessThanOrEqual(words.left + 1)
    editor.view.dom.querySelector('.ghost')?.setAttribute('hidden', '')
    expect(range.getBoundingClientRect().left).toBe(words.left)
  })

  it('a finger on it accepts it, a click of the mouse does not', async () => {
    const { editor, ghost } = openEditor('Thank you')
    await userEvent.keyboard('Than')
    ghost()?.dispatchEvent(new PointerEvent('pointerup', { pointerType: 'mouse', bubbles: true }))
    expect(editor.text).toBe('Than')
    ghost()?.dispatchEvent(new PointerEvent('pointerup', { pointerType: 'touch', bubbles: true }))
    expect(editor.text).toBe('Thank you')
  })
})

describe('Tab', () => {
  it('accepts word by word, and waits in the gap until the next suggestion comes', async () => {
    const { editor, source, clock } = openEditor('I am looking forward to it', { tabAccepts: 'word' })
    await userEvent.keyboard('I am')
    await userEvent.keyboard('{Tab}')
    expect(editor.text).toBe('I am looking ')
    source.answer('') // the next one has to be thought out
    clock.now = 150
    await userEvent.keyboard('{Tab}')
    clock.now = 800 // 650 ms after the last Tab
    await userEvent.keyboard('{Tab}')
    expect(editor.view.hasFocus, 'focus stays in the gap').toBe(true)
    expect(editor.text).toBe('I am looking ')
    source.answer('forward to it')
    await userEvent.keyboard('{Tab}')
    expect(editor.text).toBe('I am looking forward ')
  })

  it('leaves the editor when no suggestion is shown and none was just accepted', async () => {
    const { editor, source, after, clock } = openEditor('I am looking forward')
    await userEvent.keyboard('I am{Tab}')
    expect(editor.text).toBe('I am looking forward')
    clock.now = 5000
    source.pending = true
    await userEvent.keyboard('{Tab}')
    expect(document.activeElement, 'a model that thinks on holds nobody').toBe(after)
  })

  it('after Esc it always leaves, suggestion or gap or list', async () => {
    const { editor, source, after, before } = openEditor('- I am looking')
    await userEvent.keyboard('- I am{Tab}')
    source.answer('more')
    await userEvent.keyboard('{Escape}{Tab}')
    expect(source.asked).toContain('dismiss')
    expect(document.activeElement).toBe(after)
    editor.focus()
    await userEvent.keyboard('{Escape}{Shift>}{Tab}{/Shift}')
    expect(document.activeElement).toBe(before)
    expect(editor.text).toBe('- I am looking')
  })

  it('walks through: behind a Tab that brought the focus here it accepts and indents nothing', async () => {
    const { editor, source, before, after, ghost } = openEditor('- I am looking')
    editor.show('- I am', 6, 'markdown')
    // CodeMirror tells of the focus 10 ms later, and not of one that has gone by then.
    const told = (isHere: boolean) =>
      vi.waitFor(() => expect((source.told.at(-1) ?? null) !== null).toBe(isHere), { timeout: 60_000 })
    await told(true)
    before.focus()
    await told(false)
    await userEvent.keyboard('{Tab>}')
    expect(editor.view.hasFocus).toBe(true)
    await vi.waitFor(() => expect(ghost()).not.toBeNull(), { timeout: 60_000 })
    await userEvent.keyboard('{/Tab}')
    expect(ghost(), 'nothing is offered to somebody who comes by').toBeNull()
    source.answer(' looking') // and where the answer comes later
    await userEvent.keyboard('{Tab}')
    expect([editor.text, document.activeElement]).toEqual(['- I am', after])
    await userEvent.keyboard('{Shift>}{Tab}{/Shift}')
    expect(editor.view.hasFocus).toBe(true)
    await userEvent.keyboard('{Shift>}{Tab}{/Shift}')
    expect([editor.text, document.activeElement]).toEqual(['- I am', before])
    await userEvent.keyboard('{Tab} l{Tab}')
    expect(editor.text, 'whoever writes here is no passer-by').toBe('- I am looking')
    before.focus()
    await told(false)
    await userEvent.keyboard('{Tab}')
    await told(true)
    await userEvent.click(editor.view.contentDOM)
    source.answer(' again')
    await userEvent.keyboard('{Tab}')
    expect(editor.text, 'nor is who clicks').toContain(' again')
  })

  it('indents in lists of Markdown, where the setting says so', async () => {
    const { editor, after } = openEditor('nothing')
    editor.show('- one', 5, 'markdown')
    editor.focus()
    await userEvent.keyboard('{Tab}')
    expect(editor.text).toBe('  - one')
    await userEvent.keyboard('{Shift>}{Tab}{/Shift}')
    expect(editor.text).toBe('- one')
    const other = openEditor('nothing', { tabIndentsLists: false })
    other.editor.show('- one', 5, 'markdown')
    other.editor.focus()
    await userEvent.keyboard('{Tab}')
    expect(document.activeElement).toBe(other.after)
    expect(after.isConnected).toBe(false)
  })
})

describe('other keys', () => {
  it('→ with Ctrl takes a word where there is one to take, else moves as ever', async () => {
    const { editor, source } = openEditor('Thank you very much')
    await userEvent.keyboard('Thank{Control>}{ArrowRight}{/Control}')
    expect(editor.text).toBe('Thank you ')
    source.answer('')
    editor.view.dispatch({ selection: { anchor: 0 } })
    source.answer('')
    await userEvent.keyboard('{Control>}{ArrowRight}{/Control}')
    expect([editor.text, editor.caret]).toEqual(['Thank you ', 5])
  })

  it('each action by its key, and by another one once it is bound there', async () => {
    const { source, editor } = openEditor('Thank you')
    await userEvent.keyboard('{Alt>}]{/Alt}{Alt>}[[{/Alt}{Alt>}\\{/Alt}{Control>} {/Control}')
    await userEvent.keyboard('{Alt>}{Shift>}s{/Shift}{/Alt}{Alt>}{Shift>}p{/Shift}{/Alt}{Alt>}{Shift>}r{/Shift}{/Alt}')
    expect(source.asked).toEqual(['turn 1', 'turn -1', 'trigger', 'trigger', 'toggle', 'pause', 'read'])
    const keys = { ...DEFAULT_KEYS, accept: ['F4'], next: ['Alt-n'] }
    editor.setKeys(ghostKeys(source, { keys, tabAccepts: 'all', tabIndentsLists: true, onFocusMode: () => {} }))
    source.asked.length = 0
    await userEvent.keyboard('{Alt>}n]{/Alt}Tha{F4}')
    expect(source.asked).toEqual(['turn 1', 'take all'])
    expect(editor.text).toBe('Thank you')
  })
})
