/** Why chats are not kept, said once for each reason, with what to do about it. */
import { useSignal } from '@preact/signals'
import { chatList, storeTrouble } from '../../state/chats/library.ts'
import { text } from '../../text/index.ts'
import { useActors } from '../parts/context.ts'
import { Dismiss } from '../parts/dismiss.tsx'
import { exportAll } from './transfer.ts'

export function StoreNotice() {
  const { conversation } = useActors()
  const read = useSignal<string | null>(null)
  const trouble = storeTrouble.value
  const words = text.value.chat
  if (!trouble || read.value === trouble) return null
  return (
    <div class="notice" role="alert">
      <p>
        <strong>{words.troubleTitle}</strong> {words.trouble[trouble]}
      </p>
      {chatList.value.length > 0 ? (
        <button type="button" class="tool" onClick={() => void exportAll(conversation.library, 'json')}>
          {words.saveAll}
        </button>
      ) : null}
      <Dismiss
        onDismiss={() => {
          read.value = trouble
        }}
      />
    </div>
  )
}
