/** How fast the loaded model reads and writes on this device, and how much of what the device can do that is. */
import { announcement } from '../../state/announce.ts'
import { isBusy } from '../../state/chat.ts'
import { engine } from '../../state/engine.ts'
import { speedReports, speedState, startSpeed, stopSpeed } from '../../state/speed.ts'
import { asJson, asMarkdown, type SpeedReport } from '../../tasks/speed.ts'
import { language, text } from '../../text/index.ts'
import { CopyButton } from '../parts/copy.tsx'
import { duration, speed, whole } from '../parts/format.ts'
import { Icon } from '../parts/icons.tsx'
import { ToModels } from '../parts/to-models.tsx'
import { perSecond, products } from './facts.tsx'

export function Benchmark() {
  const words = text.value.device
  const [newest] = speedReports.value
  return (
    <section class="panel" aria-labelledby="device-benchmark">
      <h3 id="device-benchmark">{words.benchmark}</h3>
      <Measure />
      {newest ? <Report report={newest} /> : null}
    </section>
  )
}

function Measure() {
  const words = text.value.device
  const current = engine.value
  const state = speedState.value
  const start = async () => {
    if (!current) return
    announcement.value = words.measuring
    await startSpeed(current)
    announcement.value = speedState.value.status === 'failed' ? words.measureFailed : words.measured
  }
  if (state.status === 'running') {
    return (
      <div class="device-running">
        <progress aria-label={words.measuring} value={state.done} max={state.of} />
        <div class="panel-row">
          <span class="small">{words.measuringStep}</span>
          <button type="button" class="secondary" onClick={stopSpeed}>
            {words.stop}
          </button>
        </div>
      </div>
    )
  }
  return (
    <>
      <p class="small">{words.benchmarkLead}</p>
      {state.status === 'failed' ? (
        <p class="bad-title" role="alert">
          <Icon name="alert" />
          {state.message}
        </p>
      ) : null}
      <div class="panel-row start">
        <button type="button" class="primary" disabled={!current || isBusy.value} onClick={start}>
          {words.measure}
        </button>
        {current ? null : <span class="small">{words.needsModel}</span>}
        {current ? null : <ToModels words={text.value.suggest.state.models} />}
        {isBusy.value ? <span class="small">{words.needsQuiet}</span> : null}
      </div>
    </>
  )
}

/** `cpu-int8 · simd-simd128 · CPU, 2 threads` */
export function wayOf({ variant, backend, device, threads, adapter }: SpeedReport): string {
  const words = text.value.device
  return [variant, backend, device === 'cpu' ? words.cpu(threads) : (adapter ?? words.gpu)].join(' · ')
}

function Report({ report }: { report: SpeedReport }) {
  const words = text.value.device
  const { model, rows, cachedFirstTokenMs, roofline, measuredAt } = report
  const most = {
    prefill: Math.max(...rows.map(row => row.prefillTokensPerSecond)),
    decode: Math.max(...rows.map(row => row.decodeTokensPerSecond ?? 0)),
  }
  return (
    <>
      <div class="device-wide">
        <table class="speed">
          <caption>
            {model}
            <span class="small">
              {wayOf(report)} · {new Date(measuredAt).toLocaleString(language.value)}
            </span>
          </caption>
          <thead>
            <tr>
              <th scope="col">{words.prompt}</th>
              <th scope="col">{words.reading}</th>
              <th scope="col">{words.writing}</th>
              <th scope="col">{words.firstWord}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(row => (
              <tr key={row.promptTokens}>
                <th scope="row">{words.tokens(whole(row.promptTokens))}</th>
                <Bar
                  value={row.prefillTokensPerSecond}
                  most={most.prefill}
                  share={said(row.prefillShare, words.ofProducts)}
                />
                <Bar
                  value={row.decodeTokensPerSecond}
                  most={most.decode}
                  share={said(row.decodeShare, words.ofMemory)}
                />
                <td>{duration(row.timeToFirstTokenMs)}</td>
              </tr>
            ))}
            {cachedFirstTokenMs === null ? null : (
              <tr>
                <th scope="row" colSpan={3}>
                  {words.cached}
                </th>
                <td>{duration(cachedFirstTokenMs)}</td>
              </tr>
            )}
          </tbody>
        </table>
      </div>
      {roofline ? (
        <p class="small">
          {words.shareNote(perSecond(roofline.readBytesPerSecond), products(roofline.productsPerSecond))}
        </p>
      ) : null}
      <div class="panel-row start">
        <CopyButton text={asMarkdown(report)} label={words.copyMarkdown} />
        <CopyButton text={asJson(report, navigator.userAgent)} label={words.copyJson} />
      </div>
    </>
  )
}

function said(share: number | null, say: (share: string) => string): string | null {
  return share === null ? null : say(`${Math.round(100 * share)} %`)
}

function Bar({ value, most, share }: { value: number | null; most: number; share: string | null }) {
  if (value === null) return <td>–</td>
  return (
    <td>
      <span class="speed-bar" style={{ inlineSize: `${(100 * value) / most}%` }} aria-hidden="true" />
      {speed(value)}
      {share === null ? null : <span class="speed-share">{share}</span>}
    </td>
  )
}
