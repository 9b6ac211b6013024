/** Chats as files: what goes out comes back without loss, what others wrote is understood, what is damaged is named. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { markdownPieces } from '../../../web/src/state/chats/export.ts'
import { ImportError } from '../../../web/src/state/chats/file.ts'
import { readChats } from '../../../web/src/state/chats/import.ts'
import { Library } from '../../../web/src/state/chats/library.ts'
import { MemoryStore } from '../../../web/src/state/chats/memory-store.ts'
import { takeIn, writeFile } from '../../../web/src/state/chats/transfer.ts'
import { amend, path, show, storedOf, update, versions } from '../../../web/src/state/chats/tree.ts'
import type { Chat } from '../../../web/src/state/chats/types.ts'
import { MODEL_DEFAULTS } from '../../../web/src/tasks/chat.ts'
import { pack } from '../../../web/src/tasks/trace.ts'
import { fileOf, joined, talk, wander } from './sample.ts'

const file = (name: string) => readFileSync(new URL(`files/${name}`, import.meta.url), 'utf8')
const texts = (chat: Chat | undefined) => (chat ? path(chat).map(({ content }) => content) : [])
const STATS = {
  ...{ promptTokens: 30, cachedTokens: 3, outputTokens: 5, timeToFirstTokenMs: 10.5, prefillMs: 9, decodeMs: 50 },
  ...{ tokensPerSecond: 80, stopReason: 'end-of-turn' as const, droppedMessages: 0, draftedTokens: 0 },
  ...{ acceptedTokens: 0, recoveries: 0 },
}

/** A chat with everything in it that there can be. */
function rich(): Chat {
  const chat = amend(talk('What is it?', 'Ünïcode 😀 `code`\r\n\u2028end'), {
    pinned: true,
    overrides: { system: 'Be brief.', temperature: 0, stop: ['\n\n'] },
  })
  const [question, answer] = path(chat)
  if (!question || !answer) throw new Error('the sample is empty')
  const settings = { ...MODEL_DEFAULTS, seed: 42, format: { type: 'regex' as const, pattern: '\\d+' } }
  const origin = { model: 'm', model_name: 'M', variant: 'cpu-int8', device: 'cpu' as const, backend: 'simd', settings }
  const attached = { id: 'a', name: 'notes.txt', media_type: 'text/plain', size_bytes: 3, text: 'abc' }
  const asked = update(chat, question.id, { attachments: [attached] })
  return update(asked, answer.id, {
    stats: STATS,
    origin,
    has_tokens: true,
    edited: true,
    code: 'internal',
    error: 'E',
  })
}

describe('our own files', () => {
  it('come back as they went out, whatever was done in the chats', async () => {
    const chats = Array.from({ length: 25 }, (_, seed) => [...wander(seed + 100, 50)].at(-1)?.chat as Chat) // 50 steps
    const full = chats.filter(({ messages }) => messages.size > 0)
    const read = readChats(await fileOf(...full.map(chat => ({ chat, tokens: [] }))))
    expect(read.map(({ chat }) => chat)).toEqual(full)
  })

  it('keep figures, origin, settings, attachments and tokens', async () => {
    const chat = rich()
    const answer = path(chat)[1]?.id ?? ''
    const table = pack([{ id: 1, text: 'Ü', bytes: [195, 156], probability: 0.25, top: [] }])
    const [read] = readChats(await fileOf({ chat, tokens: [{ message: answer, table }] }))
    expect(read?.chat).toEqual(chat)
    expect(read?.tokens).toEqual(new Map([[answer, table]]))
  })

  it('saved while an answer was written: it is marked as interrupted', async () => {
    const chat = talk('one', 'a')
    const answer = path(chat)[1]?.id ?? ''
    const [read] = readChats(await fileOf({ chat: update(chat, answer, { state: 'writing' }), tokens: [] }))
    expect(read?.chat.messages.get(answer)).toMatchObject({ content: 'a', state: 'stopped', interrupted: true })
  })

  it('taken in twice add nothing, and never overwrite what differs', async () => {
    const library = new Library(async () => new MemoryStore())
    const chat = rich()
    const json = await fileOf({ chat: update(chat, path(chat)[1]?.id ?? '', {}), tokens: [] })
    expect(await takeIn(library, readChats(json))).toEqual({ added: 1, known: 0 })
    expect(await takeIn(library, readChats(json))).toEqual({ added: 0, known: 1 })
    const other = json.replace('What is it?', 'Who is it?')
    expect(await takeIn(library, readChats(other))).toEqual({ added: 1, known: 0 })
    expect(texts((await library.peek(chat.head.id)) ?? undefined)[0]).toBe('What is it?')
    await library.close()
  })
})

