/** Saving: what is changed while another save ends. */
import { expect, test } from 'vitest'
import { Library } from '../../../web/src/state/chats/library.ts'
import { MemoryStore } from '../../../web/src/state/chats/memory-store.ts'
import { rename } from '../../../web/src/state/chats/tree.ts'
import { talk } from './sample.ts'

// For a moment a save that had nothing left to write still stood for one that would write what came.
test.each([0, 1, 2, 3, 4, 5, 6, 7])('a change %d turns behind the end of a save is saved', async turns => {
  const store = new MemoryStore()
  const library = new Library(async () => store)
  const chat = talk('What is a fugue?')
  const save = store.save.bind(store)
  let later: Promise<void> | null = null
  store.save = parts => {
    const saved = save(parts)
    later ??= saved.then(async () => {
      for (let turn = 0; turn < turns; turn++) await null
      await library.save(rename(chat, 'Fugues'))
    })
    return saved
  }
  await library.save(chat)
  await later
  expect((await store.heads([chat.head.id]))[0]?.title).toBe('Fugues')
  await library.close()
})
