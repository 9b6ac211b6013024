/** The models page: what there is, what fits here, where it takes room, and how to add more. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { downloads, lookAtDownloads } from '../../state/downloads.ts'
import { lookAtDevice } from '../../state/fit.ts'
import { inWords } from '../../state/in-words.ts'
import { chatModels, fetchModels, type ModelList, type ModelSummary, modelList } from '../../state/models.ts'
import { isSite } from '../../state/site.ts'
import { text } from '../../text/index.ts'
import { Icon } from '../parts/icons.tsx'
import { Ticked } from '../parts/ticked.tsx'
import { Add, AddHere } from './add.tsx'
import { Broken } from './broken.tsx'
import { Card } from './card.tsx'
import { DiskSpace } from './disk.tsx'
import { Jobs } from './jobs.tsx'
import { Offline } from './offline.tsx'
import '../css/models.css'

export function ModelsPage() {
  const words = text.value.models
  const failure = useSignal('')
  const look = () => {
    failure.value = ''
    void lookAtDevice()
    fetchModels()
      .then(list => (list.isOffline ? undefined : lookAtDownloads()))
      .catch(error => {
        failure.value = inWords(error)
      })
  }
  useEffect(look, [])
  const list = modelList.value
  return (
    <div class="page models">
      <div class="page-inner">
        <div class="panel-row">
          <h2>{words.title}</h2>
          <button type="button" class="quiet" onClick={look}>
            <Icon name="again" />
            {words.refresh}
          </button>
        </div>
        <p class="lead">{isSite ? text.value.site.kept : words.lead}</p>
        {failure.value ? (
          <section class="panel" role="alert">
            <h3 class="bad-title">
              <Icon name="alert" />
              {words.failed}
            </h3>
            <p>
              <Ticked words={failure.value} />
            </p>
          </section>
        ) : null}
        {list?.isOffline && !isSite ? <p class="note">{words.offlineList}</p> : null}
        <Jobs />
        {list ? <Models list={list} /> : null}
        {isSite ? null : list?.isOffline === false ? <Add /> : <AddHere />}
        <DiskSpace />
        <Offline />
      </div>
    </div>
  )
}

/** What most people look for: those that can be talked to before those for one task. */
function chatFirst(models: readonly ModelSummary[]): ModelSummary[] {
  const isChat = new Set(chatModels.value)
  return models.toSorted((a, b) => Number(isChat.has(b)) - Number(isChat.has(a)))
}

function Models({ list }: { list: ModelList }) {
  const words = text.value.models
  return (
    <section aria-label={words.list}>
      {list.models.length > 0 ? (
        <ul class="model-cards">
          {chatFirst(list.models).map(model => (
            <Card key={model.id} model={model} isOffline={list.isOffline} />
          ))}
        </ul>
      ) : downloads.value.length > 0 ? null : (
        <div class="panel">
          <h3>{words.none}</h3>
          <p>
            <Ticked words={list.problem ?? ''} />
          </p>
          <p>{words.noneNext}</p>
        </div>
      )}
      <Broken errors={list.errors} />
    </section>
  )
}
