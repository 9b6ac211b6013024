/** A newer version of the page is here: the user says when it begins. */
import { takeUpdate, updateReady } from '../../state/offline.ts'
import { text } from '../../text/index.ts'
import { Dismiss } from '../parts/dismiss.tsx'

export function UpdateNotice() {
  const words = text.value.models
  if (!updateReady.value) return null
  return (
    <aside class="notice" aria-label={words.updateLabel}>
      <p>{words.update}</p>
      <button type="button" class="tool" onClick={takeUpdate}>
        {words.updateNow}
      </button>
      <Dismiss
        onDismiss={() => {
          updateReady.value = false
        }}
      />
    </aside>
  )
}
