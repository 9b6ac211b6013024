/** Files with chats, read beside the page: the same as in one go, and what is wrong with one is told as exactly. */
import { expect, it } from 'vitest'
import { readChats } from '../../../web/src/state/chats/import.ts'
import { readFile } from '../../../web/src/state/chats/import-file.ts'
import { path } from '../../../web/src/state/chats/tree.ts'
import { pack } from '../../../web/src/tasks/trace.ts'
import { fileOf, talk } from './sample.ts'

const TABLE = pack([{ id: 7, text: 'Yes', bytes: [89, 101, 115], probability: 0.5, top: [] }])

it('every chat comes over whole, in the order of the file, with its tokens', async () => {
  const [first, second] = [talk('one', 'an answer'), talk('two')]
  const answer = path(first)[1]?.id ?? ''
  const file = await fileOf({ chat: first, tokens: [{ message: answer, table: TABLE }] }, { chat: second, tokens: [] })
  const read = await readFile(new Blob([file]))
  expect(read).toEqual(readChats(file))
  expect(read.map(({ tokens }) => tokens.get(answer))).toEqual([TABLE, undefined])
})

it.each([
  ['no JSON', 'hello', { trouble: 'not-json' }],
  ['something else', '{"a": 1}', { trouble: 'unknown' }],
  [
    'damaged',
    (await fileOf({ chat: talk('one'), tokens: [] })).replace('"user"', '"tool"'),
    { trouble: 'damaged', message: expect.stringContaining('chats.0.messages.0.role') },
  ],
])('%s: the reason comes over', async (_, content, failure) => {
  await expect(readFile(new Blob([content]))).rejects.toMatchObject({ name: 'ImportError', ...failure })
})
