/** The chat: the list of chats, the conversation, the message box, and the keys that belong to them. */
import { useSignal, useSignalEffect } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { undo } from '../../state/announce.ts'
import { chat, isElsewhere } from '../../state/chat.ts'
import { draftOf, keepDraft } from '../../state/chats/drafts.ts'
import { offer } from '../../state/commands.ts'
import { text } from '../../text/index.ts'
import { ContextMeter } from '../insight/meter.tsx'
import { useActors } from '../parts/context.ts'
import { restFocus } from '../parts/focus.ts'
import { LoadPanel, needsUser } from '../parts/loading.tsx'
import { OwnSettings } from '../settings/scope.tsx'
import { AttachedFiles, attached, clearAttached } from './attachments.tsx'
import { Composer } from './composer.tsx'
import { useKeys } from './keys.ts'
import { ConversationView } from './list.tsx'
import { Shortcuts } from './shortcuts.tsx'
import { ChatTools, focusSearch, Sidebar } from './sidebar.tsx'
import { StoreNotice } from './trouble.tsx'
import '../css/chats.css'

/** Drafts of chats in which nothing was said yet are one. */
function draftKey(): string {
  return chat.value.messages.size > 0 ? chat.value.head.id : 'new'
}

export function ChatPage() {
  const { conversation } = useActors()
  const draft = useSignal('')
  const key = useSignal('')
  const shortcutsOpen = useSignal(false)
  useSignalEffect(() => {
    const next = draftKey()
    if (next === key.peek()) return
    key.value = next
    draft.value = draftOf(next)
  })
  useSignalEffect(() => keepDraft(key.peek(), draft.value))

  const onNewChat = () => {
    conversation.newChat()
    restFocus()
  }
  const send = (words: string) => {
    keepDraft(key.peek(), '')
    undo.value = null
    conversation.send(words, attached.peek())
    clearAttached()
    restFocus()
  }
  const onShortcuts = () => {
    shortcutsOpen.value = true
  }
  useEffect(restFocus, [])
  useEffect(
    () =>
      offer([
        { id: 'new-chat', name: () => text.value.chat.keys.newChat, keys: 'Ctrl+Shift+O', act: onNewChat },
        { id: 'search-chats', name: () => text.value.chat.keys.search, keys: 'Ctrl+Shift+F', act: focusSearch },
        { id: 'shortcuts', name: () => text.value.chat.shortcuts, keys: '?', act: onShortcuts },
      ]),
    [],
  )
  useKeys({ conversation, onNewChat, onSearch: focusSearch, onShortcuts })

  return (
    <div class="chat-page">
      <Sidebar onNewChat={onNewChat} />
      <div class="chat-main">
        <ChatTools onNewChat={onNewChat} />
        <ConversationView onExample={send} />
        <div class="dock">
          <StoreNotice />
          {isElsewhere.value ? <p class="notice">{text.value.chat.elsewhere}</p> : null}
          {needsUser.value ? null : <LoadPanel />}
          <OwnSettings />
          <ContextMeter draft={draft} />
          <AttachedFiles />
          <Composer draft={draft} onSend={send} />
          <p class="fine-print">{text.value.shell.finePrint}</p>
        </div>
      </div>
      <Shortcuts open={shortcutsOpen} />
    </div>
  )
}
