/** What can be done with messages and chats on the page, over the scripted engine: nothing is lost, everything has a way back. */
import { options } from 'preact'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { chat, isElsewhere, messages } from '../../../web/src/state/chat.ts'
import { currentId } from '../../../web/src/state/chats/desk.ts'
import { chatList, storeTrouble } from '../../../web/src/state/chats/library.ts'
import { hold } from '../../../web/src/state/chats/locks.ts'
import { MemoryStore } from '../../../web/src/state/chats/memory-store.ts'
import { StoreError } from '../../../web/src/state/chats/store.ts'
import { add, path, storedOf, update } from '../../../web/src/state/chats/tree.ts'
import { href } from '../../../web/src/state/route.ts'
import { message, talk } from '../chats/sample.ts'
import { fakeEngine } from '../engine/fake.ts'
import { openPage } from './page.ts'
import { ask, box, button, echo, shown, talked } from './talking.ts'

beforeEach(async () => {
  sessionStorage.clear()
  localStorage.clear()
  await page.viewport(1200, 800)
})

describe('messages', () => {
  it('an edited question gets its own answer; the arrows lead back to what was said before', async () => {
    await talked('one', 'two')
    await userEvent.click(button('Edit').first())
    const editor = page.getByRole('textbox', { name: 'Your question' })
    await userEvent.fill(editor, 'uno')
    await userEvent.keyboard('{Enter}')
    await vi.waitFor(() => expect(shown()).toEqual(['uno', 're: uno']))
    await userEvent.click(button('Previous version'))
    expect(shown()).toEqual(['one', 're: one', 'two', 're: two'])
    expect(chat.value.messages.size).toBe(6)
  })

  it('an edit that is left changes nothing, and the focus returns to its message', async () => {
    await talked('one')
    await userEvent.click(button('Edit').first())
    await userEvent.keyboard('more{Escape}')
    expect(shown()).toEqual(['one', 're: one'])
    await vi.waitFor(() => expect(document.activeElement?.getAttribute('data-message')).toBe(messages.value[0]?.id))
  })

  it('an answer reworded by hand is a version that says so, and what follows builds on it', async () => {
    const prompts: string[] = []
    const { load } = openPage(async () =>
      fakeEngine({
        answer: prompt => {
          prompts.push(prompt)
          return echo(prompt)
        },
      }),
    )
    await load()
    await ask('one')
    await userEvent.click(button('Edit').nth(1))
    await userEvent.fill(page.getByRole('textbox', { name: 'The answer’s text' }), 'better')
    await userEvent.click(button('Save'))
    await expect.element(page.getByText('Edited by hand')).toBeVisible()
    expect(shown()).toEqual(['one', 'better'])
    await expect.element(page.getByText('2/2')).toBeVisible()
  })

  it('a deletion takes what follows along, and Undo brings all of it back', async () => {
    const { store } = await talked('one', 'two')
    const before = chat.value
    await userEvent.click(button(/^Delete this and 2 more/))
    expect(shown()).toEqual(['one'])
    await userEvent.click(button('Undo'))
    await vi.waitFor(() => expect(shown()).toEqual(['one', 're: one', 'two', 're: two']))
    expect(chat.value.messages).toEqual(before.messages)
    await vi.waitFor(async () => expect((await store.read(currentId.value))?.messages).toHaveLength(4))
  })

  it('a fork goes on by itself, and leaves the other as it was', async () => {
    const { conversation } = await talked('one', 'two')
    const old = currentId.value
    await userEvent.click(button('Fork from here').nth(1))
    expect(shown()).toEqual(['one', 're: one'])
    expect(currentId.value).not.toBe(old)
    await ask('three')
    await conversation.open(old)
    expect(shown()).toEqual(['one', 're: one', 'two', 're: two'])
    expect(chatList.value).toHaveLength(2)
  })

  it('two messages of one side behind one another are asked as one', async () => {
    const { conversation } = await talked('one')
    await conversation.removeMessage(messages.value[1]?.id ?? '')
    await userEvent.fill(box(), 'two')
    await userEvent.keyboard('{Enter}')
    await vi.waitFor(() => expect(shown()).toEqual(['one', 'two', 're: one\n\ntwo']))
  })

  it('keys: walk, versions, edit, plain text, and the last question from the empty box', async () => {
    await talked('one')
    await userEvent.click(button('Regenerate'))
    await expect.element(page.getByText('2/2')).toBeVisible()
    await vi.waitFor(() => expect(messages.value.at(-1)?.state).toBe('done'))
    await userEvent.click(box())
    await userEvent.keyboard('{Alt>}{ArrowUp}{/Alt}')
    expect(document.activeElement?.getAttribute('data-message')).toBe(messages.value[1]?.id)
    await userEvent.keyboard('{ArrowLeft}')
    await expect.element(page.getByText('1/2')).toBeVisible()
    await vi.waitFor(() => expect(document.activeElement?.getAttribute('data-message')).toBe(messages.value[1]?.id))
    await userEvent.keyboard('t')
    await expect.element(button('As plain text')).toHaveAttribute('aria-pressed', 'true')
    await userEvent.keyboard('{Alt>}{ArrowDown}{/Alt}')
    expect(document.activeElement).toBe(box().element())
    await userEvent.keyboard('{ArrowUp}')
    await expect.element(page.getByRole('textbox', { name: 'Your question' })).toHaveFocus()
    await userEvent.keyboard('{Escape}?')
    await expect.element(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible()
  })
})

describe('the list of chats', () => {
  it('renames, pins and deletes from the menu, by keyboard, with a way back', async () => {
    await talked('first question')
    await userEvent.click(button('New chat').first())
    await ask('second question')
    const menu = button('More for first question')
    ;(menu.element() as HTMLElement).focus() // the locator's role is a button
    await userEvent.keyboard('{Enter}')
    await expect.element(page.getByRole('menuitem', { name: 'Rename' })).toHaveFocus()
    await userEvent.keyboard('{Enter}')
    await userEvent.fill(page.getByRole('textbox', { name: 'Title of the chat' }), 'Renamed')
    await userEvent.keyboard('{Enter}')
    await vi.waitFor(() => expect(chatList.value.map(({ title }) => title)).toContain('Renamed'))
    await userEvent.click(button('More for Renamed'))
    await expect.element(page.getByRole('menuitem', { name: 'Rename' })).toHaveFocus()
    await userEvent.keyboard('{ArrowDown}{Enter}')
    await expect.element(page.getByRole('heading', { name: 'Pinned' })).toBeVisible()
    expect(chatList.value[0]?.title).toBe('Renamed')
    await userEvent.click(button('More for Renamed'))
    await expect.element(page.getByRole('menuitem', { name: 'Rename' })).toHaveFocus()
    await userEvent.keyboard('{End}{Enter}')
    await vi.waitFor(() => expect(chatList.value.map(({ title }) => title)).toEqual(['second question']))
    await userEvent.click(button('Undo'))
    await vi.waitFor(() => expect(chatList.value.map(({ title }) => title)).toEqual(['Renamed', 'second question']))
    await vi.waitFor(() => expect(shown()).toEqual(['first question', 're: first question']))
  })

  // The notice ran out of the window at both sides.
  it('of a title without an end the notice of its deletion tells the beginning, within the window', async () => {
    const { conversation } = await talked('one')
    await conversation.rename(currentId.value, 'M'.repeat(200))
    await conversation.removeChat(currentId.value)
    const notice = page.getByRole('complementary', { name: /^Chat “M+…” deleted$/ })
    await expect.element(notice).toBeVisible()
    const box = notice.element()
    expect(box.scrollWidth).toBeLessThanOrEqual(box.clientWidth)
    expect(box.getBoundingClientRect().right).toBeLessThan(innerWidth)
    await userEvent.click(button('Undo'))
    await vi.waitFor(() => expect(chatList.value.map(({ title }) => title)).toEqual(['M'.repeat(200)]))
  })

  it('draws only the row of the chat that has changed', async () => {
    const { conversation } = await talked('one')
    const others = [talk('two'), talk('three')] as const
    await conversation.library.add(others.map(storedOf))
    await expect.element(page.getByRole('link', { name: 'three' })).toBeVisible()
    const drawn: unknown[] = []
    const { diffed = () => {} } = options
    options.diffed = vnode => {
      if (vnode.type === 'a') drawn.push(Object(vnode.props).href)
      diffed(vnode)
    }
    await conversation.rename(others[0].head.id, 'Renamed')
    await expect.element(page.getByRole('link', { name: 'Renamed' })).toBeVisible()
    options.diffed = diffed
    expect(drawn.filter(to => to !== href('chat', others[0].head.id))).toEqual([])
    expect(drawn).not.toEqual([])
  })

  it('keeps the box for a title where it is while its chat is pinned elsewhere', async () => {
    const { conversation } = await talked('a question')
    await userEvent.click(button('More for a question'))
    await userEvent.click(page.getByRole('menuitem', { name: 'Rename' }))
    const title = page.getByRole('textbox', { name: 'Title of the chat' })
    await userEvent.fill(title, 'Ren')
    await conversation.pin(currentId.value, true)
    await userEvent.keyboard('amed')
    await expect.element(title).toHaveValue('Renamed')
    await userEvent.keyboard('{Enter}')
    await expect.element(page.getByRole('heading', { name: 'Pinned' })).toBeVisible()
    await expect.element(page.getByRole('link', { name: 'Renamed' })).toBeVisible()
  })

  it('finds a message in a version that is not shown, and goes to it', async () => {
    await talked('where is the needle')
    await userEvent.click(button('Edit').first())
    await userEvent.fill(page.getByRole('textbox', { name: 'Your question' }), 'where is the hay')
    await userEvent.keyboard('{Enter}')
    await vi.waitFor(() => expect(shown()[1]).toBe('re: where is the hay'))
    await vi.waitFor(() => expect(messages.value.at(-1)?.state).toBe('done'))
    await userEvent.keyboard('{Control>}{Shift>}f{/Shift}{/Control}')
    await vi.waitFor(() => expect(document.activeElement?.id).toBe('search-chats'))
    await userEvent.keyboard('NEEDLE')
    await expect.element(page.getByText('1 chat found')).toBeVisible()
    await userEvent.keyboard('{Enter}')
    await vi.waitFor(() => expect(shown()[0]).toBe('where is the needle'))
    await userEvent.fill(page.getByRole('searchbox'), '')
  })

  it('is a drawer on a phone: opened, used and closed', async () => {
    await page.viewport(390, 700)
    const { conversation } = await talked('on the phone')
    conversation.newChat()
    await userEvent.click(button('Show chats'))
    await userEvent.click(page.getByRole('link', { name: 'on the phone' }))
    await vi.waitFor(() => expect(shown()[0]).toBe('on the phone'))
    await vi.waitFor(() => expect(document.querySelector('dialog.drawer[open]')).toBeNull())
  })
})

describe('trouble', () => {
  it('a full disk: the chat goes on, and the page says once what to do', async () => {
    const store = new MemoryStore()
    store.save = async () => {
      throw new StoreError('full', new DOMException('', 'QuotaExceededError'))
    }
    const { load } = openPage(
      async () => fakeEngine({ answer: echo }),
      async () => store,
    )
    await load()
    await ask('one')
    await expect.element(page.getByRole('alert')).toHaveTextContent('Chats are not kept.')
    await userEvent.click(button('Dismiss'))
    await ask('two')
    expect(page.getByRole('alert').query()).toBeNull()
    expect(storeTrouble.value).toBe('full')
    expect(shown()).toHaveLength(4)
  })

  // The chat was gone from the page and still in the store, and nobody was told.
  it('a chat that the store does not delete is still here, and the page says so', async () => {
    const { store, conversation } = await talked('one', 'two')
    store.remove = async () => {
      throw new StoreError('failed', 'gone')
    }
    await conversation.removeChat(currentId.value)
    await expect.element(page.getByRole('alert')).toHaveTextContent('The chat “one” could not be deleted')
    expect(chatList.value.map(({ title }) => title)).toEqual(['one'])
    expect(shown()).toEqual(['one', 're: one', 'two', 're: two'])
    await userEvent.click(button('Dismiss'))
    await ask('three')
    await vi.waitFor(async () => expect((await store.read(currentId.value))?.messages).toHaveLength(6))
  })

  it('a chat that another tab writes in is shown as such, and taken over when that tab is gone', async () => {
    const begun = talk('one', 'half an ans')
    const writing = update(begun, path(begun)[1]?.id ?? '', { state: 'writing' })
    const { store, conversation } = await talked()
    await store.save([storedOf(writing)])
    const claim = hold(writing.head.id)
    await claim.ready
    await conversation.open(writing.head.id)
    await vi.waitFor(() => expect(isElsewhere.value).toBe(true))
    await userEvent.fill(box(), 'mine')
    await expect.element(button('Send')).toBeDisabled()
    claim.release()
    await expect.element(page.getByText(/Cut off here: the page was closed/)).toBeVisible()
    expect(messages.value[1]).toMatchObject({ content: 'half an ans', state: 'stopped', interrupted: true })
    await expect.element(button('Send')).toBeEnabled()
  })

  it('an answer that waits for another tab can be stopped while it waits', async () => {
    const { conversation } = await talked('one')
    const claim = hold(currentId.value)
    await claim.ready
    conversation.send('two')
    await vi.waitFor(() => expect(messages.value.at(-1)?.state).toBe('waiting'))
    await userEvent.click(button('Stop'))
    await vi.waitFor(() => expect(messages.value.at(-1)?.state).toBe('stopped'))
    expect(messages.value.at(-1)?.stats).toBeUndefined()
    claim.release()
  })

  it('a long chat draws what is seen first', async () => {
    const { store, conversation } = await talked()
    let long = talk('start')
    for (let at = 0; at < 60; at++) {
      const last = path(long).at(-1)?.id ?? null
      long = add(long, message(last, at % 2 ? 'user' : 'assistant', `line ${at}\n`.repeat(10)))
    }
    await store.save([storedOf(long)])
    const nothingIsNear = { observe() {}, unobserve() {}, disconnect() {} }
    vi.stubGlobal('IntersectionObserver', function near() {
      return nothingIsNear
    })
    await conversation.open(long.head.id)
    await vi.waitFor(() => expect(document.querySelectorAll('.message')).toHaveLength(61))
    // Ten lines and a blank one, at 26 pixels, with what is around them: three of them are higher than the window.
    expect(document.querySelectorAll('.message .actions')).toHaveLength(3)
    vi.unstubAllGlobals()
  })

  it('a long chat draws what is near, keeps the rest as text, and ends at its end', async () => {
    const { store, conversation } = await talked()
    let long = talk('start')
    for (let at = 0; at < 150; at++) {
      const last = path(long).at(-1)?.id ?? null
      long = add(long, message(last, at % 2 ? 'user' : 'assistant', `**message** ${at}\n\n${'text '.repeat(60)}`))
    }
    await store.save([storedOf(long)])
    await conversation.open(long.head.id)
    const rows = () => [...document.querySelectorAll('.message')]
    await vi.waitFor(() => expect(rows()).toHaveLength(151))
    const scroller = document.querySelector('.scroller') as HTMLElement // the page has one
    const toGo = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight
    await vi.waitFor(() => expect(toGo()).toBeLessThan(2))
    expect(document.querySelectorAll('.message .actions').length).toBeLessThan(40)
    expect(rows()[60]?.textContent).toContain('**message** 59')
    await vi.waitFor(() => {
      // A reader's wheel, which turns until they are there: what scrolls long behind it is taken for a change of the layout.
      scroller.dispatchEvent(new WheelEvent('wheel', { deltaY: -100, bubbles: true }))
      scroller.scrollTop = 0
      expect(rows()[1]?.querySelector('strong')?.textContent).toBe('message')
    })
    await vi.waitFor(() => expect(rows().at(-1)?.querySelector('.actions')).toBeNull())
  })
})
