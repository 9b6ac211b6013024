/** The page as a person uses it: keyboard first, over the scripted engine. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { EngineError, inEnglish, type Reason } from '../../../web/src/engine/errors.ts'
import { announcement } from '../../../web/src/state/announce.ts'
import { messages } from '../../../web/src/state/chat.ts'
import { currentId, openChats } from '../../../web/src/state/chats/desk.ts'
import { MemoryStore } from '../../../web/src/state/chats/memory-store.ts'
import { changeControls, resetControls } from '../../../web/src/state/controls.ts'
import { loadState } from '../../../web/src/state/engine.ts'
import { fakeEngine } from '../engine/fake.ts'
import { gate, openPage } from './page.ts'

const box = () => page.getByLabelText('Message')
/** In the conversation, not in the live region that reads answers out. */
const said = (text: string) => page.getByRole('list', { name: 'Conversation' }).getByText(text)
const answers = () => messages.value.filter(({ role }) => role === 'assistant')
const echo = (prompt: string) => ['You', ' said', ` ${prompt}`]

beforeEach(() => {
  sessionStorage.clear()
  localStorage.clear()
})

describe('asking', () => {
  it('Enter sends, the answer streams, finished answers are announced once', async () => {
    const door = gate()
    const { load } = openPage(async () => fakeEngine({ answer: echo, beforeWord: door.beforeWord }))
    await load()
    await userEvent.fill(box(), 'hello')
    await userEvent.keyboard('{Enter}')
    await expect.element(said('hello')).toBeVisible()
    expect(announcement.value).toBe('Answering…')
    door.open(1)
    await vi.waitFor(() => expect(answers()[0]?.content).toBe('You'))
    door.open(1)
    await vi.waitFor(() => expect(answers()[0]?.content).toBe('You said'))
    expect(announcement.value).toBe('Answering…')
    door.open(9)
    await expect.element(said('You said hello')).toBeVisible()
    await vi.waitFor(() => expect(announcement.value).toBe('Answer finished: You said hello'))
    await expect.element(page.getByText('3 tokens', { exact: true })).toBeVisible()
  })

  it('Shift+Enter breaks the line, and an input method’s Enter does not send', async () => {
    const { load } = openPage(async () => fakeEngine({ answer: echo }))
    await load()
    await userEvent.click(box())
    await userEvent.keyboard('a{Shift>}{Enter}{/Shift}b')
    const area = box().element() as HTMLTextAreaElement // labelled by the composer's own label
    expect(area.value).toBe('a\nb')
    area.dispatchEvent(
      new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true, cancelable: true }),
    )
    area.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true, cancelable: true }))
    expect(messages.value).toHaveLength(0)
    await userEvent.keyboard('{Enter}')
    expect(messages.value[0]?.content).toBe('a\nb')
  })

  it('a question asked while the model loads is answered when it is ready', async () => {
    let ready: (engine: ReturnType<typeof fakeEngine>) => void = () => {}
    const { load } = openPage(() => new Promise(resolve => (ready = resolve)))
    const loading = load()
    await userEvent.fill(box(), 'early')
    await userEvent.keyboard('{Enter}')
    await expect.element(page.getByText(/Waiting for the model/)).toBeVisible()
    ready(fakeEngine({ answer: echo }))
    await loading
    await expect.element(said('You said early')).toBeVisible()
  })

  it('empty and blank messages are not sent', async () => {
    const { load } = openPage(async () => fakeEngine({ answer: echo }))
    await load()
    await userEvent.fill(box(), '  \n ')
    await userEvent.keyboard('{Enter}')
    expect(messages.value).toHaveLength(0)
    await expect.element(page.getByRole('button', { name: 'Send' })).toBeDisabled()
  })

  it('an example is sent with one click', async () => {
    const { load } = openPage(async () => fakeEngine({ answer: () => ['1. Apples'] }))
    await load()
    await userEvent.click(page.getByRole('button', { name: /List five fruits/ }))
    await expect.element(said('Apples')).toBeVisible()
  })
})

