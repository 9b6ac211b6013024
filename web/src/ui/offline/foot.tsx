/** The page's last line: how many requests it made since the model was ready; opens their list and the proof. */
import { useSignal } from '@preact/signals'
import { loadState } from '../../state/engine.ts'
import { sinceLoad } from '../../state/requests.ts'
import { text } from '../../text/index.ts'
import { SiteLine } from '../site/about.tsx'
import { Requests } from './requests.tsx'

export function Foot() {
  const words = text.value.models
  const open = useSignal(false)
  const made = sinceLoad.value
  const isLoading = ['starting', 'loading'].includes(loadState.value.status)
  return (
    <footer class="foot">
      <SiteLine />
      <button
        type="button"
        class="quiet"
        aria-haspopup="dialog"
        onClick={() => {
          open.value = true
        }}
      >
        {made ? words.requests(made.length) : isLoading ? words.requestsLoading : words.requestsTitle}
      </button>
      <Requests open={open} />
    </footer>
  )
}
