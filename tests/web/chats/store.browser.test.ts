/** Where chats are kept: the browser's database and memory, by one suite; reload, another tab, an older database, no room. */
import { openDB } from 'idb'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { openIndexedStore, type Schema, UPGRADES } from '../../../web/src/state/chats/indexed-store.ts'
import { chatList, difference, Library, storeTrouble } from '../../../web/src/state/chats/library.ts'
import { hold, isHeld, whenFree } from '../../../web/src/state/chats/locks.ts'
import { MemoryStore } from '../../../web/src/state/chats/memory-store.ts'
import { type ChatStore, StoreError, type StoreTrouble } from '../../../web/src/state/chats/store.ts'
import { add, chatOf, newId, path, remove, storedOf, update } from '../../../web/src/state/chats/tree.ts'
import type { Chat } from '../../../web/src/state/chats/types.ts'
import { pack } from '../../../web/src/tasks/trace.ts'
import { message, talk, wander } from './sample.ts'

const opened: { close(): unknown }[] = []
const names: string[] = []

afterEach(async () => {
  for (const entry of opened.splice(0)) await entry.close()
  for (const name of names.splice(0)) indexedDB.deleteDatabase(name)
})

function freshName(): string {
  const name = `test-${newId()}`
  names.push(name)
  return name
}

async function open(name = freshName(), onGone: (trouble: StoreTrouble) => void = () => {}): Promise<ChatStore> {
  const store = await openIndexedStore(onGone, name)
  opened.push(store)
  return store
}

/** A library as one tab has it. */
function tab(name: string): Library {
  const library = new Library(onGone => openIndexedStore(onGone, name))
  opened.push(library)
  return library
}

const whole = (chat: Chat) => ({ ...storedOf(chat) })
const TABLE = pack([{ id: 7, text: 'Yes', bytes: [89, 101, 115], probability: 0.5, top: [] }])

describe.each([
  ['IndexedDB', () => open()],
  ['memory', async () => new MemoryStore()],
])('%s', (_, make) => {
  it('gives back what was saved, chat by chat', async () => {
    const store = await make()
    const chats = [1, 2, 3].map(seed => [...wander(seed, 50)].at(-1)?.chat as Chat) // 50 steps were made
    await store.save(chats.map(whole))
    expect(new Set((await store.heads()).map(({ id }) => id))).toEqual(new Set(chats.map(({ head }) => head.id)))
    for (const chat of chats) {
      const stored = await store.read(chat.head.id)
      expect(stored && chatOf(stored)).toEqual(chat)
    }
    expect(await store.read('nowhere')).toBeNull()
  })

  it('after every step of a long story the saved differences are the whole', async () => {
    const store = await make()
    let saved: Chat | null = null
    for (const { chat } of wander(11, 60)) {
      await store.save([difference(saved, chat)])
      saved = chat
    }
    const stored = await store.read(saved?.head.id ?? '')
    expect(stored && chatOf(stored)).toEqual(saved)
  })

  it('keeps tokens beside messages, and removes them with their message', async () => {
    const store = await make()
    const chat = talk('Is it?', 'Yes')
    const answer = path(chat)[1]?.id ?? ''
    await store.save([{ ...whole(chat), tokens: [{ message: answer, table: TABLE }] }])
    expect(await store.tokens(chat.head.id, [answer, 'other'])).toEqual([{ message: answer, table: TABLE }])
    await store.save([difference(chat, remove(chat, answer))])
    expect(await store.tokens(chat.head.id, [answer])).toEqual([])
    expect((await store.read(chat.head.id))?.messages).toHaveLength(1)
  })

  it('a removed chat is gone with all that belonged to it, and its neighbours stay', async () => {
    const store = await make()
    const [one, two] = [talk('one', 'a'), talk('two', 'b')]
    await store.save([one, two].map(whole))
    await store.remove(one.head.id)
    const found: string[] = []
    await store.scan(part => found.push(...part.map(({ message: { content } }) => content)))
    expect(found.toSorted()).toEqual(['b', 'two'])
    expect(await store.read(one.head.id)).toBeNull()
    expect((await store.heads()).map(({ id }) => id)).toEqual([two.head.id])
  })

  it('saves many chats', async () => {
    const store = await make()
    const chats = Array.from({ length: 300 }, (_, at) => talk(`question ${at}`, `answer ${at}`))
    const put = vi.spyOn(IDBObjectStore.prototype, 'put')
    const saved = store.save(chats.map(storedOf))
    expect(put.mock.calls.length).toBeLessThan(500) // of 1,800: the page has its turn in between
    put.mockRestore()
    await saved
    for (const chat of chats) {
      const stored = await store.read(chat.head.id)
      expect(stored && chatOf(stored)).toEqual(chat)
    }
  })

  it('gives the heads that are asked for, those that there are', async () => {
    const store = await make()
    const [one, two] = [talk('one'), talk('two')]
    await store.save([storedOf(one), storedOf(two), storedOf(talk('three'))])
    expect(await store.heads([two.head.id, 'none', one.head.id])).toEqual([two.head, one.head])
    expect(await store.heads()).toHaveLength(3)
  })

  it('a scan comes to every message once, however many there are', async () => {
    const store = await make()
    const chats = Array.from({ length: 30 }, (_, index) =>
      talk(...Array.from({ length: 40 }, (__, at) => `${index}/${at}`)),
    )
    await store.save(chats.map(whole))
    const found: string[] = []
    await store.scan(part => found.push(...part.map(({ chat, message: { id } }) => `${chat} ${id}`)))
    expect(found).toHaveLength(1200)
    expect(new Set(found).size).toBe(1200)
  })
})

