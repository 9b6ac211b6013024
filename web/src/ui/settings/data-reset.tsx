/** Deletes parts of the data folder: asks what, then says what goes and asks once more. */
import { type Signal, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { announcement } from '../../state/announce.ts'
import { type DataFolder, type PartName, resetData } from '../../state/data.ts'
import { text } from '../../text/index.ts'
import { bytes, whole } from '../parts/format.ts'
import type { Attempt } from './data.tsx'

const NAMES: readonly PartName[] = ['records', 'models', 'settings', 'logs']

interface ResetProps {
  step: Signal<'move' | 'reset' | null>
  folder: DataFolder
  attempt: Attempt
}

export function Reset({ step, folder, attempt }: ResetProps) {
  const words = text.value.data
  const chosen = useSignal<ReadonlySet<PartName>>(new Set(['records']))
  const isSure = useSignal(false)
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [isSure.value])
  const parts = NAMES.filter(name => chosen.value.has(name))
  const close = () => {
    step.value = null
  }
  const act = () => {
    close()
    void attempt(async () => {
      await resetData(parts)
      announcement.value = text.peek().data.resetDone
    })
  }
  return (
    <section class="panel data-reset" aria-labelledby="data-reset-title">
      <h3 id="data-reset-title" tabIndex={-1} ref={heading}>
        {isSure.value ? words.resetSure : words.resetTitle}
      </h3>
      {isSure.value ? (
        <>
          <p class="small">{words.resetSureLead}</p>
          <ul class="small">
            {parts.map(name => (
              <li key={name}>{whatGoes(name, folder)}</li>
            ))}
          </ul>
        </>
      ) : (
        <Choices chosen={chosen} folder={folder} />
      )}
      <div class="panel-row start">
        <button
          type="button"
          class="primary"
          disabled={parts.length === 0}
          onClick={() => {
            if (isSure.value) act()
            else isSure.value = true
          }}
        >
          {isSure.value ? words.resetNow : words.resetNext}
        </button>
        <button type="button" class="secondary" onClick={close}>
          {words.cancel}
        </button>
      </div>
    </section>
  )
}

function Choices({ chosen, folder }: { chosen: Signal<ReadonlySet<PartName>>; folder: DataFolder }) {
  return (
    <div class="choices">
      {NAMES.map(name => (
        <label key={name}>
          <input
            type="checkbox"
            checked={chosen.value.has(name)}
            onChange={event => {
              const names = new Set(chosen.value)
              if (event.currentTarget.checked) names.add(name)
              else names.delete(name)
              chosen.value = names
            }}
          />
          <span>{whatGoes(name, folder)}</span>
        </label>
      ))}
    </div>
  )
}

function whatGoes(name: PartName, { parts, records }: DataFolder): string {
  const words = text.value.data.resetWhat
  const size = bytes(parts.find(part => part.name === name)?.size_bytes ?? 0)
  const { chat = 0, document = 0 } = records.counts ?? {}
  if (name === 'records') return words.records(whole(chat), whole(document))
  return name === 'settings' ? words.settings : words[name](size)
}
