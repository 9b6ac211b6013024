/** The page's own parts of this area, over a scripted engine: what is told before sending, where settings open. */
import { h, render } from 'preact'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import type { ChatRequest, Engine, TokenCount } from '../../../web/src/engine/api.ts'
import { EngineError } from '../../../web/src/engine/errors.ts'
import { chat } from '../../../web/src/state/chat.ts'
import { changeControls, chatSettings, resetControls } from '../../../web/src/state/controls.ts'
import { loadState } from '../../../web/src/state/engine.ts'
import { speak } from '../../../web/src/text/index.ts'
import { Microscope } from '../../../web/src/ui/insight/microscope.tsx'
import { BLOCK_CELLS } from '../../../web/src/ui/insight/token-blocks.tsx'
import { fakeEngine } from '../engine/fake.ts'
import { MODEL, openPage } from '../ui/page.ts'

const box = () => page.getByRole('textbox', { name: 'Message' })
const counting = (count: Partial<TokenCount>): Engine => {
  const all = { tokens: 100, contextLength: 2048, room: 1948, dropped: { messages: 0, tokens: 0, room: 1948 } }
  return { ...fakeEngine(), countTokens: async () => ({ ...all, ...count }) }
}

beforeEach(async () => {
  resetControls()
  localStorage.clear()
  await page.viewport(1280, 800)
})

test('what will be left out is said before sending, in words and as a picture', async () => {
  const count = { tokens: 2500, room: 0, dropped: { messages: 4, tokens: 900, room: 448 } }
  await openPage(async () => counting(count)).load()
  await userEvent.fill(box(), 'more')
  await expect
    .element(page.getByText('The oldest 4 messages (900 tokens) will be left out so that the answer fits.'))
    .toBeVisible()
  await expect.element(page.getByText('1,600 of 2,048 tokens')).toBeVisible()
  const picture = page.getByRole('img', { name: 'Context: 62 % conversation, 2 % kept for the answer, 35 % left out' })
  await expect.element(picture).toBeVisible()
})

test('a message that fits in no way is told to be shortened', async () => {
  await openPage(async () => counting({ tokens: 3000, room: 0, dropped: { messages: 0, tokens: 0, room: 0 } })).load()
  await userEvent.fill(box(), 'long')
  await expect.element(page.getByText('Shorten the message.')).toBeVisible()
})

test('settings open over a narrow page, beside a wide one that stays usable', async () => {
  await openPage(async () => fakeEngine()).load()
  await userEvent.click(page.getByRole('button', { name: 'Settings', exact: true }))
  await expect.element(page.getByRole('dialog', { name: 'Settings' })).toBeVisible()
  await userEvent.keyboard('{Escape}')
  await page.viewport(1600, 800)
  await userEvent.click(page.getByRole('button', { name: 'Settings', exact: true }))
  const beside = page.getByRole('complementary', { name: 'Settings' })
  await expect.element(beside).toBeVisible()
  await userEvent.fill(box(), 'hello')
  await userEvent.fill(beside.getByRole('spinbutton', { name: 'Temperature as a number' }), '0.4')
  expect(chatSettings.value.temperature).toBe(0.4)
  await userEvent.fill(beside.getByRole('spinbutton', { name: 'Temperature as a number' }), '7')
  expect(chatSettings.value.temperature).toBe(0.4) // impossible values are not taken
  await userEvent.click(beside.getByRole('button', { name: 'Reset Temperature' }))
  expect(chatSettings.value.temperature).toBeNull()
  await userEvent.click(beside.getByRole('button', { name: 'Close settings' }))
  await expect.element(beside).not.toBeInTheDocument()
})

