/** The cross on a notice. The notice goes and the cross with it, so the focus needs another place. */
import { text } from '../../text/index.ts'
import { restFocus } from './focus.ts'
import { Icon } from './icons.tsx'

export function Dismiss({ onDismiss }: { onDismiss: () => void }) {
  const act = () => {
    onDismiss()
    restFocus()
  }
  return (
    <button type="button" class="tool" aria-label={text.value.shell.dismiss} onClick={act}>
      <Icon name="close" />
    </button>
  )
}
