/** What the page shows while there is no engine: progress, a paused load, a failure, or how to get a model. */
import { computed } from '@preact/signals'
import { useRef } from 'preact/hooks'
import type { LoadProgress } from '../../engine/api.ts'
import type { ErrorCode } from '../../engine/errors.ts'
import { type LoadState, loadState } from '../../state/engine.ts'
import { inWords } from '../../state/in-words.ts'
import { chatProblem, modelList } from '../../state/models.ts'
import { settings } from '../../state/settings.ts'
import { text } from '../../text/index.ts'
import { CostPanel } from '../site/cost.tsx'
import { useActors } from './context.ts'
import { type Offer, troubleOf } from './errors.ts'
import { restFocus } from './focus.ts'
import { bytes, duration } from './format.ts'
import { Icon } from './icons.tsx'
import { Ticked } from './ticked.tsx'
import { ToModels } from './to-models.tsx'

/** What the user must act on comes first on the page; mere progress stands beside the message box. */
export const needsUser = computed(() => !['starting', 'loading', 'ready'].includes(loadState.value.status))

export function LoadPanel() {
  const state = loadState.value
  if (state.status === 'ready') return null
  return (
    <section class={needsUser.value ? 'panel' : 'panel slim'} aria-label={text.value.loading.label}>
      <Content state={state} />
      <BrokenModels />
    </section>
  )
}

function Content({ state }: { state: Exclude<LoadState, { status: 'ready' }> }) {
  const { loader } = useActors()
  const retry = () => {
    void loader.retry()
    restFocus()
  }
  if (state.status === 'failed') return <Failure state={state} />
  if (state.status === 'no-model') {
    return (
      <>
        <h2>{text.value.loading.none}</h2>
        <p>
          <Ticked words={chatProblem.value} />
        </p>
        <div class="panel-row start">
          <button type="button" class="primary" onClick={retry}>
            {text.value.loading.lookAgain}
          </button>
          <ToModels words={text.value.models.add} />
        </div>
      </>
    )
  }
  if (state.status === 'paused' && state.cost)
    return <CostPanel model={state.model} cost={state.cost} onStart={retry} />
  if (state.status === 'paused') {
    return (
      <>
        <h2>{text.value.loading.paused}</h2>
        <button type="button" class="primary" onClick={retry}>
          {text.value.loading.load(state.model.name)}
        </button>
      </>
    )
  }
  const cancel = () => {
    loader.cancel()
    restFocus()
  }
  return <Progress progress={state.status === 'loading' ? state.progress : null} onCancel={cancel} />
}

/** Phase in words, a bar, bytes, speed, what is left. */
export function Progress({ progress, onCancel }: { progress: LoadProgress | null; onCancel: () => void }) {
  const { loadedBytes = 0, totalBytes = 0, phase = 'manifest', elapsedMs = 0 } = progress ?? {}
  const words = text.value.loading
  const downloading = phase === 'download' && totalBytes > 0
  const left = useTimeLeft(loadedBytes, totalBytes, elapsedMs, downloading)
  return (
    <>
      <div class="panel-row">
        <h2>{words.phases[phase]}</h2>
        <button type="button" class="quiet" onClick={onCancel}>
          {words.cancel}
        </button>
      </div>
      {downloading ? (
        <progress max={totalBytes} value={loadedBytes} aria-label={words.weights} />
      ) : (
        <progress aria-label={words.phases[phase]} />
      )}
      <p class="small">
        {downloading ? `${words.amount(bytes(loadedBytes), bytes(totalBytes))}${left}` : words.meanwhile}
      </p>
    </>
  )
}

/** Speed and time left of the download alone, from when its first bytes came. */
function useTimeLeft(loadedBytes: number, totalBytes: number, elapsedMs: number, downloading: boolean): string {
  const start = useRef<{ bytes: number; ms: number } | null>(null)
  if (!downloading) start.current = null
  else start.current ??= { bytes: loadedBytes, ms: elapsedMs }
  const from = start.current
  if (!from || elapsedMs - from.ms < 300) return ''
  const bytesPerMs = (loadedBytes - from.bytes) / (elapsedMs - from.ms)
  if (bytesPerMs <= 0) return ''
  return text.value.loading.rate(bytes(bytesPerMs * 1000), duration((totalBytes - loadedBytes) / bytesPerMs))
}

/** For reports: in English, with what lies behind it. */
function detailsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause ? `${error.message}\n${String(error.cause)}` : error.message
}

function Failure({ state }: { state: Extract<LoadState, { status: 'failed' }> }) {
  const { title, next, offers } = troubleOf(state.code)
  return (
    <div role="alert">
      <h2 class="bad-title">
        <Icon name="alert" />
        {title}
      </h2>
      <p>
        <Ticked words={inWords(state.error)} />
      </p>
      {next ? (
        <p class="small">
          <Ticked words={next} />
        </p>
      ) : null}
      <div class="panel-row start">
        {useful(offers, state.code).map(offer => (
          <OfferButton key={offer} offer={offer} />
        ))}
        {state.model ? <ToModels words={text.value.loading.other} /> : null}
      </div>
      <details>
        <summary>{text.value.loading.details}</summary>
        <pre>{`${state.code}\n${detailsOf(state.error)}\n${navigator.userAgent}`}</pre>
      </details>
    </div>
  )
}

/** Going to the CPU helps only those who are not there already, or have not been there: by itself the page tries it last. */
function useful(offers: readonly Offer[], code: ErrorCode | 'server'): Offer[] {
  const { device } = settings.value
  const hasTried = device === 'cpu' || (device === 'auto' && code === 'unsupported')
  return offers.filter(offer => offer !== 'cpu' || !hasTried)
}

function OfferButton({ offer }: { offer: Offer }) {
  const { loader } = useActors()
  const act = {
    retry: () => loader.retry(),
    cpu: () => loader.useCpu(),
    reload: () => location.reload(),
  }[offer]
  return (
    <button
      type="button"
      class={offer === 'retry' ? 'primary' : 'secondary'}
      onClick={() => {
        void act()
        restFocus()
      }}
    >
      {text.value.trouble.offers[offer]}
    </button>
  )
}

/** Folders that are no usable bundles: never hidden, never in the way. */
function BrokenModels() {
  const errors = modelList.value?.errors ?? []
  if (errors.length === 0) return null
  return (
    <details class="broken">
      <summary>{text.value.loading.brokenFolders(errors.length)}</summary>
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
