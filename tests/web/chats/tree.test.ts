/** The tree of a conversation: whatever is done in whatever order, nothing is lost. */
import { describe, expect, it } from 'vitest'
import {
  add,
  branch,
  chatOf,
  countAfter,
  emptyChat,
  fork,
  path,
  pathTo,
  remove,
  rename,
  restore,
  show,
  storedOf,
  titleOf,
  update,
  versions,
} from '../../../web/src/state/chats/tree.ts'
import type { Chat, Message } from '../../../web/src/state/chats/types.ts'
import { dice, message, talk, wander } from './sample.ts'

const texts = (chat: Chat) => path(chat).map(({ content }) => content)
const idOf = (chat: Chat, content: string) =>
  [...chat.messages.values()].find(entry => entry.content === content)?.id ?? 'none'

const timeOf = (chat: Chat, id = '') => chat.messages.get(id)?.created_at ?? 0

/** True of every chat, however it came about. */
function expectSound(chat: Chat): void {
  const listed = [...chat.children].flatMap(([parent, ids]) => ids.map(id => `${id} ${parent}`))
  expect(listed.toSorted()).toEqual(
    [...chat.messages.values()].map(({ id, parent }) => `${id} ${parent ?? ''}`).toSorted(),
  )
  const isInOrder = [...chat.children.values()].every(ids =>
    ids.every((id, at) => at === 0 || timeOf(chat, ids[at - 1]) <= timeOf(chat, id)),
  )
  expect(isInOrder, 'versions stand in the order of their age').toBe(true)
  expect(chat.head.message_count).toBe(chat.messages.size)
  const shown = path(chat)
  expect(shown.length === 0).toBe(chat.messages.size === 0)
  expect(shown.map(({ parent }) => parent)).toEqual([null, ...shown.map(({ id }) => id)].slice(0, shown.length))
  expect(chat.children.get(shown.at(-1)?.id ?? 'none') ?? [], 'the path ends at a leaf').toEqual([])
  for (const [parent, child] of Object.entries(chat.head.selected))
    expect(chat.children.get(parent), 'no selection of what is gone').toContain(child)
}

describe('any sequence of edits, answers, forks, deletions and undos', () => {
  const SEEDS = Array.from({ length: 40 }, (_, index) => index + 1)

  it('keeps the tree sound, and takes nothing out but what was deleted', () => {
    for (const seed of SEEDS) {
      let before: Chat | null = null
      for (const { name, chat } of wander(seed, 80)) {
        expectSound(chat)
        if (before && name !== 'delete') {
          const kept = [...before.messages].filter(([id, old]) => chat.messages.get(id) === old).length
          const changed = name === 'grow' ? 1 : 0 // nothing else changes a message, and nothing takes one out
          expect(kept, name).toBeGreaterThanOrEqual(before.messages.size - changed)
          expect(chat.messages.size, name).toBeGreaterThanOrEqual(before.messages.size)
        }
        before = chat
      }
    }
  })

  it('is the same after it was stored and read, in whatever order its messages come back', () => {
    for (const seed of SEEDS) {
      const roll = dice(seed)
      const chat = [...wander(seed, 60)].at(-1)?.chat as Chat // 60 steps were made
      const { head, messages } = storedOf(chat)
      const shuffled = messages.map(entry => ({ entry, at: roll(1e9) })).sort((a, b) => a.at - b.at)
      expect(chatOf({ head, messages: shuffled.map(({ entry }) => entry) })).toEqual(chat)
    }
  })

  it('is the same after a deletion and its undo', () => {
    for (const seed of SEEDS) {
      const chat = [...wander(seed, 60)].at(-1)?.chat as Chat // 60 steps were made
      for (const { id } of chat.messages.values()) {
        const without = remove(chat, id)
        expect(without.messages.size).toBe(chat.messages.size - branch(chat, id).length)
        expectSound(without)
        expect(restore(without, branch(chat, id), chat.head)).toEqual(chat)
      }
    }
  })

  it('shows every message once it is asked for, and forks exactly what led to it', () => {
    for (const seed of SEEDS.slice(0, 20)) {
      const chat = [...wander(seed, 60)].at(-1)?.chat as Chat // 60 steps were made
      for (const { id } of chat.messages.values()) {
        expect(path(show(chat, id)).map(entry => entry.id)).toContain(id)
        expect(versions(chat, id)).toContain(id)
        const forked = fork(chat, id, { id: 'new', now: 9, title: '' })
        expectSound(forked)
        expect(path(forked)).toEqual(pathTo(chat, id))
        expect(forked.messages.size).toBe(pathTo(chat, id).length)
      }
    }
  })
})

