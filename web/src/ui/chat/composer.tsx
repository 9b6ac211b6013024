/** The message box: Enter sends, Shift+Enter breaks the line, the button stops while an answer is written. */
import { type Signal, useSignalEffect } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { isBusy, isElsewhere, messages } from '../../state/chat.ts'
import { engine } from '../../state/engine.ts'
import { text } from '../../text/index.ts'
import { useActors } from '../parts/context.ts'
import { restFocus } from '../parts/focus.ts'
import { Icon } from '../parts/icons.tsx'
import { editing } from './act.ts'
import { AttachButton, isReadingFiles } from './attachments.tsx'

const COMPOSER_ID = 'composer'

export function focusComposer(): void {
  document.getElementById(COMPOSER_ID)?.focus()
}

export function Composer({ draft, onSend }: { draft: Signal<string>; onSend: (text: string) => void }) {
  const box = useRef<HTMLTextAreaElement>(null)
  const wasEmpty = useRef(true)
  useSignalEffect(() => {
    const isEmpty = draft.value === '' // grows with its text; CSS sets the limit
    // Measuring has the page laid out at once; for the first picture that is done anyway.
    const soon = isEmpty && wasEmpty.current ? requestAnimationFrame : queueMicrotask
    wasEmpty.current = isEmpty
    soon(() => {
      const area = box.current
      if (!area) return
      area.style.height = 'auto'
      area.style.height = `${area.scrollHeight}px`
    })
  })
  const words = text.value.chat
  const send = () => {
    if (isBusy.value || isReadingFiles.value || !draft.value.trim()) return
    onSend(draft.value)
    draft.value = ''
  }
  return (
    <form
      class="composer"
      onSubmit={event => {
        event.preventDefault()
        send()
      }}
    >
      <label for={COMPOSER_ID} class="visually-hidden">
        {words.message}
      </label>
      <textarea
        id={COMPOSER_ID}
        data-rest-focus
        ref={box}
        rows={1}
        value={draft}
        placeholder={engine.value || messages.value.length > 0 ? words.ask : words.askFirst}
        enterkeyhint="send"
        onInput={event => {
          draft.value = event.currentTarget.value
        }}
        onKeyDown={event => {
          // 229: some browsers send Enter with it while an input method still composes
          if (event.isComposing || event.keyCode === 229) return
          if (event.key === 'Enter' && !event.shiftKey) send()
          else if (event.key !== 'ArrowUp' || event.altKey || draft.value || !editLast()) return
          event.preventDefault()
        }}
      />
      <AttachButton />
      <SendOrStop draft={draft} />
    </form>
  )
}

function SendOrStop({ draft }: { draft: Signal<string> }) {
  const { conversation } = useActors()
  const { send, stop } = text.value.chat
  if (isBusy.value && !isElsewhere.value) {
    return (
      <button
        key="stop" // another element than Send: a press meant for one never reaches the other
        type="button"
        class="round stop"
        aria-label={stop}
        title={`${stop} (Esc)`}
        onClick={() => {
          conversation.stop()
          restFocus()
        }}
      >
        <Icon name="stop" />
      </button>
    )
  }
  return (
    <button
      key="send"
      type="submit"
      class="round"
      aria-label={send}
      title={`${send} (Enter)`}
      disabled={isElsewhere.value || isReadingFiles.value || !draft.value.trim()}
    >
      <Icon name="send" />
    </button>
  )
}

/** Opens the last question for editing; false where there is none. */
function editLast(): boolean {
  const last = messages.peek().findLast(({ role }) => role === 'user')
  if (!last || isBusy.peek()) return false
  editing.value = last.id
  return true
}
