/** The message box: Enter sends, Shift+Enter breaks the line, the button stops while an answer is written. */
import { type Signal, useSignalEffect } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { isBusy, messages } from '../../state/chat.ts'
import { engine } from '../../state/engine.ts'
import { useActors } from '../parts/context.ts'
import { restFocus } from '../parts/focus.ts'
import { Icon } from '../parts/icons.tsx'

export const COMPOSER_ID = 'composer'

export function focusComposer(): void {
  document.getElementById(COMPOSER_ID)?.focus()
}

export function Composer({ draft, onSend }: { draft: Signal<string>; onSend: (text: string) => void }) {
  const { conversation } = useActors()
  const box = useRef<HTMLTextAreaElement>(null)
  useSignalEffect(() => {
    void draft.value // grows with its text; CSS sets the limit
    queueMicrotask(() => {
      const area = box.current
      if (!area) return
      area.style.height = 'auto'
      area.style.height = `${area.scrollHeight}px`
    })
  })
  const busy = isBusy.value
  const send = () => {
    if (busy || !draft.value.trim()) return
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
        Message
      </label>
      <textarea
        id={COMPOSER_ID}
        data-rest-focus
        ref={box}
        rows={1}
        value={draft}
        placeholder={engine.value || messages.value.length > 0 ? 'Ask the model' : 'Write your first message'}
        enterkeyhint="send"
        onInput={event => {
          draft.value = event.currentTarget.value
        }}
        onKeyDown={event => {
          // 229: some browsers send Enter with it while an input method still composes
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return
          event.preventDefault()
          send()
        }}
      />
      {busy ? (
        <button
          type="button"
          class="round stop"
          aria-label="Stop"
          title="Stop (Esc)"
          onClick={() => {
            conversation.stop()
            restFocus()
          }}
        >
          <Icon name="stop" />
        </button>
      ) : (
        <button type="submit" class="round" aria-label="Send" title="Send (Enter)" disabled={!draft.value.trim()}>
          <Icon name="send" />
        </button>
      )}
    </form>
  )
}