// It named a field of the engine's own requests, and in German the browser's English words.
test('what is wrong with a schema or a pattern is said where it was typed, in the page’s language', async () => {
  const refused = (where: string, advice: string) =>
    new EngineError('bad-request', { kind: 'schema-unsupported', where, advice })
  let error = refused('response_format.json_schema.schema.properties.a', 'Use anyOf.')
  const engine = {
    ...counting({}),
    countTokens: async () => {
      throw error
    },
  }
  await openPage(async () => engine).load()
  await userEvent.click(page.getByRole('button', { name: 'Settings', exact: true }))
  const dialog = page.getByRole('dialog', { name: 'Settings' })
  await userEvent.click(dialog.getByRole('radio', { name: 'JSON that fits a schema' }))
  await userEvent.click(dialog.getByRole('button', { name: 'Check' }))
  await expect
    .element(dialog.getByText(/^JSON schema, properties\.a: this part of JSON Schema is not supported/))
    .toBeVisible()
  await userEvent.click(dialog.getByRole('radio', { name: 'A regular expression' }))
  error = refused('response_format.pattern', '')
  await userEvent.click(dialog.getByRole('button', { name: 'Check' }))
  await expect.element(dialog.getByText(/^Regular expression: /)).toBeVisible()

  await userEvent.click(dialog.getByRole('radio', { name: 'JSON that fits a schema' }))
  await userEvent.fill(dialog.getByRole('textbox', { name: 'JSON schema' }), '5')
  await expect.element(dialog.getByText('A schema is a JSON object')).toBeVisible()
  await userEvent.fill(dialog.getByRole('textbox', { name: 'JSON schema' }), '{\n "type": "object", ')
  await speak('de')
  onTestFinished(() => speak('en'))
  await expect.element(page.getByText('Noch kein JSON: siehe Zeile 2, Spalte 20.')).toBeVisible()
})

// The last row of the dialog, which stays in sight, lay over what had the focus.
test('the settings are walked by keyboard in German: each has a name, shows its focus, and nothing lies over it', async () => {
  await openPage(async () => fakeEngine()).load()
  await speak('de')
  onTestFinished(() => speak('en'))
  await userEvent.click(page.getByRole('button', { name: 'Einstellungen', exact: true }))
  await userEvent.click(page.getByRole('radio', { name: 'Alles' }))
  const dialog = document.querySelector('dialog[open]')
  const names: string[] = []
  const wrong: string[] = []
  for (let step = 0; step < 60; step++) {
    await userEvent.keyboard('{Tab}')
    const at = document.activeElement
    if (!(at instanceof HTMLElement) || !dialog?.contains(at)) break
    const labels = at instanceof HTMLInputElement || at instanceof HTMLTextAreaElement ? [...(at.labels ?? [])] : []
    const name =
      at.getAttribute('aria-label') ?? [...labels.map(label => label.textContent), at.textContent].join(' ').trim()
    names.push(name)
    const { left, right, top, bottom } = at.getBoundingClientRect()
    const over = document.elementFromPoint((left + right) / 2, (top + bottom) / 2)
    const isSeen = over !== null && (at.contains(over) || at.closest('label')?.contains(over))
    if (!name || !isSeen || getComputedStyle(at).outlineStyle === 'none')
      wrong.push(`${name}: under ${over?.className}`)
  }
  expect(wrong).toEqual([])
  expect(names).toContain('Temperatur als Zahl')
  expect(names.at(-1)).toBe('Fertig')
})

test('each model has settings of its own', async () => {
  await openPage(async () => fakeEngine()).load()
  changeControls({ temperature: 0.3 })
  loadState.value = { status: 'paused', model: { ...MODEL, id: 'another' } }
  expect(chatSettings.value.temperature).toBeNull()
  changeControls({ temperature: 1 })
  loadState.value = { status: 'paused', model: MODEL }
  expect(chatSettings.value.temperature).toBe(0.3)
  resetControls()()
  expect(chatSettings.value.temperature).toBe(0.3)
})

