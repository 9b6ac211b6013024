/** The server's data folder: what lies in it, whether chats are kept there too, moving it, emptying it. */
import { type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { announcement } from '../../state/announce.ts'
import { type DataFolder, dataFolder, lookAtData, openDataFolder, switchCopy } from '../../state/data.ts'
import { syncStatus } from '../../state/sync/sync.ts'
import { language, text } from '../../text/index.ts'
import { bytes, whole } from '../parts/format.ts'
import type { Attempt } from './data.tsx'
import { MoveFolder } from './data-move.tsx'
import { Reset } from './data-reset.tsx'

/** Looks into the folder as it appears. */
export function Folder({ attempt }: { attempt: Attempt }) {
  useEffect(() => void attempt(lookAtData), [])
  return dataFolder.value ? <Parts folder={dataFolder.value} attempt={attempt} /> : null
}

function Parts({ folder, attempt }: { folder: DataFolder; attempt: Attempt }) {
  const words = text.value.data
  /** What is being asked for just now: one thing at a time. */
  const step = useSignal<'move' | 'reset' | null>(null)
  return (
    <>
      <dl class="data-parts">
        <dt>{words.folder}</dt>
        <dd class="path">{folder.folder}</dd>
        {folder.parts.map(({ name, size_bytes: size }) => (
          <Part key={name} name={words.parts[name]} size={bytes(size)} />
        ))}
      </dl>
      {folder.disk ? <p class="small">{words.free(bytes(folder.disk.free_bytes))}</p> : null}
      <Copy folder={folder} attempt={attempt} />
      <div class="panel-row start">
        {folder.can_open ? (
          <button type="button" class="secondary" onClick={() => void attempt(openDataFolder)}>
            {words.open}
          </button>
        ) : null}
        <StepButton step={step} of="move" name={words.move} />
        <StepButton step={step} of="reset" name={words.reset} />
      </div>
      <MoveFolder step={step} attempt={attempt} />
      {step.value === 'reset' ? <Reset step={step} folder={folder} attempt={attempt} /> : null}
    </>
  )
}

function Part({ name, size }: { name: string; size: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{size}</dd>
    </>
  )
}

function StepButton({ step, of, name }: { step: Signal<'move' | 'reset' | null>; of: 'move' | 'reset'; name: string }) {
  return (
    <button
      type="button"
      class="secondary"
      aria-expanded={step.value === of}
      onClick={() => {
        step.value = step.value === of ? null : of
      }}
    >
      {name}
    </button>
  )
}

function Copy({ folder: { records }, attempt }: { folder: DataFolder; attempt: Attempt }) {
  const words = text.value.data
  const said = useSignal('')
  if (records.problem) {
    return (
      <p class="small bad" role="alert">
        {text.value.server(records.problem)}
      </p>
    )
  }
  const { chat = 0, document = 0 } = records.counts ?? {}
  const isKept = chat + document > 0
  return (
    <div class="field">
      <label class="data-switch">
        <input
          type="checkbox"
          checked={records.enabled === true}
          onChange={event => void attempt(() => switchCopy(event.currentTarget.checked))}
        />
        {words.copy}
      </label>
      <p class="small">{words.copyDoes}</p>
      <p class="small">{words.counts(whole(chat), whole(document))}</p>
      {records.enabled ? <Status /> : null}
      {records.enabled || !isKept ? null : (
        <div class="panel-row start">
          <button
            type="button"
            class="secondary"
            onClick={() =>
              void attempt(async () => {
                await switchCopy(false, true)
                said.value = text.peek().data.forgotten
                announcement.value = said.value
              })
            }
          >
            {words.forget}
          </button>
        </div>
      )}
      {said.value ? <p class="small note">{said.value}</p> : null}
    </div>
  )
}

function Status() {
  const words = text.value.data
  const now = syncStatus.value
  if (!now) return null
  if (now.status === 'failed') return <p class="small bad">{text.value.server(now)}</p>
  if (now.status !== 'done') return <p class="small">{words.state[now.status]}</p>
  const time = new Date(now.at).toLocaleTimeString(language.value, { timeStyle: 'medium' })
  return (
    <>
      <p class="small">{words.upToDate(time)}</p>
      {now.tooLarge > 0 ? <p class="small note">{words.tooLarge(now.tooLarge)}</p> : null}
    </>
  )
}
