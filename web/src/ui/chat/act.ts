/** What can be done with a message: one list for its buttons and for its keys. */
import { signal } from '@preact/signals'
import { announcement } from '../../state/announce.ts'
import { type Conversation, chat, isBusy, type Message, shape } from '../../state/chat.ts'
import { countAfter, versions } from '../../state/chats/tree.ts'
import { text } from '../../text/index.ts'
import { magnified, toggleTokens } from '../insight/magnified.ts'
import { isReproducible, openReproduction } from '../insight/reproduce.ts'
import { restFocus } from '../parts/focus.ts'
import type { IconName } from '../parts/icons.tsx'

/** Which message is being edited, null for none. */
export const editing = signal<string | null>(null)
/** Messages that are shown as plain text. */
export const plain = signal<ReadonlySet<string>>(new Set())

export interface Action {
  name: 'copy' | 'edit' | 'regenerate' | 'goOn' | 'fork' | 'raw' | 'tokens' | 'reproduce' | 'remove'
  key: string
  icon: IconName
  /** What it is called here. */
  label: string
  isPressed?: boolean
  act: () => void | Promise<void>
}

/** Answers that stopped before their end can go on. */
function canGoOn({ state, content, stats }: Message): boolean {
  if (!content) return false
  return state === 'stopped' || state === 'failed' || (state === 'done' && stats?.stopReason === 'max-tokens')
}

export function actionsOf(message: Message, conversation: Conversation): Action[] {
  const { id, content, role, state } = message
  const words = text.value.chat.actions
  const later = countAfter(shape.value, id)
  const isFree = !isBusy.value
  const isPressed = plain.value.has(id)
  const all: (Action & { isOffered: boolean })[] = [
    {
      name: 'goOn',
      key: 'w',
      icon: 'forward',
      label: words.goOn,
      act: () => {
        conversation.continueAnswer(id)
        restFocus()
      },
      isOffered: isFree && role === 'assistant' && canGoOn(message),
    },
    { name: 'copy', key: 'c', icon: 'copy', label: words.copy, act: () => copy(content), isOffered: content !== '' },
    {
      name: 'edit',
      key: 'e',
      icon: 'edit',
      label: words.edit,
      act: () => edit(id),
      isOffered: isFree && content !== '',
    },
    {
      name: 'regenerate',
      key: 'r',
      icon: 'again',
      label: state === 'failed' ? words.tryAgain : words.regenerate,
      act: () => {
        conversation.regenerate(id)
        restFocus()
      },
      isOffered: isFree && role === 'assistant',
    },
    { name: 'fork', key: 'f', icon: 'fork', label: words.fork, act: () => conversation.fork(id), isOffered: isFree },
    {
      name: 'raw',
      key: 't',
      icon: 'raw',
      label: words.raw,
      isPressed,
      act: () => showPlain(id, !isPressed),
      isOffered: role === 'assistant' && content !== '',
    },
    {
      name: 'tokens',
      key: 'm',
      icon: 'tokens',
      label: text.value.insight.tokens.show,
      isPressed: magnified.value.has(id),
      act: () => toggleTokens(id),
      isOffered: message.has_tokens === true,
    },
    {
      name: 'reproduce',
      key: 'p',
      icon: 'compare',
      label: text.value.insight.figures.reproduce,
      act: () => openReproduction(message),
      isOffered: isReproducible(message),
    },
    {
      name: 'remove',
      key: 'Delete',
      icon: 'trash',
      label: later > 0 ? words.removeMany(later) : words.remove,
      act: async () => {
        await conversation.removeMessage(id)
        restFocus()
      },
      isOffered: true,
    },
  ]
  return all.filter(({ isOffered }) => isOffered)
}

/** Goes to the version before (−1) or after (1) this one; the focus goes along where it was on the message. */
export function turn(id: string, by: -1 | 1, conversation: Conversation): void {
  const all = versions(chat.peek(), id)
  const next = all[all.indexOf(id) + by]
  if (next === undefined || isBusy.value) return
  const hadFocus = document.activeElement?.closest('[data-message]')?.getAttribute('data-message') === id
  conversation.showMessage(next)
  announcement.value = text.value.chat.version(all.indexOf(next) + 1, all.length)
  if (hadFocus) requestAnimationFrame(() => focusMessage(next))
}

export function focusMessage(id: string): void {
  document.querySelector<HTMLElement>(`[data-message="${CSS.escape(id)}"]`)?.focus()
}

function edit(id: string): void {
  editing.value = id
}

function showPlain(id: string, isPlain: boolean): void {
  const next = new Set(plain.value)
  if (isPlain) next.add(id)
  else next.delete(id)
  plain.value = next
}

async function copy(content: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(content)
    announcement.value = text.value.shell.copied
  } catch {
    announcement.value = text.value.shell.copyRefusedLong
  }
}
