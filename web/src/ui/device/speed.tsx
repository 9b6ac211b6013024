/** How fast the model is on this device: measured here, shown as bars, kept to compare devices and variants. */
import type { Signal } from '@preact/signals'
import { announcement } from '../../state/announce.ts'
import { isBusy } from '../../state/chat.ts'
import { engine } from '../../state/engine.ts'
import { forgetSpeed, keyOf, speedReports, speedState, startSpeed, stopSpeed } from '../../state/speed.ts'
import { asMarkdown, type SpeedReport } from '../../tasks/speed.ts'
import { CopyButton } from '../parts/copy.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { duration, speed } from '../parts/format.ts'
import { Icon } from '../parts/icons.tsx'

export function SpeedDialog({ open }: { open: Signal<boolean> }) {
  return (
    <Dialog open={open} title="Speed on this device" closeLabel="Close speed" onClose={stopSpeed}>
      <Measure />
      <Reports reports={speedReports.value} />
    </Dialog>
  )
}

function Measure() {
  const current = engine.value
  const state = speedState.value
  const start = async () => {
    if (!current) return
    announcement.value = 'Measuring…'
    await startSpeed(current)
    announcement.value = speedState.value.status === 'failed' ? 'Measuring failed.' : 'Measuring ended.'
  }
  if (state.status === 'running') {
    return (
      <div class="field">
        <progress aria-label="Measuring" value={state.done} max={state.of} />
        <div class="panel-row">
          <span class="small">Reading and writing texts of several lengths…</span>
          <button type="button" class="secondary" onClick={stopSpeed}>
            Stop
          </button>
        </div>
      </div>
    )
  }
  return (
    <div class="field">
      <p class="small">
        Reads three texts with the model that is loaded and writes on from each. Takes some seconds to a minute; the
        figures stay on this device. Change device or model and measure again to compare.
      </p>
      {state.status === 'failed' ? (
        <p class="bad-title" role="alert">
          <Icon name="alert" />
          {state.message}
        </p>
      ) : null}
      <div class="panel-row start">
        <button type="button" class="primary" disabled={!current || isBusy.value} onClick={start}>
          Measure
        </button>
        {current ? null : <span class="small">Once the model is loaded.</span>}
        {isBusy.value ? <span class="small">Once the answer has ended.</span> : null}
      </div>
    </div>
  )
}

function Reports({ reports }: { reports: readonly SpeedReport[] }) {
  if (reports.length === 0) return null
  const speeds = reports.flatMap(({ rows }) => rows)
  const fastest = {
    prefill: Math.max(...speeds.map(row => row.prefillTokensPerSecond)),
    decode: Math.max(...speeds.map(row => row.decodeTokensPerSecond ?? 0)),
  }
  return (
    <>
      {reports.map(report => (
        <Report key={keyOf(report)} report={report} fastest={fastest} />
      ))}
      <div class="panel-row">
        <CopyButton text={reports.map(asMarkdown).join('\n\n')} label="Copy all figures" />
        <button type="button" class="quiet" onClick={forgetSpeed}>
          Forget them
        </button>
      </div>
    </>
  )
}

function Report({ report, fastest }: { report: SpeedReport; fastest: { prefill: number; decode: number } }) {
  const { model, variant, device, backend, adapter, threads, cachedFirstTokenMs } = report
  const where = device === 'cpu' ? `CPU, ${threads} ${threads === 1 ? 'thread' : 'threads'}` : (adapter ?? 'GPU')
  return (
    <table class="speed">
      <caption>
        {model}
        <span class="small">
          {variant} · {backend} · {where} · {new Date(report.measuredAt).toLocaleDateString()}
        </span>
      </caption>
      <thead>
        <tr>
          <th scope="col">Prompt</th>
          <th scope="col">Reading, tokens/s</th>
          <th scope="col">Writing, tokens/s</th>
          <th scope="col">First word</th>
        </tr>
      </thead>
      <tbody>
        {report.rows.map(row => (
          <tr key={row.promptTokens}>
            <th scope="row">{row.promptTokens.toLocaleString('en')} tokens</th>
            <Bar value={row.prefillTokensPerSecond} most={fastest.prefill} />
            <Bar value={row.decodeTokensPerSecond} most={fastest.decode} />
            <td>{duration(row.timeToFirstTokenMs)}</td>
          </tr>
        ))}
        {cachedFirstTokenMs === null ? null : (
          <tr>
            <th scope="row" colSpan={3}>
              Going on with a text that is read already
            </th>
            <td>{duration(cachedFirstTokenMs)}</td>
          </tr>
        )}
      </tbody>
    </table>
  )
}

function Bar({ value, most }: { value: number | null; most: number }) {
  if (value === null) return <td>–</td>
  return (
    <td>
      <span class="speed-bar" style={{ inlineSize: `${(100 * value) / most}%` }} aria-hidden="true" />
      {speed(value)}
    </td>
  )
}
