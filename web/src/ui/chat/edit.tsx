/** A message as it is reworded in place. Ctrl+Enter (or Enter, in a question) saves it as a further version, Escape leaves it. */
import { useSignal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import type { Message } from '../../state/chat.ts'
import { text } from '../../text/index.ts'
import { useActors } from '../parts/context.ts'
import { restFocus } from '../parts/focus.ts'
import { editing, focusMessage } from './act.ts'

export function Editor({ message }: { message: Message }) {
  const { conversation } = useActors()
  const box = useRef<HTMLTextAreaElement>(null)
  const draft = useSignal(message.content)
  const isQuestion = message.role === 'user'
  const words = text.value.chat
  // At once, not behind the next frame: what is typed right behind the key that opened it belongs here.
  useLayoutEffect(() => {
    const area = box.current
    if (!area) return
    area.focus()
    area.setSelectionRange(area.value.length, area.value.length)
  }, [])
  useEffect(() => {
    if (!box.current) return
    box.current.style.height = 'auto'
    box.current.style.height = `${box.current.scrollHeight}px`
  }, [draft.value])
  const leave = () => {
    editing.value = null
    requestAnimationFrame(() => focusMessage(message.id))
  }
  const save = () => {
    editing.value = null
    conversation.edit(message.id, draft.value)
    restFocus()
  }
  return (
    <form
      class="edit"
      onSubmit={event => {
        event.preventDefault()
        save()
      }}
    >
      <textarea
        ref={box}
        aria-label={isQuestion ? words.editQuestion : words.editAnswer}
        aria-describedby="edit-note"
        value={draft}
        onInput={event => {
          draft.value = event.currentTarget.value
        }}
        onKeyDown={event => {
          if (event.isComposing || event.keyCode === 229) return
          const isSave = event.key === 'Enter' && (event.ctrlKey || event.metaKey || (isQuestion && !event.shiftKey))
          if (event.key === 'Escape') leave()
          else if (isSave) save()
          else return
          event.preventDefault()
          event.stopPropagation()
        }}
      />
      <div class="edit-row">
        <p id="edit-note" class="small">
          {words.editNote}
        </p>
        <button type="button" class="tool" onClick={leave}>
          {words.cancel}
        </button>
        <button type="submit" class="tool primary" disabled={!draft.value.trim()}>
          {isQuestion ? words.send : words.save}
        </button>
      </div>
    </form>
  )
}