test('a chat can have settings of its own: shown, sent, kept with it, and put back', async () => {
  await page.viewport(1600, 800)
  const asked: (number | undefined)[] = []
  const fake = fakeEngine()
  const create = ((request: ChatRequest & { stream: true }) => {
    asked.push(request.temperature)
    return fake.chat.completions.create(request)
  }) as Engine['chat']['completions']['create'] // this page asks for streams only
  const listening: Engine = { ...fake, chat: { completions: { create } } }
  const { load, conversation } = openPage(async () => listening)
  await load()
  changeControls({ temperature: 0.3 })
  await userEvent.click(page.getByRole('button', { name: 'Settings', exact: true }))
  const beside = page.getByRole('complementary', { name: 'Settings' })
  const temperature = beside.getByRole('spinbutton', { name: 'Temperature as a number' })
  await userEvent.click(beside.getByRole('radio', { name: 'This chat' }))
  await expect.element(beside.getByText('Other chats: 0.3')).toBeVisible()
  await userEvent.fill(temperature, '0.9')
  expect(chatSettings.value.temperature).toBe(0.3) // other chats go on as they were
  await userEvent.click(beside.getByRole('button', { name: 'Close settings' }))
  const shown = page.getByRole('button', { name: 'Only in this chat: Temperature' })
  await expect.element(shown).toBeVisible()

  await userEvent.fill(box(), 'hello')
  await userEvent.keyboard('{Enter}')
  await expect.poll(() => asked).toEqual([0.9])
  await expect.element(page.getByRole('button', { name: 'Regenerate' })).toBeVisible()
  const { id } = chat.value.head
  conversation.newChat()
  await expect.element(shown).not.toBeInTheDocument()
  await conversation.open(id)

  await userEvent.click(shown)
  await expect.element(temperature).toHaveValue(0.9)
  await userEvent.click(beside.getByRole('button', { name: 'Reset this chat' }))
  await expect.element(temperature).toHaveValue(0.3)
  await userEvent.click(page.getByRole('button', { name: 'Undo', exact: true }))
  await expect.element(temperature).toHaveValue(0.9)
  await userEvent.click(beside.getByRole('button', { name: 'Reset Temperature' }))
  expect(chat.value.head.overrides).toEqual({})
})

test('the tokens of a long answer are drawn a block at a time, near what is seen, and all are reached by keyboard', async () => {
  const token = (id: number) => ({ id, text: ` word${id}`, bytes: [], probability: 0.5 })
  const steps = Array.from({ length: 2000 }, (_, id) => ({ ...token(id), top: [token(id)] }))
  const root = document.createElement('div')
  document.body.replaceChildren(root)
  let most = 0
  const count = (nodes: NodeList) =>
    [...nodes].reduce(
      (sum, node) =>
        sum +
        (node instanceof Element
          ? Number(node.matches('.token[data-from]')) + node.querySelectorAll('.token[data-from]').length
          : 0),
      0,
    )
  const watch = new MutationObserver(records => {
    most = Math.max(
      most,
      records.reduce((sum, { addedNodes }) => sum + count(addedNodes), 0),
    ) // of one task
  })
  watch.observe(root, { childList: true, subtree: true })
  render(h(Microscope, { steps, onBranch: null }), root)
  const tokens = page.getByRole('group', { name: 'The answer’s tokens' }).getByRole('button')
  await expect.element(tokens.first()).toBeVisible()
  expect(root.querySelector('.tokens')?.textContent).toContain(' word1999')
  expect(tokens.elements().length).toBeLessThan(1500)
  await userEvent.click(tokens.first())
  await userEvent.keyboard('{End}')
  await expect.element(page.getByRole('button', { name: 'word1999,' })).toHaveFocus()
  await userEvent.keyboard('{ArrowLeft}')
  await expect.element(page.getByRole('button', { name: 'word1998,' })).toHaveFocus()
  expect(most).toBeLessThanOrEqual(2 * BLOCK_CELLS) // what comes into sight, and what the keyboard goes to
  watch.disconnect()
  render(null, root)
})
