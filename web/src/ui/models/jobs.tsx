/** Downloads under way: bytes, speed, time left; pause, go on, cancel. */
import { useSignal } from '@preact/signals'
import {
  cancelDownload,
  type Download,
  downloads,
  pauseDownload,
  resumeDownload,
  speeds,
} from '../../state/downloads.ts'
import { inWords } from '../../state/in-words.ts'
import { text } from '../../text/index.ts'
import { bytes, duration } from '../parts/format.ts'

export function Jobs() {
  const words = text.value.models
  if (downloads.value.length === 0) return null
  return (
    <section class="panel" aria-label={words.downloads}>
      <h3>{words.downloads}</h3>
      <ul class="jobs">
        {downloads.value.map(job => (
          <Job key={job.id} job={job} />
        ))}
      </ul>
    </section>
  )
}

function Job({ job }: { job: Download }) {
  const words = text.value.models
  const failed = useSignal('')
  const name = job.kind === 'repair' ? words.repairingName(job.name) : job.name
  const run = (work: (id: string) => Promise<void>) => () => {
    failed.value = ''
    work(job.id).catch(error => {
      failed.value = inWords(error)
    })
  }
  const { received_bytes: received, total_bytes: total, state } = job
  return (
    <li class="job">
      <div class="panel-row">
        <strong>{name}</strong>
        <span class="small">{words.states[state]}</span>
      </div>
      <progress {...(total === null ? {} : { max: total, value: received })} aria-label={name} />
      <p class="small">
        {words.progress(bytes(received), total === null ? '?' : bytes(total))}
        <Speed job={job} />
      </p>
      {job.problem || failed.value ? (
        <p class="small bad" role="alert">
          {failed.value || (job.problem ? text.value.server(job.problem) : '')}
        </p>
      ) : null}
      <div class="panel-row start">
        {state === 'running' ? (
          <button type="button" class="secondary" aria-label={words.pauseName(name)} onClick={run(pauseDownload)}>
            {words.pause}
          </button>
        ) : (
          <button type="button" class="primary" aria-label={words.resumeName(name)} onClick={run(resumeDownload)}>
            {words.resume}
          </button>
        )}
        <button type="button" class="quiet" aria-label={words.cancelName(name)} onClick={run(cancelDownload)}>
          {words.cancel}
        </button>
      </div>
    </li>
  )
}

function Speed({ job: { id, state, received_bytes: received, total_bytes: total } }: { job: Download }) {
  const perSecond = speeds.value.get(id) ?? 0
  if (state !== 'running' || perSecond <= 0 || total === null) return null
  return <> · {text.value.models.speed(bytes(perSecond), duration(((total - received) / perSecond) * 1000))}</>
}
