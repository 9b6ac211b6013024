/** Two changes of one thing, made apart: nothing that was written is lost, whoever comes first. */
import { describe, expect, it } from 'vitest'
import { joined } from '../../../web/src/state/chats/join.ts'
import { amend, remove, rename, update } from '../../../web/src/state/chats/tree.ts'
import type { Chat, ChatHead, Message } from '../../../web/src/state/chats/types.ts'
import { mergeHeads, mergeMessages } from '../../../web/src/state/sync/merge.ts'
import { same, sizeOf } from '../../../web/src/state/sync/wire.ts'
import { dice, message, talk, wander } from '../chats/sample.ts'

const texts = (chat: Chat) => new Set([...chat.messages.values()].map(({ content }) => content))
const last = (steps: Iterable<{ chat: Chat }>) => [...steps].at(-1)?.chat as Chat // there are steps

/** What somebody else does with a chat: adds, writes on, deletes, renames, pins. */
function change(chat: Chat, roll: (sides: number) => number, name: string): Chat {
  let now = chat
  for (let step = 0; step < 6; step++) {
    const ids = [...now.messages.keys()]
    const id = ids[roll(Math.max(1, ids.length))] ?? ''
    const act = roll(5)
    const own = { ...message(id || null, 'assistant', `${name} ${step} ${roll(1000)}`) }
    if (act === 0 && roll(3) === 0) now = remove(now, id)
    else if (act === 1) now = update(now, id, { content: `${now.messages.get(id)?.content ?? ''} ${name}` })
    else if (act === 2) now = rename(now, `${name} ${step}`)
    else if (act === 3) now = amend(now, { pinned: roll(2) === 0 })
    else if (id) {
      const messages = new Map(now.messages).set(own.id, own)
      now = { ...now, messages }
    }
  }
  return now
}

describe('a chat that was changed in two tabs', () => {
  it('has what each added, without what either deleted', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const roll = dice(seed)
      const saved = last(wander(seed, 25))
      const [mine, theirs] = [change(saved, roll, 'mine'), change(saved, roll, 'theirs')]
      const both = joined(saved, mine, theirs)
      for (const side of [mine, theirs]) {
        for (const id of side.messages.keys()) {
          const isNew = !saved.messages.has(id)
          if (isNew) expect(both.messages.has(id)).toBe(true)
        }
      }
      for (const [id, old] of saved.messages) {
        const [a, b] = [mine.messages.get(id), theirs.messages.get(id)]
        if (!a)
          expect(both.messages.has(id)).toBe(false) // deleted here
        else if (a !== old)
          expect(both.messages.get(id)?.content).toBe(a.content) // changed here
        else expect(both.messages.get(id)?.content).toBe(b?.content) // as it is there
      }
    }
  })

  it('is theirs where nothing was done here, and mine where nothing was done there', () => {
    const saved = talk('Who?', 'Alice')
    const theirs = rename(saved, 'Wonderland')
    expect(joined(saved, saved, theirs)).toBe(theirs)
    const mine = rename(saved, 'Looking glass')
    expect(joined(saved, mine, saved).head.title).toBe('Looking glass')
  })
})

describe('heads', () => {
  const base: ChatHead = talk('Who?').head
  const at = (value: ChatHead, time: number) => ({ value, at: time })

  it('take each field from who changed it', () => {
    const mine = { ...base, pinned: true, selected: { a: 'x' }, updated_at: 9 }
    const theirs = { ...base, title: 'Alice', renamed: true, selected: { b: 'y' }, updated_at: 7 }
    for (const times of [1, 2]) {
      const merged = mergeHeads(base, at(mine, times), at(theirs, 3 - times))
      expect(merged).toMatchObject({ title: 'Alice', renamed: true, pinned: true, updated_at: 9 })
      expect(merged.selected).toEqual({ a: 'x', b: 'y' })
    }
  })

  it('take the later one where both changed it', () => {
    const [mine, theirs] = [rename(talk('a'), 'mine').head, rename(talk('a'), 'theirs').head]
    expect(mergeHeads(base, at(mine, 2), at(theirs, 1)).title).toBe('mine')
    expect(mergeHeads(base, at(mine, 1), at(theirs, 2)).title).toBe('theirs')
    expect(mergeHeads(null, at(mine, 0), at(theirs, 1)).title).toBe('theirs')
  })
})

describe('messages', () => {
  const old: Message = message(null, 'assistant', 'Alice was')

  it('of which one goes on from the other are one, the longer', () => {
    const longer = { ...old, content: 'Alice was beginning' }
    expect(mergeMessages(old, longer)).toEqual({ kept: longer, beside: null })
    expect(mergeMessages(longer, old)).toEqual({ kept: longer, beside: null })
  })

  it('that went two ways are versions of one another', () => {
    const [mine, theirs] = [
      { ...old, content: 'Alice was tired' },
      { ...old, content: 'Alice was late' },
    ]
    const { kept, beside } = mergeMessages(mine, theirs, () => 'new')
    expect([kept, beside]).toEqual([theirs, { ...mine, id: 'new' }])
    expect(beside?.parent).toBe(kept.parent)
  })

  it('while mine is being written, theirs stands beside it', () => {
    const mine: Message = { ...old, content: 'Alice was so', state: 'writing' }
    expect(mergeMessages(mine, { ...old, content: 'Alice was late' }, () => 'new').beside?.content).toBe(
      'Alice was late',
    )
    expect(mergeMessages(mine, old)).toEqual({ kept: mine, beside: null })
  })

  it('lose no word in any order of merges', () => {
    const roll = dice(5)
    for (let round = 0; round < 200; round++) {
      const words = Array.from({ length: 4 }, () => `Alice was${' on'.repeat(roll(4))}${roll(2) ? ` ${roll(3)}` : ''}`)
      let kept: Message[] = []
      for (const content of words) {
        const mine = { ...old, content }
        const [first] = kept
        if (!first) kept = [mine]
        else {
          const merged = mergeMessages(mine, first)
          kept = [merged.kept, ...kept.slice(1), ...(merged.beside ? [merged.beside] : [])]
        }
      }
      for (const content of words) expect(kept.some(entry => entry.content.startsWith(content))).toBe(true)
    }
  })
})

describe('the wire', () => {
  it('compares values, not the order of keys or what JSON leaves out', () => {
    expect(same({ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1, d: undefined })).toBe(true)
    expect(same({ a: [1, 2] }, { a: [2, 1] })).toBe(false)
    expect(same({}, [])).toBe(false)
    expect(same(null, {})).toBe(false)
  })

  it('counts characters as the server writes them', () => {
    expect(sizeOf({ a: 'b' })).toBe(9)
    expect(sizeOf({ a: 'ü漢' })).toBe('{"a":"\\u00fc\\u6f22"}'.length)
    expect(sizeOf(null)).toBe(4)
  })
})

it('texts of a chat that was changed in turn by two are all there', () => {
  const saved = last(wander(3, 30))
  const mine = change(saved, dice(1), 'mine')
  const [first, second] = [joined(saved, mine, saved), joined(saved, saved, mine)]
  expect(texts(first)).toEqual(texts(second))
})
