/** What suggestions have come to for this user, from this device and staying on it. */
import { announcement } from '../../state/announce.ts'
import { engine } from '../../state/engine.ts'
import { percentile, usageJson } from '../../state/suggestions/usage.ts'
import { language, text } from '../../text/index.ts'
import { saveFile } from '../parts/files.ts'
import { duration } from '../parts/format.ts'
import type { Workplace } from './workplace.ts'

export function Statistics({ work: { assistant } }: { work: Workplace }) {
  const { stats: words, silences } = text.value.suggest
  const usage = assistant.usage.value
  const number = (count: number) => count.toLocaleString(language.value)
  const [median, p90] = [percentile(usage.latenciesMs, 0.5), percentile(usage.latenciesMs, 0.9)]
  const rows: [string, string][] = [
    [words.shown, number(usage.shown)],
    [words.accepted, number(usage.accepted)],
    [words.partly, number(usage.partlyAccepted)],
    [words.rejected, number(usage.rejected)],
    [words.saved, number(usage.savedCharacters)],
    [words.typedThrough, number(usage.typedThrough)],
    [words.latency, median === null || p90 === null ? '–' : words.latencyValue(duration(median), duration(p90))],
    [words.cancelled, number(usage.cancelled)],
    [words.dropped, number(usage.dropped)],
    [words.cacheHits, number(usage.cacheHits)],
    [words.prefetchHits, number(usage.prefetchHits)],
  ]
  const reasons = Object.entries(usage.suppressed).sort((a, b) => b[1] - a[1])
  const since = new Intl.DateTimeFormat(language.value, { dateStyle: 'medium' }).format(new Date(usage.since))
  return (
    <details class="field">
      <summary>{words.title}</summary>
      <p class="small">{words.since(since)}</p>
      <dl class="write-stats">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {reasons.length === 0 ? null : (
        <>
          <h4>{words.silences}</h4>
          <dl class="write-stats">
            {reasons.map(([reason, count]) => (
              <div key={reason}>
                <dt>{silences[reason as keyof typeof silences] /* the keys of a record of reasons */}</dt>
                <dd>{number(count)}</dd>
              </div>
            ))}
          </dl>
        </>
      )}
      <div class="panel-row start">
        <button
          type="button"
          class="quiet"
          onClick={() => {
            const model = engine.peek()?.info.bundle.id ?? null
            saveFile('suggestions.json', usageJson(assistant.usage.peek(), model), 'application/json')
          }}
        >
          {words.save}
        </button>
        <button
          type="button"
          class="quiet"
          onClick={() => {
            assistant.resetUsage()
            announcement.value = words.wasReset
          }}
        >
          {words.reset}
        </button>
      </div>
    </details>
  )
}
