/** What a site's visitor meets before the first word: what this page does, and the download that it needs. */
import type { LoadProgress } from '../../engine/api.ts'
import { loadState } from '../../state/engine.ts'
import type { Helpers } from '../../state/grammar/helpers.ts'
import { hasTask, site } from '../../state/site.ts'
import { text } from '../../text/index.ts'
import { restFocus } from '../parts/focus.ts'
import { LoadPanel, needsUser, Progress } from '../parts/loading.tsx'
import { CostPanel } from '../site/cost.tsx'
import type { Workplace } from './workplace.ts'

export function SiteStart({ work }: { work: Workplace }) {
  if (!site.value) return null
  const state = loadState.value
  const isComing = state.status === 'loading' && isDownload(state.progress)
  return (
    <div class="write-start">
      {work.counts.value.characters === 0 ? <Lead /> : null}
      {hasTask('autocomplete') && (needsUser.value || isComing) ? <LoadPanel /> : null}
      {hasTask('grammar') ? <GrammarModel helpers={work.grammar.checker.helpers} /> : null}
    </div>
  )
}

function Lead() {
  const { corrects, suggests } = text.value.site
  return (
    <>
      <h2>{site.value?.title}</h2>
      {site.value?.description ? <p class="site-text">{site.value.description}</p> : null}
      <p>{[hasTask('grammar') ? corrects : '', hasTask('autocomplete') ? suggests : ''].join(' ').trim()}</p>
    </>
  )
}

/** What is loaded from the private disk is there before anybody has read that it comes. */
function isDownload(progress: LoadProgress | null): boolean {
  return progress?.phase === 'download' && progress.totalBytes > 0
}

function GrammarModel({ helpers }: { helpers: Helpers }) {
  const state = helpers.model.value
  const act = (what: 'agree' | 'cancel') => () => {
    helpers[what]()
    restFocus()
  }
  const isComing = state.status === 'loading' && isDownload(state.progress)
  if (state.status !== 'costs' && !isComing) return null
  return (
    <section class={isComing ? 'panel slim' : 'panel'} aria-label={text.value.loading.label}>
      {state.status === 'costs' ? (
        <CostPanel model={state.model} cost={state.cost} onStart={act('agree')} />
      ) : (
        <Progress progress={state.progress} onCancel={act('cancel')} />
      )}
    </section>
  )
}
