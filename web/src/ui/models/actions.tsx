/** What can be done with a model: use, keep for offline, check, delete. Each says what came of it. */
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { announcement, problem, undo } from '../../state/announce.ts'
import { checkModel, deleteModel, listedFiles, repairModel, restoreModel } from '../../state/downloads.ts'
import { engine, loadState } from '../../state/engine.ts'
import { choiceOf, deviceFacts, lookAtDevice } from '../../state/fit.ts'
import { inWords } from '../../state/in-words.ts'
import { checkOffline, dropOffline, keeping, keepOffline } from '../../state/kept.ts'
import { chatModels, keptBundles, type ModelSummary } from '../../state/models.ts'
import { settings } from '../../state/settings.ts'
import { KINDS } from '../../tasks/analyse/kinds.ts'
import { isMadeFor } from '../../tasks/analyse/made-for.ts'
import { text } from '../../text/index.ts'
import { useActors } from '../parts/context.ts'
import { bytes } from '../parts/format.ts'
import { Icon } from '../parts/icons.tsx'
import { Confirm } from './confirm.tsx'

interface Props {
  model: ModelSummary
  isOffline: boolean
}

export function Actions({ model, isOffline }: Props) {
  const said = useSignal('')
  const failed = useSignal('')
  const damaged = useSignal<readonly string[]>([])
  const asking = useSignal(false)
  const words = text.value.models
  const say = (sentence: string) => {
    said.value = sentence
    announcement.value = sentence
  }
  const run = (work: () => Promise<unknown>) => {
    said.value = ''
    failed.value = ''
    work().catch(error => {
      said.value = ''
      if (!(error instanceof DOMException && error.name === 'AbortError')) failed.value = inWords(error)
    })
  }
  return (
    <>
      <div class="panel-row start">
        <UseButton model={model} />
        <KeepButton model={model} isOffline={isOffline} run={run} say={say} />
        <CheckButton model={model} isOffline={isOffline} run={run} say={say} damaged={damaged} />
        <button
          type="button"
          class="quiet"
          aria-label={words.removeModel(model.name)}
          onClick={() => {
            asking.value = true
          }}
        >
          <Icon name="trash" />
          {words.remove}
        </button>
      </div>
      <NotRunning model={model} />
      <Copying model={model} />
      {said.value ? <p class={damaged.value.length > 0 ? 'small note bad' : 'small note'}>{said.value}</p> : null}
      {failed.value ? (
        <p class="small note bad" role="alert">
          {failed.value}
        </p>
      ) : null}
      {damaged.value.length > 0 && model.repairable ? (
        <button
          type="button"
          class="secondary"
          onClick={() =>
            run(async () => {
              await repairModel(model.id, damaged.value)
              damaged.value = []
              say(words.repairing)
            })
          }
        >
          {words.repair}
        </button>
      ) : null}
      <Remove model={model} isOffline={isOffline} asking={asking} run={run} say={say} />
    </>
  )
}

type Run = (work: () => Promise<unknown>) => void
type Say = (sentence: string) => void

function UseButton({ model }: { model: ModelSummary }) {
  const words = text.value.models
  const { loader } = useActors()
  const state = loadState.value
  if (!chatModels.value.some(({ id }) => id === model.id)) return <span class="small">{useOf(model)}</span>
  const isChosen = 'model' in state && state.model?.id === model.id
  if (isChosen && state.status === 'ready') return <span class="badge good">{words.inUse}</span>
  if (isChosen && state.status === 'loading') return <span class="badge">{text.value.shell.modelLoading}</span>
  return (
    <button
      type="button"
      class="primary"
      aria-label={words.useModel(model.name)}
      onClick={() => void loader.choose(model.id)}
    >
      {words.use}
    </button>
  )
}

/** Why the model that was chosen does not run. */
function NotRunning({ model }: { model: ModelSummary }) {
  const state = loadState.value
  if (state.status !== 'failed' || state.model?.id !== model.id) return null
  return (
    <p class="small note bad">
      <strong>{text.value.shell.modelOff}.</strong> {inWords(state.error)}
    </p>
  )
}

/** Of a model that nobody can chat with. */
function useOf(model: ModelSummary): string {
  const words = text.value.models
  const { tasks = [] } = model
  if (tasks.includes('embeddings')) return words.forFiles
  if (tasks.includes('grammar')) return words.forWriting
  return KINDS.some(kind => isMadeFor(kind, model)) ? words.forAnalysis : words.notForChat
}

function keptOf(model: ModelSummary) {
  const url = new URL(model.url, document.baseURI).href
  return keptBundles.value.find(({ bundle, variants }) => bundle === url && variants.length > 0) ?? null
}