describe('many chats', async () => {
  const table = pack([{ id: 1, text: 'a', bytes: [97], probability: 0.25, top: [] }])
  const chats = Array.from({ length: 40 }, (_, at) => talk(`question ${at}`, 'an answer '.repeat(400))) // parts of 64 Ki
  const library = new Library(async () => new MemoryStore())
  await library.add(
    chats.map(chat => {
      const traced = update(chat, path(chat)[1]?.id ?? '', { has_tokens: true })
      return { ...storedOf(traced), tokens: [{ message: path(chat)[1]?.id ?? '', table }] }
    }),
  )
  const ids = chats.map(({ head }) => head.id)
  const wish = { ids, kind: 'json', locale: 'en', signal: new AbortController().signal, onProgress: () => {} } as const

  it('are in their file in the order that was asked for, with all their tokens; one that was deleted is left out', async () => {
    const told: number[] = []
    const given = { ...wish, ids: [ids[3] ?? '', 'gone', ...ids], onProgress: (done: number) => told.push(done) }
    const file = await writeFile(library, given)
    expect(file.type).toBe('application/json')
    const content = JSON.parse(await file.text())
    expect(content.chats.map(({ id }: { id: string }) => id)).toEqual([ids[3], ...ids])
    expect(Object.values(content.chats[7].tokens)).toEqual([table])
    expect(told).toEqual(Array.from({ length: 42 }, (_, at) => at))
  })

  it('as Markdown come one after the other', async () => {
    const markdown = await (await writeFile(library, { ...wish, kind: 'markdown' })).text()
    expect(markdown.match(/^# .*/gm)).toEqual(ids.map((_, at) => `# question ${at}`))
  })

  it('give no file where it is not wanted any more', async () => {
    const stop = new AbortController()
    const onProgress = (done: number) => {
      if (done === 20) stop.abort()
    }
    const writing = writeFile(library, { ...wish, signal: stop.signal, onProgress })
    await expect(writing).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('ChatGPT’s export', () => {
  const [read] = readChats(file('chatgpt.json'))
  const chat = read?.chat

  it('shows what was shown there, without tools and searches', () => {
    expect(texts(chat)).toEqual(['Why are there tides?', 'The Moon pulls at the sea.'])
    expect(chat?.head).toMatchObject({ title: 'Tides', renamed: true, created_at: 1_700_000_000_500 })
    expect(chat?.head.overrides).toEqual({ system: 'Answer in one sentence.' })
  })

  it('keeps versions in their order, and says what a picture was', () => {
    if (!chat) throw new Error('nothing was read')
    expect(versions(chat, 'a2')).toEqual(['a1', 'a2'])
    expect(versions(chat, 'u1')).toEqual(['u1', 'u2'])
    expect(texts(show(chat, 'a3'))).toEqual(['[image]\n\nWhat is in the picture?', 'A beach.'])
  })
})

describe('the export of llama.cpp’s page', () => {
  const [read] = readChats(file('llama.json'))
  const chat = read?.chat

  it('shows what was shown there, with its instructions and attached texts', () => {
    expect(texts(chat)).toEqual(['What is the capital of France?', 'It is Paris.', 'And of Spain?'])
    expect(chat?.head).toMatchObject({ title: 'Capital cities', overrides: { system: 'Be brief.' } })
    expect(chat && path(chat)[0]?.attachments).toMatchObject([{ name: 'notes.txt', text: 'Paris, Lyon' }])
  })

  it('keeps versions in the order of their parent’s list', () => {
    expect(chat && versions(chat, 'm4')).toEqual(['m3', 'm4'])
  })

  it('of a single conversation is read as well', () => {
    const [one] = JSON.parse(file('llama.json')) as unknown[] // the fixture is a list
    expect(texts(readChats(JSON.stringify(one))[0]?.chat)).toHaveLength(3)
  })
})

describe('what cannot be read', async () => {
  const json = await fileOf({ chat: rich(), tokens: [] })
  const own = JSON.parse(json)
  const spoilt = (change: (chat: Record<string, unknown> & { messages: Record<string, unknown>[] }) => void) => {
    const copy = structuredClone(own)
    change(copy.chats[0])
    return JSON.stringify(copy)
  }
  const circle = [{ mapping: { a: { parent: 'b', message: null }, b: { parent: 'a', message: null } } }]

  it.each([
    ['no JSON', 'hello', 'not-json', ''],
    ['cut off', json.slice(0, -20), 'not-json', ''],
    ['something else', '{"a": 1}', 'unknown', ''],
    ['a list of something else', '[1, null, "x"]', 'unknown', ''],
    ['from a newer version', JSON.stringify({ ...own, version: 2 }), 'too-new', ''],
    ['without a chat', JSON.stringify({ ...own, chats: [] }), 'empty', ''],
    [
      'with a foreign role',
      spoilt(({ messages }) => Object.assign(messages[0] ?? {}, { role: 'tool' })),
      'damaged',
      /chats\.0\.messages\.0\.role/,
    ],
    [
      'with text that is none',
      spoilt(({ messages }) => Object.assign(messages[1] ?? {}, { content: 7 })),
      'damaged',
      /chats\.0\.messages\.1\.content/,
    ],
    [
      'with figures that are none',
      spoilt(({ messages }) => Object.assign(messages[1] ?? {}, { stats: { promptTokens: 'x' } })),
      'damaged',
      /stats/,
    ],
    ['with an id twice', spoilt(({ messages }) => messages.push({ ...messages[0] })), 'damaged', /one id/],
    ['of ChatGPT, in a circle', JSON.stringify(circle), 'damaged', /circle/],
    ['of llama.cpp, without ids', '[{"conv": {}, "messages": [{"role": "user"}]}]', 'damaged', /message 0 has no id/],
  ])('%s', (_, content, trouble, where) => {
    const failure = (() => {
      try {
        return readChats(content)
      } catch (error) {
        return error
      }
    })()
    expect(failure).toBeInstanceOf(ImportError)
    expect(failure).toMatchObject({ trouble })
    if (where) expect((failure as ImportError).message).toMatch(where) // its class was just tested
  })

  it('is named also where only its last chat is damaged: nothing of the file comes out', () => {
    const two = structuredClone(own)
    two.chats.push({ ...two.chats[0], id: 'second', messages: 'none' })
    expect(() => readChats(JSON.stringify(two))).toThrow(ImportError)
  })
})

it('as Markdown: what is shown, who spoke, and that there is more', async () => {
  const chats = [rich(), talk('second')].map(chat => ({ chat, tokens: [] }))
  const markdown = await joined(markdownPieces(chats, 'en'))
  expect(markdown).toContain('# What is it?\n\nChat of November')
  expect(markdown).toContain('> Be brief.')
  expect(markdown).toContain('## You\n\n**notes.txt**\n\n```\nabc\n```\n\nWhat is it?')
  expect(markdown).toContain('## Answer (M, cpu-int8)\n\nÜnïcode 😀')
  expect(markdown).toContain('\n---\n\n# second')
})
