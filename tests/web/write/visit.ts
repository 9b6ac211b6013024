/** What tests of the writing page share: a visit over a scripted engine, what is written there and what is suggested. */
import { h, render } from 'preact'
import { expect, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import type { CompleteResult } from '../../../web/src/engine/api.ts'
import type { CompleteArgs } from '../../../web/src/engine/protocol.ts'
import { announcement, undo } from '../../../web/src/state/announce.ts'
import { loadState } from '../../../web/src/state/engine.ts'
import { GRAMMAR_DEFAULTS, grammar } from '../../../web/src/state/grammar/settings.ts'
import { route } from '../../../web/src/state/route.ts'
import { WRITING_DEFAULTS, writing } from '../../../web/src/state/suggestions/settings.ts'
import { UndoNotice } from '../../../web/src/ui/parts/notices.tsx'
import { WritePage } from '../../../web/src/ui/write/page.tsx'
import { fakeEngine } from '../engine/fake.ts'
import { MODEL } from '../ui/page.ts'

type Complete = (args: CompleteArgs, signal: AbortSignal | undefined) => Promise<Partial<CompleteResult>>

export const SENTENCE = 'The quick brown fox jumps over the lazy dog and then it sleeps.'
/** Goes on with the sentence that it knows, to the next of three places: wherever it was asked, it says the same. */
export const knows = (before: string): Partial<CompleteResult> => {
  const line = before.split('\n').at(-1) ?? ''
  if (!line || !SENTENCE.startsWith(line)) return { text: '', silentBecause: 'low-confidence' }
  return { text: /^.*?(?:jumps|dog|\.)/.exec(SENTENCE.slice(line.length))?.[0] ?? '' }
}

export const box = () => page.getByRole('textbox', { name: 'Document text' })
export const host = () => document.querySelector('.write-text')
export const ghost = () => host()?.shadowRoot?.querySelector('.ghost')?.textContent ?? null
/** What is in the document: the lines without what only stands over them. */
export const written = () =>
  Array.from(host()?.shadowRoot?.querySelectorAll('.cm-line') ?? [], line => {
    const copy = line.cloneNode(true) as Element // a line is an element
    for (const over of copy.querySelectorAll('.ghost, .cm-placeholder')) over.remove()
    return copy.textContent
  }).join('\n')
export const button = (name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' })

let end = async () => {}

/** Leaves the page, as a tab that is closed. */
export const close = () => end()

/** A fresh visit, or with `again` the next one: documents and settings are still there. */
export async function visit(
  complete: Complete = async ({ before }) => knows(before),
  { again = false } = {},
): Promise<void> {
  await end()
  await page.viewport(1400, 900)
  if (!again) {
    localStorage.clear()
    await new Promise(resolve => {
      indexedDB.deleteDatabase('slm-playground.documents').onsuccess = resolve
    })
    writing.value = { ...WRITING_DEFAULTS }
    grammar.value = { ...GRAMMAR_DEFAULTS, enabled: false } // tests/web/grammar has its own
  }
  undo.value = null
  announcement.value = ''
  history.replaceState(null, '', '#/write')
  route.value = { page: 'write', rest: '' }
  loadState.value = { status: 'ready', model: MODEL, engine: fakeEngine({ complete }) }
  const root = document.createElement('div')
  root.id = 'app'
  document.body.replaceChildren(root)
  render([h(WritePage, {}), h(UndoNotice, {})], root)
  end = async () => {
    render(null, root)
    await new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve))) // Preact ends effects after a frame
  }
  await vi.waitFor(() => expect(route.value.rest).not.toBe(''))
}

export async function type(keys: string): Promise<void> {
  await userEvent.click(box())
  await userEvent.keyboard(keys)
}