describe('stopping and answering again', () => {
  it('Escape stops, and what was written stays', async () => {
    const door = gate()
    const { load } = openPage(async () =>
      fakeEngine({ answer: () => ['one', ' two', ' three'], beforeWord: door.beforeWord }),
    )
    await load()
    await userEvent.fill(box(), 'count')
    await userEvent.keyboard('{Enter}')
    door.open(2)
    await vi.waitFor(() => expect(answers()[0]?.content).toBe('one two'))
    await userEvent.keyboard('{Escape}')
    door.open(9)
    await expect.element(page.getByText('Stopped here.')).toBeVisible()
    expect(answers()[0]).toMatchObject({ content: 'one two', state: 'stopped' })
    expect(announcement.value).toBe('Stopped')
  })

  it('the Stop button does the same', async () => {
    const door = gate()
    const { load } = openPage(async () => fakeEngine({ answer: () => ['one', ' two'], beforeWord: door.beforeWord }))
    await load()
    await userEvent.fill(box(), 'count')
    await userEvent.keyboard('{Enter}')
    door.open(1)
    await vi.waitFor(() => expect(answers()[0]?.content).toBe('one'))
    await userEvent.click(page.getByRole('button', { name: 'Stop' }))
    door.open(9)
    await vi.waitFor(() => expect(answers()[0]?.state).toBe('stopped'))
  })

  it('Regenerate makes a further version, and the arrows lead to both', async () => {
    let count = 0
    const { load } = openPage(async () => fakeEngine({ answer: () => [`answer ${++count}`] }))
    await load()
    await userEvent.fill(box(), 'x')
    await userEvent.keyboard('{Enter}')
    await expect.element(said('answer 1')).toBeVisible()
    await userEvent.click(page.getByRole('button', { name: 'Regenerate' }))
    await expect.element(said('answer 2')).toBeVisible()
    await expect.element(page.getByText('2/2')).toBeVisible()
    await userEvent.click(page.getByRole('button', { name: 'Previous version' }))
    await expect.element(said('answer 1')).toBeVisible()
    expect(said('answer 2').query()).toBeNull()
    await expect.element(page.getByRole('button', { name: 'Previous version' })).toBeDisabled()
    expect(messages.value).toHaveLength(2)
  })

  it('an answer is written on while a new chat is on the page, and does not appear in it', async () => {
    const door = gate()
    const { load, conversation } = openPage(async () =>
      fakeEngine({ answer: () => ['late', ' words'], beforeWord: door.beforeWord }),
    )
    await load()
    await userEvent.fill(box(), 'old question')
    await userEvent.keyboard('{Enter}')
    door.open(1)
    await vi.waitFor(() => expect(answers()[0]?.content).toBe('late'))
    const old = currentId.value
    await userEvent.keyboard('{Control>}{Shift>}o{/Shift}{/Control}')
    door.open(9)
    expect(messages.value).toHaveLength(0)
    await expect.element(page.getByRole('heading', { name: /on your own machine/ })).toBeVisible()
    await vi.waitFor(() => expect(openChats.value.get(old)?.messages.size).toBe(2))
    await conversation.open(old)
    await vi.waitFor(() => expect(answers()[0]).toMatchObject({ content: 'late words', state: 'done' }))
  })

  it('an error in the middle keeps the text, says why, and can be tried again', async () => {
    let broken = true
    const { load } = openPage(async () =>
      fakeEngine({
        answer: () => ['half', ' done'],
        beforeWord: async index => {
          if (broken && index === 1) throw new EngineError('device-lost', 'The graphics adapter went away. Try again.')
        },
      }),
    )
    await load()
    await userEvent.fill(box(), 'x')
    await userEvent.keyboard('{Enter}')
    await expect.element(page.getByRole('alert')).toHaveTextContent('The graphics adapter went away. Try again.')
    expect(answers()[0]).toMatchObject({ content: 'half', state: 'failed' })
    broken = false
    await userEvent.click(page.getByRole('button', { name: 'Try again' }))
    await expect.element(said('half done')).toBeVisible()
  })
})

