/** The page: bar, conversation, message box; shortcuts and the live region that screen readers listen to. */
import { useSignal, useSignalEffect } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { announcement, isBusy, messages } from '../../state/chat.ts'
import { engine } from '../../state/engine.ts'
import { Chat } from '../chat/chat.tsx'
import { COMPOSER_ID, Composer, focusComposer, restFocus } from '../chat/composer.tsx'
import { type Actors, ActorsContext } from '../parts/context.ts'
import { Header } from './header.tsx'
import { LoadPanel, needsUser } from '../parts/loading.tsx'
import { FallbackNotice, UndoNotice, undo } from '../parts/notices.tsx'
import { SettingsDialog } from '../settings/settings.tsx'
import { SpeedDialog } from '../device/speed.tsx'

export function App(actors: Actors) {
  const { conversation } = actors
  const settingsOpen = useSignal(false)
  const speedOpen = useSignal(false)
  const draft = useSignal('')

  const newChat = () => {
    if (messages.value.length > 0) undo.value = { text: 'New chat started', act: conversation.clear() }
    restFocus()
  }
  const send = (text: string) => {
    undo.value = null // it would throw this message away
    conversation.send(text)
    restFocus()
  }

  useSignalEffect(() => {
    if (engine.value) announcement.value = 'The model is ready.'
  })

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (settingsOpen.peek() || speedOpen.peek() || event.isComposing) return
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
    <ActorsContext.Provider value={actors}>
      <a class="skip" href={`#${COMPOSER_ID}`}>
        Skip to the message box
      </a>
      <Header settingsOpen={settingsOpen} speedOpen={speedOpen} onNewChat={newChat} />
      <main>
        <Chat onExample={send} />
        <div class="dock">
          {needsUser.value ? null : <LoadPanel />}
          <FallbackNotice />
          <UndoNotice />
          <Composer draft={draft} onSend={send} />
          <p class="fine-print">Small models make mistakes. Check what matters.</p>
        </div>
      </main>
      <SettingsDialog open={settingsOpen} />
      <SpeedDialog open={speedOpen} />
      <p class="visually-hidden" role="status" aria-live="polite">
        {announcement}
      </p>
    </ActorsContext.Provider>
  )
}
