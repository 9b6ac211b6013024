/** Beside the conversation: all chats as a file, and the list of requests. */
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { announcement } from '../../../web/src/state/announce.ts'
import { StoreError } from '../../../web/src/state/chats/store.ts'
import { storedOf } from '../../../web/src/state/chats/tree.ts'
import { requests } from '../../../web/src/state/requests.ts'
import { talk } from '../chats/sample.ts'
import { box, button, talked } from './talking.ts'

beforeEach(async () => {
  sessionStorage.clear()
  localStorage.clear()
  await page.viewport(1200, 800)
})

// Its rules came with another page: until that was visited the list had none.
it('the list of requests is a table to look at on this page too', async () => {
  await talked('one')
  const url = new URL('/api/data/push', location.href).href
  requests.value = [{ url, at: 0, networkBytes: 9, bytes: 9, isLocal: false, why: 'records', from: 'worker' }]
  onTestFinished(() => {
    requests.value = []
  })
  await userEvent.click(button('Requests of this page'))
  await expect.element(page.getByRole('cell', { name: '/api/data/push' })).toBeVisible()
  const head = page.getByRole('columnheader', { name: 'Address' }).element()
  expect(getComputedStyle(head).textAlign).toBe('start')
  await userEvent.keyboard('{Escape}')
})

describe('saving all chats', () => {
  /** With a store that gives out no chat before `goOn` says so; `files` are what the page gives to be saved. */
  async function slow() {
    const { conversation } = await talked('one')
    await conversation.library.add([storedOf(talk('two'))])
    let goOn = () => {}
    const given = new Promise<void>(resolve => {
      goOn = resolve
    })
    const peek = conversation.library.peek.bind(conversation.library)
    const { createObjectURL } = URL
    const files: Blob[] = []
    const spies = [
      vi.spyOn(conversation.library, 'peek').mockImplementation(id => given.then(() => peek(id))),
      vi.spyOn(HTMLAnchorElement.prototype, 'click').mockReturnValue(), // a download would ask where to
      vi.spyOn(URL, 'createObjectURL').mockImplementation(blob => {
        if (blob instanceof Blob) files.push(blob)
        return createObjectURL(blob)
      }),
    ]
    onTestFinished(() => {
      for (const spy of spies) spy.mockRestore()
    })
    const save = async () => {
      await userEvent.click(button('All chats'))
      await expect.element(page.getByRole('menuitem', { name: 'Save all as JSON' })).toHaveFocus()
      await userEvent.keyboard('{Enter}')
    }
    return { library: conversation.library, goOn: () => goOn(), save, files }
  }

  it('tells after a second how far it is, and makes one file', async () => {
    const { goOn, save, files } = await slow()
    await save()
    await expect.element(page.getByRole('progressbar', { name: '0 of 2 chats are in the file' })).toBeVisible()
    goOn()
    await vi.waitFor(() => expect(files).toHaveLength(1))
    const chats: { title: string }[] = JSON.parse((await files[0]?.text()) ?? '').chats
    expect(chats.map(({ title }) => title).sort()).toEqual(['one', 'two'])
    await expect.element(page.getByRole('progressbar')).not.toBeInTheDocument()
  })

  it('can be cancelled: what was begun makes no file, and the focus is in the message box', async () => {
    const { goOn, save, files } = await slow()
    await save()
    await userEvent.click(button('Cancel'))
    await expect.element(page.getByRole('progressbar')).not.toBeInTheDocument()
    expect(announcement.value).toBe('Saving was cancelled, no file was made')
    await expect.element(box()).toHaveFocus()
    goOn()
    await save()
    await vi.waitFor(() => expect(files).toHaveLength(1)) // of the second wish: the first one was ahead of it
  })

  it('says what to do where the store does not give them out', async () => {
    const { library, save, files } = await slow()
    vi.mocked(library.peek).mockRejectedValue(new StoreError('failed', 'gone'))
    await save()
    await expect.element(page.getByRole('alert')).toHaveTextContent('The file could not be made')
    await expect.element(page.getByRole('alert')).toHaveTextContent('Reload the page, then try again.')
    expect(files).toEqual([])
    await userEvent.click(button('Dismiss')) // it stays until then, for the next test too
    await vi.waitFor(() => expect(page.getByRole('alert').query()).toBeNull())
  })
})