describe('versions', () => {
  it('an edited question is a sibling; the old one with its answer is an arrow away', () => {
    const old = talk('one', 'answer to one', 'two', 'answer to two')
    const first = idOf(old, 'one')
    const edited = add(old, message(null, 'user', 'uno'))
    expect(texts(edited)).toEqual(['uno'])
    expect(versions(edited, first)).toEqual([first, idOf(edited, 'uno')])
    expect(texts(show(edited, first))).toEqual(['one', 'answer to one', 'two', 'answer to two'])
  })

  it('going back to a version shows what was shown below it', () => {
    const chat = talk('one', 'a', 'two', 'b')
    const withB2 = add(chat, message(idOf(chat, 'two'), 'assistant', 'b2'))
    const atB = show(withB2, idOf(withB2, 'b'))
    const edited = add(atB, message(null, 'user', 'uno'))
    expect(texts(show(edited, idOf(edited, 'one')))).toEqual(['one', 'a', 'two', 'b'])
  })

  it('a clock that was set back does not put a new version before an old one', () => {
    const chat = talk('one')
    const late = add(chat, { ...message(null, 'user', 'later'), created_at: 5 })
    expect(versions(late, idOf(late, 'later')).at(-1)).toBe(idOf(late, 'later'))
    expect(chatOf(storedOf(late))).toEqual(late)
  })

  it('refuses a message twice, and one whose parent is not there', () => {
    const chat = talk('one')
    const one = [...chat.messages.values()][0]
    expect(one).toBeDefined()
    if (one) expect(() => add(chat, one)).toThrow(/already/)
    expect(() => add(chat, message('gone', 'user', 'x'))).toThrow(/no message gone/)
  })
})

describe('damaged records', () => {
  it('what follows a message without its parent stays behind it, in whatever order the records come', () => {
    const chat = talk('gone', 'a', 'b', 'c')
    const { head, messages } = storedOf(chat)
    const left = messages.filter(({ content }) => content !== 'gone')
    for (const records of [left, left.toReversed()]) {
      const found = chatOf({ head, messages: records })
      expectSound(found)
      expect(path(found).map(({ content }) => content)).toEqual(['a', 'b', 'c'])
    }
  })

  it('as long as a book it is read, counted and shown', () => {
    const messages = Array.from(
      { length: 10_000 },
      (_, at): Message => ({
        ...message(at > 0 ? `m${at - 1}` : null, at % 2 ? 'assistant' : 'user', `${at}`),
        id: `m${at}`,
      }),
    )
    const chat = chatOf({ head: emptyChat('long', 0).head, messages: messages.toReversed() })
    expect(path(chat)).toHaveLength(10_000)
    expect(countAfter(chat.children, 'm0')).toBe(9_999)
    expect(branch(chat, 'm0')).toHaveLength(10_000)
  })

  it('a message without its parent, or in a circle, becomes a first message: it is not lost', () => {
    const chat = talk('one', 'a', 'two')
    const { head, messages } = storedOf(chat)
    const orphaned = chatOf({ head, messages: messages.filter(({ content }) => content !== 'a') })
    expectSound(orphaned)
    expect(orphaned.children.get('')).toHaveLength(2)
    const [one, a] = messages
    if (!one || !a) throw new Error('the sample is empty')
    const circle = chatOf({ head, messages: [{ ...one, parent: a.id }, a] })
    expectSound(circle)
    expect(circle.messages.size).toBe(2)
  })
})

describe('titles', () => {
  it('follow the first line of the shown first message until a person chooses one', () => {
    const chat = talk('  What is\tphotosynthesis?\n\nplease')
    expect(chat.head.title).toBe('What is photosynthesis?')
    expect(add(chat, message(null, 'user', 'How do plants eat?')).head.title).toBe('How do plants eat?')
    const named = rename(chat, ' Plants ')
    expect(named.head).toMatchObject({ title: 'Plants', renamed: true })
    expect(add(named, message(null, 'user', 'x')).head.title).toBe('Plants')
    expect(rename(named, '  ').head).toMatchObject({ title: 'What is photosynthesis?', renamed: false })
  })

  it.each([
    ['a'.repeat(60), 'a'.repeat(60)],
    ['a'.repeat(61), `${'a'.repeat(60)}…`],
    [`${'word '.repeat(20)}`, `${'word '.repeat(12).trim()}…`],
    [`${'a'.repeat(59)}😀😀`, `${'a'.repeat(59)}…`],
    ['', ''],
  ])('are cut at a word: %s', (text, title) => expect(titleOf(text)).toBe(title))

  it('stay while an answer grows', () => {
    const chat = talk('one', 'a')
    expect(update(chat, idOf(chat, 'a'), { content: 'ab' }).head).toEqual(chat.head)
  })
})
