/** What is said of chats that go into files or come from them. */
import { useId } from 'preact/hooks'
import { text } from '../../text/index.ts'
import { Dismiss } from '../parts/dismiss.tsx'
import { restFocus } from '../parts/focus.ts'
import { type Exporting, exporting, fileNote, stopExport } from './transfer.ts'

export function TransferNotes() {
  const note = fileNote.value
  const now = exporting.value
  if (!now?.isLong && !note) return null
  return (
    <div class="transfer-notes">
      {now?.isLong ? <Progress now={now} /> : null}
      {note ? (
        <div class={note.isBad ? 'notice bad' : 'notice'} role={note.isBad ? 'alert' : 'note'}>
          <div>
            <strong>{note.title}</strong>
            {note.lines.map(line => (
              <p key={line}>{line}</p>
            ))}
          </div>
          <Dismiss
            onDismiss={() => {
              fileNote.value = null
            }}
          />
        </div>
      ) : null}
    </div>
  )
}

function Progress({ now }: { now: Exporting }) {
  const words = text.value.chat
  const id = useId()
  const cancel = () => {
    stopExport()
    restFocus()
  }
  return (
    <div class="notice" role="note">
      <div>
        <p id={id}>{words.exporting(now.done, now.of)}</p>
        <progress max={now.of} value={now.done} aria-labelledby={id} />
      </div>
      <button type="button" class="tool" onClick={cancel}>
        {words.cancel}
      </button>
    </div>
  )
}
