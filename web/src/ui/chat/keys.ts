/** Keys of the chat page; `shortcuts.tsx` lists them. A key that is typed into a box, or with a dialog open, is left alone. */
import { useEffect } from 'preact/hooks'
import { type Conversation, isBusy, isElsewhere, messages } from '../../state/chat.ts'
import { actionsOf, focusMessage, turn } from './act.ts'
import { focusComposer } from './composer.tsx'

export interface PageKeys {
  conversation: Conversation
  onNewChat: () => void
  onSearch: () => void
  onShortcuts: () => void
}

export function useKeys(page: PageKeys): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || document.querySelector('dialog[open], [popover]:popover-open'))
        return
      if (anywhere(event, page) || (!isTyping(event) && onConversation(event, page))) event.preventDefault()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
}

/** True where the key did something. */
function anywhere(event: KeyboardEvent, { conversation, onNewChat, onSearch }: PageKeys): boolean {
  const withControl = event.ctrlKey || event.metaKey
  const key = event.key.toLowerCase()
  if (event.key === 'Escape' && isBusy.peek() && !isElsewhere.peek()) conversation.stop()
  else if (withControl && event.shiftKey && key === 'o') onNewChat()
  else if (withControl && event.shiftKey && key === 'f') onSearch()
  else if (event.altKey && !withControl && (event.key === 'ArrowUp' || event.key === 'ArrowDown'))
    return walk(event.key === 'ArrowUp' ? -1 : 1)
  else return false
  return true
}

function onConversation(event: KeyboardEvent, page: PageKeys): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false
  const focused = focusedMessage()
  const isOnButton = event.target instanceof HTMLElement && event.target.closest('button, a, summary, [role=button]')
  if (event.key === '/') focusComposer()
  else if (event.key === '?') page.onShortcuts()
  else if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
    const id = focused?.id ?? messages.peek().findLast(({ role }) => role === 'assistant')?.id
    if (id) turn(id, event.key === 'ArrowLeft' ? -1 : 1, page.conversation)
    return id !== undefined
  } else if (focused && !event.shiftKey) {
    const key =
      event.key === 'Enter' && !isOnButton ? 'e' : event.key.length === 1 ? event.key.toLowerCase() : event.key
    const action = actionsOf(focused, page.conversation).find(entry => entry.key === key)
    if (action) void action.act()
    return action !== undefined
  } else return false
  return true
}

/** From message to message, from the box into them and back. */
function walk(by: -1 | 1): boolean {
  const shown = messages.peek()
  const at = shown.findIndex(({ id }) => id === focusedMessage()?.id)
  const next = shown[at === -1 ? (by === -1 ? shown.length - 1 : shown.length) : at + by]
  if (next) focusMessage(next.id)
  else if (by === 1) focusComposer()
  return shown.length > 0
}

function focusedMessage() {
  const id = document.activeElement?.closest('[data-message]')?.getAttribute('data-message')
  return messages.peek().find(message => message.id === id)
}

function isTyping({ target }: KeyboardEvent): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null
}
