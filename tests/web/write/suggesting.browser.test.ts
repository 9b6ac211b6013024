/** Suggestions on the writing page beside typing: pauses, other documents, buttons for fingers, statistics, find and replace. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { writing } from '../../../web/src/state/suggestions/settings.ts'
import { readUsage } from '../../../web/src/state/suggestions/usage.ts'
import { box, button, ghost, host, knows, type, visit, written } from './visit.ts'

it('a pause ends by itself', async () => {
  await visit()
  writing.value = { ...writing.value, pausedUntil: Date.now() + 100 }
  await type('The quick')
  await vi.waitFor(() => expect(ghost()).toBe(' brown fox jumps'))
  expect(writing.value.pausedUntil).toBe(0)
})

it('an answer for one document never appears in another', async () => {
  const answers: (() => void)[] = []
  const asked: string[] = []
  await visit(async ({ before }) => {
    asked.push(before)
    await new Promise<void>(resolve => answers.push(resolve))
    return before === '' ? { text: '', silentBecause: 'nothing-to-go-on' } : knows(before)
  })
  await type('The quick')
  await vi.waitFor(() => expect(answers).not.toEqual([]))
  await userEvent.click(button('New document'))
  await vi.waitFor(() => expect(written()).toBe(''))
  const seen: string[] = []
  const root = host()?.shadowRoot
  if (!root) throw new Error('no editor')
  const observer = new MutationObserver(() => seen.push(ghost() ?? ''))
  observer.observe(root, { subtree: true, childList: true, characterData: true })
  await userEvent.click(box())
  await vi.waitFor(() => {
    for (const answer of answers.splice(0)) answer()
    expect(asked.at(-1), 'the new document is asked about').toBe('')
  })
  await userEvent.keyboard('The')
  await vi.waitFor(() => {
    for (const answer of answers.splice(0)) answer()
    expect(ghost()).toBe(' quick brown fox jumps')
  })
  observer.disconnect()
  expect(seen.filter(text => text !== '' && !' quick brown fox jumps'.endsWith(text))).toEqual([])
})

it('buttons for fingers take all, take a word, go to another, dismiss, and ask', async () => {
  await visit(async ({ before, alternatives }) =>
    before === 'The '
      ? { text: 'quick fox', alternatives: [{ text: 'slow hare', confidence: 0.3 }].slice(0, alternatives) }
      : { text: '', silentBecause: 'low-confidence' },
  )
  await type('The ')
  await vi.waitFor(() => expect(ghost()).toBe('quick fox'))
  const names = () => [...document.querySelectorAll('.write-touch button')].map(({ textContent }) => textContent)
  const press = (name: string) => {
    const found = [...document.querySelectorAll<HTMLElement>('.write-touch button')]
    found.find(({ textContent }) => textContent === name)?.click()
  }
  expect(names()).toEqual(['Accept', 'One word', 'Dismiss'])
  press('Dismiss')
  await vi.waitFor(() => expect(ghost()).toBeNull())
  expect(names()).toEqual(['Suggest'])
  press('Suggest')
  await vi.waitFor(() => expect(names()).toEqual(['Accept', 'One word', 'Another', 'Dismiss']))
  press('Another')
  await vi.waitFor(() => expect(ghost()).toBe('slow hare'))
  press('One word')
  expect(written()).toBe('The slow')
  press('Accept')
  expect(written()).toBe('The slow hare')
})

it('the statistics say what came and why nothing did, are saved as a file, and begin anew', async () => {
  await visit()
  await type('The quick')
  await vi.waitFor(() => expect(ghost()).toBe(' brown fox jumps'))
  await userEvent.keyboard('{Tab}')
  await vi.waitFor(() => expect(ghost()).not.toBeNull())
  await userEvent.keyboard('{Escape} It costs 12')
  await vi.waitFor(() => expect(readUsage()).toMatchObject({ accepted: 1, savedCharacters: 16 }))
  await userEvent.click(page.getByText('Statistics'))
  const figure = (name: string) =>
    [...document.querySelectorAll('details[open] .write-stats > div')]
      .find(row => row.querySelector('dt')?.textContent === name)
      ?.querySelector('dd')?.textContent
  await vi.waitFor(() => {
    expect(figure('Accepted')).toBe('1')
    expect(figure('Characters saved')).toBe('16')
    expect(figure('it was dismissed here')).toBe('1')
  })
  const saved: Blob[] = []
  const { createObjectURL } = URL
  const spy = vi.spyOn(URL, 'createObjectURL').mockImplementation(blob => {
    if (blob instanceof Blob) saved.push(blob)
    return createObjectURL(blob)
  })
  await userEvent.click(button('Save as JSON'))
  spy.mockRestore()
  const file = (await saved[0]?.text()) ?? ''
  expect(JSON.parse(file)).toMatchObject({ accepted: 1, saved_characters: 16, suppressed: { dismissed: 1 } })
  expect(file, 'nothing of the text').not.toContain('fox')
  await userEvent.click(button('Reset'))
  await vi.waitFor(() => expect(figure('Accepted')).toBe('0'))
  expect(figure('it was dismissed here')).toBeUndefined()
  expect(readUsage()).toMatchObject({ accepted: 0, savedCharacters: 0, suppressed: {} })
})

describe('the text', () => {
  beforeEach(() => visit(async () => ({ text: '', silentBecause: 'low-confidence' })))

  const field = (name: string) => host()?.shadowRoot?.querySelector<HTMLInputElement>(`.cm-search [name=${name}]`)

  it('is searched and replaced by keyboard, one step of undo, and Esc leads back', async () => {
    await type('one two one')
    await userEvent.keyboard('{Control>}f{/Control}')
    await vi.waitFor(() => expect(host()?.shadowRoot?.activeElement).toBe(field('search')))
    await userEvent.keyboard('one')
    expect(host()?.shadowRoot?.querySelectorAll('.cm-searchMatch')).toHaveLength(2)
    field('replace')?.focus()
    await userEvent.keyboard('six')
    field('replaceAll')?.click()
    expect(written()).toBe('six two six')
    await userEvent.keyboard('{Escape}')
    expect(field('search')).toBeNull()
    await userEvent.keyboard('{Control>}z{/Control}')
    expect(written()).toBe('one two one')
  })

  it('is Markdown or plain, as the menu says', async () => {
    await type('# A heading')
    const heading = () => host()?.shadowRoot?.querySelector('.cm-line span')
    await vi.waitFor(() => expect(heading()).not.toBeNull())
    await userEvent.click(button('More'))
    await userEvent.click(page.getByRole('menuitem', { name: 'Format: Markdown → Plain text' }))
    await vi.waitFor(() => expect(heading()).toBeNull())
    await userEvent.click(button('More'))
    await userEvent.click(page.getByRole('menuitem', { name: 'Format: Plain text → Markdown' }))
    await vi.waitFor(() => expect(heading()).not.toBeNull())
  })
})