/** The variant that runs now, else the one that would. */
function variantHere(model: ModelSummary): string | null {
  const info = engine.value?.info
  if (info?.bundle.id === model.id) return info.variant
  const facts = deviceFacts.value
  return (facts && choiceOf(model.variants, facts, settings.value.device)?.name) ?? null
}

function KeepButton({ model, isOffline, run, say }: Props & { run: Run; say: Say }) {
  const words = text.value.models
  if (isOffline || keeping.value?.id === model.id) return null
  const kept = keptOf(model)
  if (kept) {
    return (
      <button
        type="button"
        class="quiet"
        aria-label={words.dropModel(model.name)}
        onClick={() =>
          run(async () => {
            await dropOffline(model)
            await lookAtDevice()
            say(`${words.dropped(model.name)}.`)
          })
        }
      >
        <Icon name="close" />
        {words.drop}
      </button>
    )
  }
  const variant = variantHere(model)
  if (!variant) return null
  return (
    <button
      type="button"
      class="quiet"
      aria-label={words.keepModel(model.name)}
      onClick={() =>
        run(async () => {
          await keepOffline(model, variant)
          await lookAtDevice()
          announcement.value = words.keptHere(bytes(keptOf(model)?.sizeBytes ?? 0)) // the card says it from now on
        })
      }
    >
      <Icon name="down" />
      {words.keep}
    </button>
  )
}

function Copying({ model }: { model: ModelSummary }) {
  const words = text.value.models
  const current = keeping.value
  const kept = keptOf(model)
  if (current?.id !== model.id) return kept ? <p class="small">{words.keptHere(bytes(kept.sizeBytes))}</p> : null
  const { loadedBytes = 0, totalBytes = 0 } = current.progress ?? {}
  const sentence = words.copying(bytes(loadedBytes), bytes(totalBytes))
  return (
    <div class="job">
      <progress max={totalBytes || 1} value={loadedBytes} aria-label={sentence} />
      <div class="panel-row">
        <span class="small">{sentence}</span>
        <button type="button" class="quiet" onClick={() => current.stop.abort()}>
          {words.stop}
        </button>
      </div>
    </div>
  )
}

function CheckButton({
  model,
  isOffline,
  run,
  say,
  damaged,
}: Props & { run: Run; say: Say; damaged: { value: readonly string[] } }) {
  const words = text.value.models
  const stop = useRef<AbortController | null>(null)
  useEffect(() => () => stop.current?.abort(), [])
  const onServer = async () => {
    const paths = await listedFiles(`.${model.url}`)
    const { signal } = stop.current ?? new AbortController()
    const onFile = (done: number) => say(words.checking(done, paths.length))
    damaged.value = await checkModel({ id: model.id, paths }, { signal, onFile })
    if (damaged.value.length === 0) say(words.sound(paths.length))
    else say(`${words.damaged(damaged.value.join(', '))} ${model.repairable ? '' : words.noRepair}`)
  }
  const here = async () => {
    const wrong = await checkOffline(model)
    say(wrong.length === 0 ? words.soundHere : words.damaged(wrong.join(', ')))
  }
  return (
    <button
      type="button"
      class="quiet"
      aria-label={words.checkModel(model.name)}
      onClick={() => {
        stop.current?.abort()
        stop.current = new AbortController()
        run(isOffline ? here : onServer)
      }}
    >
      <Icon name="check" />
      {words.check}
    </button>
  )
}

function Remove({ model, isOffline, asking, run, say }: Props & { asking: { value: boolean }; run: Run; say: Say }) {
  const words = text.value.models
  const { loader } = useActors()
  const state = loadState.value
  const isUsed = 'model' in state && state.model?.id === model.id
  const size = bytes(model.size_bytes ?? 0)
  const bringBack = async () => {
    try {
      await restoreModel(model.id)
      if (isUsed) await loader.choose(model.id)
      await lookAtDevice()
    } catch (error) {
      problem.value = inWords(error)
    }
  }
  const remove = () =>
    run(async () => {
      if (isUsed) loader.cancel()
      await dropOffline(model)
      const freed = bytes(isOffline ? (model.size_bytes ?? 0) : await deleteModel(model.id))
      announcement.value = isOffline ? words.removed(model.name, freed) : words.removedSoon(model.name, freed)
      if (!isOffline) undo.value = { text: words.removedSoon(model.name, freed), act: bringBack }
      if (isUsed) await loader.start()
      await lookAtDevice()
      say('')
    })
  return (
    <Confirm open={asking} title={words.removeTitle(model.name)} act={words.remove} onYes={remove}>
      <p>{isOffline ? words.removeKept(size) : words.removeText(size)}</p>
      {isUsed ? <p>{chatModels.value.length > 1 ? words.removeInUse : words.removeLast}</p> : null}
    </Confirm>
  )
}