describe('the database', () => {
  it('of an older version is brought up to date with its chats in it', async () => {
    const name = freshName()
    const chat = talk('from long ago', 'indeed')
    const old = await openDB<Schema>(name, 1, { upgrade: database => UPGRADES[0]?.(database) })
    await old.put('heads', chat.head)
    for (const entry of chat.messages.values()) await old.put('messages', entry, [chat.head.id, entry.id])
    old.close()
    const store = await open(name)
    const stored = await store.read(chat.head.id)
    expect(stored && chatOf(stored)).toEqual(chat)
    await store.save([{ ...whole(chat), tokens: [{ message: path(chat)[1]?.id ?? '', table: TABLE }] }])
  })

  it('of a newer version is left alone, and the page goes on in memory', async () => {
    const name = freshName()
    const newer = await openDB(name, UPGRADES.length + 1)
    newer.close()
    await expect(openIndexedStore(() => {}, name)).rejects.toMatchObject({ name: 'StoreError', trouble: 'newer' })
    const library = tab(name)
    await library.list()
    expect(storeTrouble.value).toBe('newer')
    const chat = talk('still here')
    await library.save(chat)
    expect(await library.read(chat.head.id)).toEqual(chat)
  })

  it('makes way for a newer page, and says so', async () => {
    const name = freshName()
    const gone: StoreTrouble[] = []
    await open(name, trouble => gone.push(trouble))
    const newer = await openDB(name, UPGRADES.length + 1)
    newer.close()
    expect(gone).toEqual(['newer'])
  })
})

