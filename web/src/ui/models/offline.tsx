/** Whether the page opens without its server; installing it as an app. */
import { install, installPrompt, offlineState } from '../../state/offline.ts'
import { text } from '../../text/index.ts'

export function Offline() {
  const words = text.value.models
  return (
    <section class="panel" aria-label={words.offline}>
      <h3>{words.offline}</h3>
      <p>{words.offlineStates[offlineState.value]}</p>
      {installPrompt.value ? (
        <div class="panel-row start">
          <button type="button" class="secondary" onClick={() => void install()}>
            {words.install}
          </button>
        </div>
      ) : null}
    </section>
  )
}
