/** Folders that are no usable models: each with what is wrong, and a way to be rid of it. */
import { useSignal } from '@preact/signals'
import { problem, undo } from '../../state/announce.ts'
import { deleteModel, restoreModel } from '../../state/downloads.ts'
import { inWords } from '../../state/in-words.ts'
import type { BrokenModel } from '../../state/models.ts'
import { text } from '../../text/index.ts'
import { bytes } from '../parts/format.ts'
import { Icon } from '../parts/icons.tsx'
import { Confirm } from './confirm.tsx'

export function Broken({ errors }: { errors: readonly BrokenModel[] }) {
  const words = text.value.models
  if (errors.length === 0) return null
  return (
    <section class="panel" aria-label={words.broken(errors.length)}>
      <h3 class="bad-title">
        <Icon name="alert" />
        {words.broken(errors.length)}
      </h3>
      <ul class="broken-list">
        {errors.map(error => (
          <Entry key={error.folder} error={error} />
        ))}
      </ul>
    </section>
  )
}

function Entry({ error: { folder, error } }: { error: BrokenModel }) {
  const words = text.value.models
  const asking = useSignal(false)
  const failed = useSignal('')
  const bringBack = () =>
    restoreModel(folder).catch(reason => {
      problem.value = inWords(reason)
    })
  const remove = () => {
    deleteModel(folder)
      .then(freed => {
        undo.value = { text: words.removedSoon(folder, bytes(freed)), act: bringBack }
      })
      .catch(reason => {
        failed.value = inWords(reason)
      })
  }
  return (
    <li>
      <p>
        <strong>{folder}</strong>: {failed.value || error}
      </p>
      <button
        type="button"
        class="quiet"
        aria-label={words.brokenRemove(folder)}
        onClick={() => {
          asking.value = true
        }}
      >
        <Icon name="trash" />
        {words.remove}
      </button>
      <Confirm open={asking} title={words.removeTitle(folder)} act={words.remove} onYes={remove}>
        <p>{error}</p>
      </Confirm>
    </li>
  )
}
