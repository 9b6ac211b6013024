/** Search over all chats, and the groups of their list. */
import { describe, expect, it, vi } from 'vitest'
import { groupsOf } from '../../../web/src/state/chats/groups.ts'
import { fold, rangesOf, TextIndex, wordsOf } from '../../../web/src/state/chats/search.ts'
import { emptyChat, path } from '../../../web/src/state/chats/tree.ts'
import type { Chat } from '../../../web/src/state/chats/types.ts'
import { dice, talk } from './sample.ts'

function indexed(...chats: Chat[]) {
  const index = new TextIndex()
  for (const { head, messages } of chats) for (const message of messages.values()) index.put(head.id, message)
  const heads = chats.map(({ head }) => head)
  return { index, search: (query: string) => index.search(query, heads) }
}

describe('folding', () => {
  it.each([
    ['Straße ÉTÉ', 'straße ete'],
    ['İstanbul', 'istanbul'],
    ['naïve café 😀 日本', 'naive cafe 😀 日本'],
  ])('%s → %s', (text, folded) => expect(fold(text)).toBe(folded))

  it('keeps every place in the text', () => {
    const roll = dice(5)
    for (let run = 0; run < 300; run++) {
      const text = String.fromCodePoint(...Array.from({ length: 20 }, () => 0x20 + roll(0x2fff)))
      expect(fold(text)).toHaveLength(text.length)
    }
  })
})

describe('a search', () => {
  const tides = talk('Why are there tides?', 'The Moon pulls at the sea, and the Sun a little.', 'And at night?')
  const moon = talk('Moon landing', 'In 1969.')
  const cafe = talk('Où est le café ?', `${'mot '.repeat(100)}derrière l’église`)
  const { index, search } = indexed(tides, moon, cafe)
  const titles = (query: string) => search(query).map(({ head }) => head.title)

  it('finds titles before texts, without case and accents', () => {
    expect(titles('moon')).toEqual(['Moon landing', 'Why are there tides?'])
    expect(titles('CAFE')).toEqual(['Où est le café ?'])
  })

  it('wants all words, in one message', () => {
    expect(titles('sun moon')).toEqual(['Why are there tides?'])
    expect(titles('moon night')).toEqual([])
    expect(titles('   ')).toEqual([])
  })

  it('shows where, marked, and which message it is', () => {
    const [hit] = search('eglise')
    expect(hit?.snippet).toMatch(/^….*derrière l’église$/)
    expect(hit?.snippetRanges.map(([from, to]) => hit.snippet.slice(from, to))).toEqual(['église'])
    expect(hit?.message).toBe(path(cafe)[1]?.id)
    const [title] = search('landing')
    expect(title?.titleRanges).toEqual([[5, 12]])
  })

  it('takes a chat as it is now, and reads only those of its texts that are new', () => {
    const [question, answer] = path(cafe)
    if (!question || !answer) throw new Error('it has two messages')
    const normalize = vi.spyOn(String.prototype, 'normalize') // what folds a letter that is not ASCII
    index.replace(cafe.head.id, [question, answer, { ...answer, id: 'new', content: 'À côté' }])
    expect(normalize).toHaveBeenCalledTimes('À côté'.length)
    normalize.mockRestore()
    expect(titles('cote')).toEqual(['Où est le café ?'])
    index.replace(cafe.head.id, [question])
    expect(titles('eglise')).toEqual([])
  })

  it('marks words that overlap as one', () => {
    expect(rangesOf('moonlight', wordsOf('moon moonl light'))).toEqual([[0, 9]])
  })
})

describe('groups', () => {
  const now = new Date(2026, 2, 15, 14).getTime()
  const at = (...date: [number, number, number, number?]) => {
    const { head } = emptyChat(String(date), new Date(...date).getTime())
    return head
  }

  it('go by the reader’s days, then by months', () => {
    const heads = [
      { ...at(2025, 0, 1), pinned: true },
      ...[at(2026, 2, 15, 0), at(2026, 2, 14, 23), at(2026, 2, 14, 0), at(2026, 2, 8), at(2026, 2, 7)],
      ...[at(2026, 1, 13), at(2026, 1, 12), at(2026, 1, 1), at(2025, 11, 31)],
    ]
    const groups = groupsOf(heads, now).map(({ name, heads: inside }) => [name, inside.length])
    expect(groups).toEqual([
      ['pinned', 1],
      ['today', 1],
      ['yesterday', 2],
      ['week', 1],
      ['month', 2],
      [new Date(2026, 1).getTime(), 2],
      [new Date(2025, 11).getTime(), 1],
    ])
  })
})
