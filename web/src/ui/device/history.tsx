/** Measurements that were made here, side by side. */
import { forgetSpeed, speedReports } from '../../state/speed.ts'
import { asMarkdown, type SpeedReport } from '../../tasks/speed.ts'
import { language, text } from '../../text/index.ts'
import { CopyButton } from '../parts/copy.tsx'
import { speed } from '../parts/format.ts'
import { Icon } from '../parts/icons.tsx'
import { wayOf } from './benchmark.tsx'

export function History() {
  const words = text.value.device
  const reports = speedReports.value
  if (reports.length === 0) return null
  return (
    <section class="panel" aria-labelledby="device-history">
      <h3 id="device-history">{words.history}</h3>
      <p class="small">{words.historyLead}</p>
      <div class="device-wide">
        <table class="speed" aria-label={words.historyTable}>
          <thead>
            <tr>
              <th scope="col">{words.model}</th>
              <th scope="col">{words.way}</th>
              <th scope="col">{words.reading}</th>
              <th scope="col">{words.writing}</th>
              <th scope="col">{words.when}</th>
              <td />
            </tr>
          </thead>
          <tbody>
            {reports.map(report => (
              <Line key={report.measuredAt} report={report} />
            ))}
          </tbody>
        </table>
      </div>
      <div class="panel-row start">
        <CopyButton text={reports.map(asMarkdown).join('\n\n')} label={words.copyAll} />
        <button type="button" class="quiet" onClick={() => forgetSpeed()}>
          {words.forgetAll}
        </button>
      </div>
    </section>
  )
}

function Line({ report }: { report: SpeedReport }) {
  const words = text.value.device
  const when = new Date(report.measuredAt).toLocaleString(language.value)
  const all = (values: (number | null)[]) => values.map(value => (value === null ? '–' : speed(value))).join(' · ')
  return (
    <tr>
      <th scope="row">{report.model}</th>
      <td>{wayOf(report)}</td>
      <td>{all(report.rows.map(row => row.prefillTokensPerSecond))}</td>
      <td>{all(report.rows.map(row => row.decodeTokensPerSecond))}</td>
      <td>{when}</td>
      <td>
        <button
          type="button"
          class="quiet"
          aria-label={words.forgetOne(report.model, when)}
          title={words.forgetOne(report.model, when)}
          onClick={() => forgetSpeed(report)}
        >
          <Icon name="trash" />
        </button>
      </td>
    </tr>
  )
}
