/** Where the page scrolls, where the focus goes, and what a screen reader is told. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { announcement } from '../../../web/src/state/announce.ts'
import { messages } from '../../../web/src/state/chat.ts'
import { loadState } from '../../../web/src/state/engine.ts'
import { fakeEngine } from '../engine/fake.ts'
import { gate, openPage } from './page.ts'

const box = () => page.getByLabelText('Message')
const scroller = () => document.querySelector('.scroller') as HTMLElement // the page has one
const toGo = () => scroller().scrollHeight - scroller().scrollTop - scroller().clientHeight
const lastAnswer = () => messages.value.at(-1)
const LINES = Array.from({ length: 200 }, (_, line) => `line ${line}\n\n`)

async function ask(text: string) {
  await userEvent.fill(box(), text)
  await userEvent.keyboard('{Enter}')
}

beforeEach(async () => {
  sessionStorage.clear()
  localStorage.clear()
  await page.viewport(800, 600)
})

describe('scrolling', () => {
  async function longAnswer() {
    const door = gate()
    const { load } = openPage(async () =>
      fakeEngine({ answer: () => LINES, beforeWord: door.beforeWord, info: { defaults: PATIENT } }),
    )
    await load()
    await ask('long')
    door.open(100)
    await vi.waitFor(() => expect(lastAnswer()?.content).toContain('line 99'))
    return door
  }

  it('follows the answer', async () => {
    const door = await longAnswer()
    await vi.waitFor(() => expect(toGo()).toBeLessThan(2))
    door.open(100)
    await vi.waitFor(() => expect(lastAnswer()?.content).toContain('line 199'))
    await vi.waitFor(() => expect(toGo()).toBeLessThan(2))
    expect(page.getByRole('button', { name: 'Latest' }).query()).toBeNull()
  })

  it('stays where the reader scrolled to, by however little, until they ask for the end', async () => {
    const door = await longAnswer()
    await vi.waitFor(() => expect(toGo()).toBeLessThan(2))
    scroller().scrollTop -= 10
    await expect.element(page.getByRole('button', { name: 'Latest' })).toBeVisible()
    const place = scroller().scrollTop
    door.open(100)
    await vi.waitFor(() => expect(lastAnswer()?.state).toBe('done'))
    await vi.waitFor(() => expect(scroller().textContent).toContain('line 199'))
    expect(scroller().scrollTop).toBe(place)
    await userEvent.click(page.getByRole('button', { name: 'Latest' }))
    await vi.waitFor(() => expect(toGo()).toBeLessThan(2))
  })

  it('an empty page is shown from its top, also where it is taller than the window', async () => {
    await page.viewport(360, 400)
    const { load } = openPage(async () =>
      fakeEngine({ answer: () => LINES, beforeWord: async () => {}, info: { defaults: PATIENT } }),
    )
    await load()
    expect(scroller().scrollHeight).toBeGreaterThan(scroller().clientHeight)
    expect(scroller().scrollTop).toBe(0)
    await ask('long')
    await vi.waitFor(() => expect(lastAnswer()?.state).toBe('done'))
    await vi.waitFor(() => expect(scroller().scrollTop).toBeGreaterThan(0))
    await userEvent.click(page.getByRole('button', { name: 'New chat' }))
    await vi.waitFor(() => expect(scroller().scrollTop).toBe(0))
  })

  it('nothing is wider than a small phone', async () => {
    await page.viewport(320, 640)
    const { load } = openPage(async () =>
      fakeEngine({ answer: () => ['`', 'x'.repeat(300), '`\n\n|a|b|\n|-|-|\n|', 'y'.repeat(200), '|z|'] }),
    )
    await load()
    await ask('w'.repeat(300))
    await vi.waitFor(() => expect(lastAnswer()?.state).toBe('done'))
    expect(document.documentElement.scrollWidth).toBe(320)
    expect(scroller().scrollWidth).toBe(scroller().clientWidth)
  })
})

const PATIENT = { temperature: 0, top_p: 1, top_k: 0, repetition_penalty: 1, max_tokens: 1000 }

describe('focus goes back to the message box', () => {
  async function answered() {
    const { load } = openPage(async () => fakeEngine({ answer: () => ['Yes.'] }))
    await load()
    await ask('x')
    await vi.waitFor(() => expect(lastAnswer()?.state).toBe('done'))
  }

  it.each(['Regenerate', 'New chat'])('after %s', async name => {
    await answered()
    await userEvent.click(page.getByRole('button', { name }))
    expect(document.activeElement).toBe(box().element())
  })

  it('after an example', async () => {
    const { load } = openPage(async () => fakeEngine())
    await load()
    await userEvent.click(page.getByRole('button', { name: /^Make a list/ }))
    expect(document.activeElement).toBe(box().element())
  })

  it('after Undo of a deletion, which a new message takes away', async () => {
    await answered()
    await userEvent.click(page.getByRole('button', { name: /^Delete this and/ }))
    expect(messages.value).toEqual([])
    await userEvent.click(page.getByRole('button', { name: 'Undo' }))
    expect(document.activeElement).toBe(box().element())
    expect(messages.value.map(({ content }) => content)).toEqual(['x', 'Yes.'])
    await userEvent.click(page.getByRole('button', { name: /^Delete this and/ }))
    await ask('other')
    expect(page.getByRole('button', { name: 'Undo' }).query()).toBeNull()
  })

  it('after Stop and after a cancelled load', async () => {
    const { load } = openPage(() => new Promise(() => {}))
    void load()
    await ask('x')
    await userEvent.click(page.getByRole('button', { name: 'Stop' }))
    expect(document.activeElement).toBe(box().element())
    await userEvent.click(page.getByRole('button', { name: 'Cancel' }))
    expect(loadState.value.status).toBe('paused')
    expect(document.activeElement).toBe(box().element())
  })
})

describe('what a screen reader is told', () => {
  it('status and finished answers once, the growing text never', async () => {
    const told: string[] = []
    const stop = announcement.subscribe(text => told.push(text))
    const { load } = openPage(async () => fakeEngine({ answer: () => ['One', ' two', ' three.'] }))
    await load()
    await ask('count')
    await vi.waitFor(() => expect(lastAnswer()?.state).toBe('done'))
    stop()
    expect(told.slice(-3)).toEqual(['The model is ready.', 'Answering…', 'Answer finished: One two three.'])
    const live = [...document.querySelectorAll('[aria-live="polite"], [role="status"]')]
    expect(live.map(({ textContent }) => textContent)).toEqual(['Answer finished: One two three.'])
    expect(page.getByRole('log').element().getAttribute('aria-live')).toBe('off')
  })

  it('nothing of an answer that was left for a new chat', async () => {
    const door = gate()
    const { load, conversation } = openPage(async () =>
      fakeEngine({ answer: () => ['One', ' two'], beforeWord: door.beforeWord }),
    )
    await load()
    await ask('count')
    door.open(1)
    await vi.waitFor(() => expect(lastAnswer()?.content).toBe('One'))
    const told: string[] = []
    const stop = announcement.subscribe(text => told.push(text))
    conversation.newChat()
    conversation.send('next') // answered once the old answer has ended
    door.open(9)
    await vi.waitFor(() => expect(lastAnswer()?.state).toBe('done'))
    stop()
    expect(told).toEqual(['Answering…', 'Answer finished: One two'])
  })

  it('headings go down one level at a time, and there is one of each landmark', async () => {
    const { load } = openPage(async () => fakeEngine({ answer: () => ['# Big\n\ntext\n\n## Smaller\n\ntext'] }))
    await load()
    await ask('x')
    await vi.waitFor(() => expect(lastAnswer()?.state).toBe('done'))
    await expect.element(page.getByRole('heading', { name: 'Smaller' })).toBeVisible()
    const levels = [...document.querySelectorAll('main :is(h3, h4, h5, h6)')].map(({ tagName }) => tagName)
    expect(levels).toEqual(['H3', 'H3', 'H4', 'H5'])
    for (const role of ['banner', 'main'] as const) expect(page.getByRole(role).elements()).toHaveLength(1)
  })

  it('everything that can be clicked is large enough for a finger', async () => {
    const fallbacks = [{ from: 'webgpu-q4f16', to: 'cpu-int8', reason: 'No adapter.', reasons: [] }]
    const { load } = openPage(async () => fakeEngine({ answer: () => ['```js\nx\n```'], info: { fallbacks } }))
    await load()
    const measure = () => {
      for (const button of document.querySelectorAll('button')) {
        const { width, height } = button.getBoundingClientRect()
        if (width > 0) expect(Math.min(width, height), button.outerHTML).toBeGreaterThanOrEqual(40)
      }
    }
    measure()
    await ask('x')
    await expect.element(page.getByRole('button', { name: 'Copy code' })).toBeVisible()
    await vi.waitFor(() => expect(lastAnswer()?.state).toBe('done'))
    measure()
    await userEvent.click(page.getByRole('button', { name: 'New chat' }))
    measure()
    await userEvent.click(page.getByRole('button', { name: 'Settings' }))
    await expect.element(page.getByRole('dialog', { name: 'Settings' })).toBeVisible()
    measure()
  })
})
