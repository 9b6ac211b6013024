/** What the page shows while there is no engine: progress, a paused load, a failure, or how to get a model. */
import { useComputed, useSignal, useSignalEffect } from '@preact/signals'
import type { LoadPhase, LoadProgress } from '../engine/api.ts'
import { type LoadState, loadState } from '../state/engine.ts'
import { modelList } from '../state/models.ts'
import { useActors } from './context.ts'
import { type Offer, TROUBLE } from './errors.ts'
import { bytes, duration } from './format.ts'
import { Icon } from './icons.tsx'

const PHASES: Readonly<Record<LoadPhase, string>> = {
  manifest: 'Reading what the model needs',
  runtime: 'Starting the runtime',
  download: 'Loading the weights',
  session: 'Preparing the model',
  'self-test': 'Checking its first answer',
  ready: 'Ready',
}

export function LoadPanel() {
  const state = loadState.value
  if (state.status === 'ready') return null
  return (
    <section class="panel" aria-label="Model status">
      <Content state={state} />
      <BrokenModels />
    </section>
  )
}

function Content({ state }: { state: Exclude<LoadState, { status: 'ready' }> }) {
  const { loader } = useActors()
  if (state.status === 'failed') return <Failure state={state} />
  if (state.status === 'no-model') {
    return (
      <>
        <h2>There is no model yet</h2>
        <p>{modelList.value?.problem ?? 'The models folder is empty.'}</p>
        <button type="button" class="primary" onClick={() => loader.retry()}>
          Look again
        </button>
      </>
    )
  }
  if (state.status === 'paused') {
    return (
      <>
        <h2>Loading was stopped</h2>
        <button type="button" class="primary" onClick={() => loader.retry()}>
          Load {state.model.name}
        </button>
      </>
    )
  }
  return <Progress progress={state.status === 'loading' ? state.progress : null} />
}

/** Phase in words, a bar, bytes, speed, what is left. */
function Progress({ progress }: { progress: LoadProgress | null }) {
  const { loader } = useActors()
  const { loadedBytes = 0, totalBytes = 0, phase = 'manifest', elapsedMs = 0 } = progress ?? {}
  const downloading = phase === 'download' && totalBytes > 0
  const left = useTimeLeft(loadedBytes, totalBytes, elapsedMs, downloading)
  return (
    <>
      <div class="panel-row">
        <h2>{PHASES[phase]}</h2>
        <button type="button" class="quiet" onClick={() => loader.cancel()}>
          Cancel
        </button>
      </div>
      {downloading ? (
        <progress max={totalBytes} value={loadedBytes} aria-label="Weights loaded" />
      ) : (
        <progress aria-label={PHASES[phase]} />
      )}
      <p class="small">
        {downloading
          ? `${bytes(loadedBytes)} of ${bytes(totalBytes)}${left}`
          : 'You can already write your first message.'}
      </p>
    </>
  )
}

/** Speed and time left of the download alone, from when its first bytes came. */
function useTimeLeft(loadedBytes: number, totalBytes: number, elapsedMs: number, downloading: boolean): string {
  const start = useSignal<{ bytes: number; ms: number } | null>(null)
  useSignalEffect(() => {
    if (loadState.value.status !== 'loading') start.value = null
  })
  if (downloading && !start.peek()) start.value = { bytes: loadedBytes, ms: elapsedMs }
  const text = useComputed(() => start.value)
  const from = text.value
  if (!downloading || !from || elapsedMs - from.ms < 300) return ''
  const bytesPerMs = (loadedBytes - from.bytes) / (elapsedMs - from.ms)
  if (bytesPerMs <= 0) return ''
  return ` · ${bytes(bytesPerMs * 1000)}/s · ${duration((totalBytes - loadedBytes) / bytesPerMs)} left`
}

function Failure({ state }: { state: Extract<LoadState, { status: 'failed' }> }) {
  const { title, next, offers } = TROUBLE[state.code]
  return (
    <div role="alert">
      <h2 class="bad-title">
        <Icon name="alert" />
        {title}
      </h2>
      <p>{state.message}</p>
      {next ? <p class="small">{next}</p> : null}
      <div class="panel-row start">
        {offers.map(offer => (
          <OfferButton key={offer} offer={offer} />
        ))}
      </div>
      <details>
        <summary>Details</summary>
        <pre>{`${state.code}\n${state.message}\n${state.detail}\n${navigator.userAgent}`}</pre>
      </details>
    </div>
  )
}

function OfferButton({ offer }: { offer: Offer }) {
  const { loader } = useActors()
  const { label, act } = {
    retry: { label: 'Try again', act: () => loader.retry() },
    cpu: { label: 'Use the CPU', act: () => loader.useCpu() },
    reload: { label: 'Reload the page', act: () => location.reload() },
  }[offer]
  return (
    <button type="button" class={offer === 'retry' ? 'primary' : 'secondary'} onClick={act}>
      {label}
    </button>
  )
}

/** Folders that are no usable bundles: never hidden, never in the way. */
function BrokenModels() {
  const errors = modelList.value?.errors ?? []
  if (errors.length === 0) return null
  return (
    <details class="broken">
      <summary>
        {errors.length === 1 ? 'One folder is not a usable model' : `${errors.length} folders are not usable models`}
      </summary>
      <ul>
        {errors.map(({ folder, error }) => (
          <li key={folder}>
            <strong>{folder}</strong>: {error}
          </li>
        ))}
      </ul>
    </details>
  )
}
