/** The chat: conversation, message box, and the shortcuts that belong to them. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { undo } from '../../state/announce.ts'
import { isBusy, messages } from '../../state/chat.ts'
import { offer } from '../../state/commands.ts'
import { text } from '../../text/index.ts'
import { useActors } from '../parts/context.ts'
import { restFocus } from '../parts/focus.ts'
import { Icon } from '../parts/icons.tsx'
import { LoadPanel, needsUser } from '../parts/loading.tsx'
import { Chat } from './chat.tsx'
import { Composer, focusComposer } from './composer.tsx'

export function ChatPage() {
  const { conversation } = useActors()
  const draft = useSignal('')

  const newChat = () => {
    if (messages.value.length > 0) undo.value = { text: 'New chat started', act: conversation.clear() }
    restFocus()
  }
  const send = (words: string) => {
    undo.value = null // it would throw this message away
    conversation.send(words)
    restFocus()
  }

  useEffect(
    () => offer([{ id: 'new-chat', name: () => text.value.shell.newChat, keys: 'Ctrl+Shift+O', act: newChat }]),
    [],
  )
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.isComposing || document.querySelector('dialog[open]')) return
      const typing = event.target instanceof HTMLElement && event.target.closest('input, textarea, select')
      if (event.key === 'Escape' && isBusy.peek()) conversation.stop()
      else if (event.key === '/' && !typing) focusComposer()
      else if (event.key.toLowerCase() === 'o' && event.shiftKey && (event.ctrlKey || event.metaKey)) newChat()
      else return
      event.preventDefault()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])

  return (
    <div class="chat-page">
      <div class="page-tools">
        <button type="button" class="tool" onClick={newChat} title={`${text.value.shell.newChat} (Ctrl+Shift+O)`}>
          <Icon name="plus" />
          {text.value.shell.newChat}
        </button>
      </div>
      <Chat onExample={send} />
      <div class="dock">
        {needsUser.value ? null : <LoadPanel />}
        <Composer draft={draft} onSend={send} />
        <p class="fine-print">{text.value.shell.finePrint}</p>
      </div>
    </div>
  )
}