describe('a library', () => {
  it('is there again after a reload', async () => {
    const name = freshName()
    const before = tab(name)
    const chat = talk('one', 'a')
    await before.save(chat)
    await before.close()
    const after = tab(name)
    await after.list()
    expect(chatList.value.map(({ title }) => title)).toEqual(['one'])
    expect(await after.read(chat.head.id)).toEqual(chat)
  })

  it('writes only what is new', async () => {
    const saved: { messages: number; removed: number }[] = []
    const library = new Library(async () => {
      const store = new MemoryStore()
      const save = store.save.bind(store)
      store.save = async parts => {
        for (const part of parts) saved.push({ messages: part.messages.length, removed: part.removed?.length ?? 0 })
        await save(parts)
      }
      return store
    })
    opened.push(library)
    const chat = talk(...Array.from({ length: 50 }, (_, index) => `text ${index}`))
    await library.save(chat)
    const last = path(chat).at(-1)?.id ?? ''
    await library.save(update(chat, last, { content: 'longer' }))
    expect(saved).toEqual([
      { messages: 50, removed: 0 },
      { messages: 1, removed: 0 },
    ])
  })

  it('a deleted chat comes back with its tokens', async () => {
    const library = tab(freshName())
    const chat = talk('Is it?', 'Yes')
    const answer = path(chat)[1]?.id ?? ''
    const traced = update(chat, answer, { has_tokens: true })
    await library.save(traced, [{ message: answer, table: TABLE }])
    const undo = await library.remove(chat.head.id)
    expect(chatList.value).toEqual([])
    expect(await library.read(chat.head.id)).toBeNull()
    await undo()
    expect(await library.read(chat.head.id)).toEqual(traced)
    expect(await library.tokens(chat.head.id, answer)).toEqual(TABLE)
  })

  it('with a full disk goes on in memory, says so once, and saves everything when there is room again', async () => {
    const store = new MemoryStore()
    const save = store.save.bind(store)
    let isFull = true
    store.save = async parts => {
      if (isFull) throw new StoreError('full', new DOMException('', 'QuotaExceededError'))
      await save(parts)
    }
    const told: (StoreTrouble | null)[] = []
    const stop = storeTrouble.subscribe(trouble => told.push(trouble))
    const library = new Library(async () => store)
    opened.push(library)
    const chat = talk('one', 'a')
    await library.save(chat)
    const more = add(chat, message(path(chat).at(-1)?.id ?? null, 'user', 'two'))
    await library.save(more)
    expect(await library.read(chat.head.id)).toEqual(more)
    expect(await store.read(chat.head.id)).toBeNull()
    isFull = false
    await library.save(talk('three'))
    const stored = await store.read(chat.head.id)
    expect(stored && chatOf(stored)).toEqual(more)
    stop()
    expect(told).toEqual([null, 'full'])
  })

  it('reads in one go what another tab has added', async () => {
    const name = freshName()
    const [here, there] = [tab(name), tab(name)]
    await here.list()
    const chats = Array.from({ length: 300 }, (_, at) => talk(`question ${at}`, `answer ${at}`))
    const heard = new Promise(resolve => there.listen(resolve))
    const transaction = vi.spyOn(IDBDatabase.prototype, 'transaction')
    await here.add(chats.map(storedOf))
    await heard
    expect(transaction).toHaveBeenCalledTimes(2)
    transaction.mockRestore()
    for (const chat of chats.slice(-2)) expect(await there.read(chat.head.id)).toEqual(chat)
    expect(chatList.value).toHaveLength(300)
  })

  it('tells other tabs what has changed and what is gone', async () => {
    const name = freshName()
    const [here, there] = [tab(name), tab(name)]
    const news: string[] = []
    there.listen(({ changed, removed }) => news.push(...changed.map(id => `+${id}`), ...removed.map(id => `-${id}`)))
    const chat = talk('one', 'a')
    await here.save(chat)
    await vi.waitFor(() => expect(news).toEqual([`+${chat.head.id}`]))
    expect(await there.read(chat.head.id)).toEqual(chat)
    await here.remove(chat.head.id)
    await vi.waitFor(() => expect(news).toEqual([`+${chat.head.id}`, `-${chat.head.id}`]))
    expect(await there.read(chat.head.id)).toBeNull()
  })

  it('two tabs that add to one chat at once lose nothing', async () => {
    const name = freshName()
    const [here, there] = [tab(name), tab(name)]
    const chat = talk('one', 'a')
    await here.save(chat)
    const [mine, theirs] = [await here.read(chat.head.id), await there.read(chat.head.id)]
    if (!mine || !theirs) throw new Error('the chat was not saved')
    const last = path(chat).at(-1)?.id ?? null
    await Promise.all([
      here.save(add(mine, message(last, 'user', 'from here'))),
      there.save(add(theirs, message(last, 'user', 'from there'))),
    ])
    const both = await here.read(chat.head.id)
    expect([...(both?.messages.values() ?? [])].map(({ content }) => content).toSorted()).toEqual([
      'a',
      'from here',
      'from there',
      'one',
    ])
  })
})

describe('who writes in a chat', () => {
  it('is known to all, until it is done', async () => {
    const chat = newId()
    expect(await isHeld(chat)).toBe(false)
    const claim = hold(chat)
    await claim.ready
    expect(await isHeld(chat)).toBe(true)
    let isFree = false
    const waiting = whenFree(chat, new AbortController().signal).then(() => {
      isFree = true
    })
    const second = hold(chat)
    second.release() // gave up before its turn
    expect(isFree).toBe(false)
    claim.release()
    await waiting
    expect(await isHeld(chat)).toBe(false)
  })
})
