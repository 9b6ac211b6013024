/** Chats for tests: made by hand, or by a long random sequence of what a person can do. */
import { type Exported, jsonPieces } from '../../../web/src/state/chats/export.ts'
import {
  add,
  amend,
  branch,
  emptyChat,
  newId,
  path,
  remove,
  rename,
  restore,
  show,
  update,
} from '../../../web/src/state/chats/tree.ts'
import type { Chat, ChatHead, Message } from '../../../web/src/state/chats/types.ts'
import { random } from '../kernels/random.ts'

/** Repeatable random numbers from 0 to `sides` − 1. */
export function dice(seed: number): (sides: number) => number {
  const numbers = random(seed)
  return sides => numbers.integer(0, sides - 1)
}

let clock = 1_700_000_000_000

export function message(parent: string | null, role: Message['role'], content: string): Message {
  clock += 1000
  return { id: newId(), parent, role, content, created_at: clock, state: 'done' }
}

/** Questions and answers in turn; every second text is an answer. */
export function talk(...texts: string[]): Chat {
  let chat = emptyChat(newId(), clock)
  for (const [index, content] of texts.entries()) {
    const last = path(chat).at(-1)?.id ?? null
    chat = add(chat, message(last, index % 2 === 0 ? 'user' : 'assistant', content))
  }
  return chat
}

export interface Step {
  name: string
  chat: Chat
}

interface Removal {
  removed: Message[]
  head: ChatHead
}

/** What a person might do, `count` times: ask, answer, edit, regenerate, change version, delete, undo, rename. */
export function* wander(seed: number, count: number): Generator<Step> {
  const roll = dice(seed)
  const undos: Removal[] = []
  let chat = emptyChat(newId(), 1)
  const any = () => [...chat.messages.values()][roll(chat.messages.size)]
  const moves: Record<string, () => Chat> = {
    ask: () => add(chat, message(path(chat).at(-1)?.id ?? null, 'user', `question ${roll(1000)}`)),
    answer: () => add(chat, message(any()?.id ?? null, 'assistant', `answer ${roll(1000)}\n\nmore`)),
    edit: () => {
      const old = any()
      return old ? add(chat, { ...message(old.parent, old.role, `${old.content}!`), edited: true }) : chat
    },
    grow: () => {
      const old = any()
      return old ? update(chat, old.id, { content: `${old.content} on`, state: 'stopped' }) : chat
    },
    show: () => show(chat, any()?.id ?? ''),
    delete: () => {
      const id = any()?.id ?? ''
      undos.push({ removed: branch(chat, id), head: chat.head })
      return remove(chat, id)
    },
    undo: () => {
      const last = undos.pop()
      return last ? restore(chat, last.removed, last.head) : chat
    },
    rename: () => rename(chat, roll(2) ? `title ${roll(10)}` : ''),
    pin: () => amend(chat, { pinned: roll(2) === 0, overrides: { system: `be ${roll(9)}` } }),
  }
  const names = Object.keys(moves)
  for (let step = 0; step < count; step++) {
    const name = names[roll(names.length)] ?? 'ask'
    chat = moves[name]?.() ?? chat
    yield { name, chat }
  }
}

/** Our own file with these chats. */
export function fileOf(...chats: Exported[]): Promise<string> {
  return joined(jsonPieces(chats, new Date(0)))
}

export async function joined(pieces: AsyncIterable<string>): Promise<string> {
  let whole = ''
  for await (const piece of pieces) whole += piece
  return whole
}
