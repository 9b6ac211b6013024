/** The writing page over a scripted model that corrects, and what can be done there. */
import { h, render } from 'preact'
import { expect, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { announcement, undo } from '../../../web/src/state/announce.ts'
import { loadState } from '../../../web/src/state/engine.ts'
import { GRAMMAR_DEFAULTS, grammar } from '../../../web/src/state/grammar/settings.ts'
import { modelList } from '../../../web/src/state/models.ts'
import { route } from '../../../web/src/state/route.ts'
import { WRITING_DEFAULTS, writing } from '../../../web/src/state/suggestions/settings.ts'
import { UndoNotice } from '../../../web/src/ui/parts/notices.tsx'
import { WritePage } from '../../../web/src/ui/write/page.tsx'
import { fakeEngine } from '../engine/fake.ts'
import { MODEL } from '../ui/page.ts'

export const box = () => page.getByRole('textbox', { name: 'Document text' })
export const button = (name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' })
export const host = () => document.querySelector('.write-text')
export const marks = () =>
  Array.from(host()?.shadowRoot?.querySelectorAll('[data-mark]') ?? [], ({ textContent }) => textContent)
export const written = () =>
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

/** Of this visit. */
export const seen: { asked: string[]; held: Promise<void> | null } = {
  asked: [],
  /** Awaited before the model's first word of an answer. */
  held: null,
}

export async function visit({ again = false, tasks = ['grammar'], suggestion = '', width = 1400 } = {}): Promise<void> {
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
  seen.asked = []
  history.replaceState(null, '', '#/write')
  route.value = { page: 'write', rest: '' }
  const engine = fakeEngine({
    answer: prompt => {
      if (seen.asked.at(-1) !== prompt) seen.asked.push(prompt)
      return fixed(prompt).split(/(?= )/)
    },
    beforeWord: index => (index === 0 && seen.held) || new Promise(resolve => setTimeout(resolve)),
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

export async function type(keys: string): Promise<void> {
  await userEvent.click(box())
  await userEvent.keyboard(keys)
}

export async function paste(text: string): Promise<void> {
  const data = new DataTransfer()
  data.setData('text/plain', text)
  host()
    ?.shadowRoot?.querySelector('.cm-content')
    ?.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))
}

/** Before each test. */
export async function leave(): Promise<void> {
  seen.held = null
  await close()
}
