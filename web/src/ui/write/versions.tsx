/** Versions of the open document: when and why each was kept, how it differs from the text now, and the way back to it. */
import { type Signal, useSignal, useSignalEffect } from '@preact/signals'
import type { VersionMark } from '../../state/documents/versions.ts'
import { language, text } from '../../text/index.ts'
import { Dialog } from '../parts/dialog.tsx'
import { compareTexts, type Piece } from './compare.ts'
import { Pieces } from './pieces.tsx'
import type { Workplace } from './workplace.ts'

interface Preview {
  version: VersionMark
  text: string
  /** Null while it is being compared. */
  pieces: Piece[] | null
}

export function VersionsDialog({ work, open }: { work: Workplace; open: Signal<boolean> }) {
  const marks = useSignal<readonly VersionMark[]>([])
  const preview = useSignal<Preview | null>(null)
  const show = async (version: VersionMark) => {
    const older = await work.desk.versionText(version.id)
    preview.value = { version, text: older, pieces: null }
    const pieces = await compareTexts(older, work.editor?.text ?? '')
    if (preview.value?.version.id === version.id) preview.value = { version, text: older, pieces }
  }
  const load = async () => {
    marks.value = await work.desk.versions()
    const [newest] = marks.value
    if (newest) await show(newest)
    else preview.value = null
  }
  useSignalEffect(() => {
    if (open.value) void load()
  })
  const words = text.value.write
  return (
    <Dialog open={open} title={words.versions} closeLabel={words.closeVersions}>
      <p class="small">{marks.value.length ? words.versionsLead : words.noVersions}</p>
      <ul class="write-versions" aria-label={words.versions}>
        {marks.value.map(version => (
          <li key={version.id}>
            <button type="button" aria-pressed={preview.value?.version.id === version.id} onClick={() => show(version)}>
              <span>{moment(version.at)}</span>
              <span class="small">{words.reasons[version.reason]}</span>
            </button>
          </li>
        ))}
      </ul>
      {preview.value ? <Difference preview={preview.value} /> : null}
      <div class="panel-row">
        <button
          type="button"
          class="secondary"
          onClick={async () => {
            await work.desk.keepVersion()
            work.say(words.versionKept)
            await load()
          }}
        >
          {words.keepVersion}
        </button>
        <button
          type="button"
          class="primary"
          disabled={!preview.value}
          onClick={async () => {
            if (preview.value) await work.restore(preview.value.text)
            open.value = false
          }}
        >
          {words.restore}
        </button>
      </div>
    </Dialog>
  )
}

function Difference({ preview: { pieces } }: { preview: Preview }) {
  const words = text.value.write
  if (!pieces) return <p class="small">{words.comparing}</p>
  const isSame = pieces.every(({ kind }) => kind === 'same' || kind === 'folded')
  if (isSame) return <p class="small">{words.sameText}</p>
  const amount = (kind: 'removed' | 'added') => {
    const characters = pieces.reduce((sum, piece) => sum + (piece.kind === kind ? piece.text.length : 0), 0)
    return words.characters(characters.toLocaleString(language.value), characters === 1)
  }
  return (
    <>
      <p class="small">{words.compare(amount('removed'), amount('added'))}</p>
      <Pieces pieces={pieces} label={words.versions} removed={words.onlyThen} added={words.onlyNow} />
    </>
  )
}

function moment(at: number): string {
  return new Intl.DateTimeFormat(language.value, { dateStyle: 'medium', timeStyle: 'short' }).format(at)
}