describe('loading', () => {
  it('shows bytes and can be cancelled and taken up again', async () => {
    let tries = 0
    const { load } = openPage(
      ({ signal, onProgress }) =>
        new Promise((_, reject) => {
          tries += 1
          onProgress?.({ phase: 'download', loadedBytes: 5e6, totalBytes: 1e8, elapsedMs: 10, detail: '' })
          signal?.addEventListener('abort', () => reject(new DOMException('', 'AbortError')))
        }),
    )
    void load()
    await expect.element(page.getByText('5.0 MB of 100.0 MB')).toBeVisible()
    await userEvent.click(page.getByRole('button', { name: 'Cancel' }))
    await expect.element(page.getByText('Loading was stopped')).toBeVisible()
    await userEvent.click(page.getByRole('button', { name: 'Load Fake model' }))
    expect(tries).toBe(2)
  })

  it('an older load that ends late is thrown away', async () => {
    const engines: { resolve: (engine: ReturnType<typeof fakeEngine>) => void }[] = []
    const { load } = openPage(() => new Promise(resolve => engines.push({ resolve })))
    const first = load()
    const second = load()
    await vi.waitFor(() => expect(engines).toHaveLength(2))
    const old = fakeEngine()
    const disposed = vi.spyOn(old, 'dispose')
    engines[0]?.resolve(old)
    await first
    expect(disposed).toHaveBeenCalled()
    expect(loadState.value.status).toBe('loading')
    engines[1]?.resolve(fakeEngine())
    await second
    expect(loadState.value.status).toBe('ready')
  })

  it('a failure is an alert with its next step; memory trouble offers the CPU', async () => {
    const asked: (string | undefined)[] = []
    const { load } = openPage(async ({ device }) => {
      asked.push(device)
      if (device === 'cpu') return fakeEngine()
      throw new EngineError('out-of-memory', 'The graphics memory is full. Close other tabs.')
    })
    await load()
    await expect.element(page.getByRole('alert')).toHaveTextContent(/Not enough memory.*The graphics memory is full/)
    await userEvent.click(page.getByRole('button', { name: 'Use the CPU' }))
    await vi.waitFor(() => expect(loadState.value.status).toBe('ready'))
    expect(asked).toEqual(['auto', 'cpu'])
  })

  it('a fallback from the GPU is said with its reason, once', async () => {
    const reason: Reason = { kind: 'no-adapter' }
    const fallbacks = [{ from: 'webgpu-q4f16', to: 'cpu-int8', reasons: [reason], reason: inEnglish([reason]) }]
    const { load } = openPage(async () => fakeEngine({ info: { fallbacks } }))
    await load()
    await expect.element(page.getByText('found no graphics adapter for it')).toBeVisible()
    await userEvent.click(page.getByRole('button', { name: 'Dismiss' }))
    await load()
    expect(page.getByText('found no graphics adapter for it').query()).toBeNull()
  })
})

describe('settings and keeping', () => {
  it('settings reach the request, and a cut-off answer goes on', async () => {
    const { load } = openPage(async () => fakeEngine({ answer: echo }))
    await load()
    changeControls({ max_tokens: 2, seed: 7 })
    await userEvent.fill(box(), 'x')
    await userEvent.keyboard('{Enter}')
    await expect.element(page.getByText(/^Answer cut off/)).toBeVisible()
    expect(answers()[0]).toMatchObject({ content: 'You said', origin: { settings: { max_tokens: 2, seed: 7 } } })
    resetControls()
    await userEvent.click(page.getByRole('button', { name: 'Continue' }))
    await vi.waitFor(() => expect(answers()[0]?.state).toBe('done'))
    expect(answers()[0]?.content.startsWith('You said')).toBe(true)
    expect(answers()[0]?.content.length).toBeGreaterThan('You said'.length)
    expect(messages.value).toHaveLength(2)
  })

  it('the conversation survives a reload, an unfinished answer as interrupted', async () => {
    const door = gate()
    const store = new MemoryStore()
    const { load } = openPage(
      async () => fakeEngine({ answer: echo, beforeWord: door.beforeWord }),
      async () => store,
    )
    await load()
    door.open(3)
    await userEvent.fill(box(), 'first')
    await userEvent.keyboard('{Enter}')
    await vi.waitFor(() => expect(answers()[0]?.state).toBe('done'))
    await userEvent.fill(box(), 'second')
    await userEvent.keyboard('{Enter}')
    await vi.waitFor(() => expect(answers()[1]?.state).toBe('writing'))
    const id = currentId.value
    const { conversation } = openPage(
      async () => fakeEngine(),
      async () => store,
    )
    await conversation.open(id)
    await vi.waitFor(() =>
      expect(messages.value.map(({ content, state }) => [content, state])).toEqual([
        ['first', 'done'],
        ['You said first', 'done'],
        ['second', 'done'],
        ['', 'stopped'],
      ]),
    )
  })

  it('"/" goes to the message box, and every button has a name', async () => {
    const { load } = openPage(async () => fakeEngine({ answer: echo }))
    await load()
    await userEvent.keyboard('/')
    expect(document.activeElement).toBe(box().element())
    for (const button of document.querySelectorAll('button')) {
      expect(button.ariaLabel ?? button.textContent?.trim(), button.outerHTML).not.toBe('')
    }
  })
})
