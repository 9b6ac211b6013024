/** Before a site's large download: what it takes, once, and the button that starts it. */
import type { ModelSummary } from '../../state/models.ts'
import type { Cost } from '../../state/site-models.ts'
import { text } from '../../text/index.ts'
import { bytes } from '../parts/format.ts'

export function CostPanel({ model, cost, onStart }: { model: ModelSummary; cost: Cost; onStart: () => void }) {
  const words = text.value.site
  const size = bytes(cost.bytes)
  const isRest = cost.bytes < cost.totalBytes
  return (
    <>
      <h2>{words.needs(model.name)}</h2>
      <p>{isRest ? words.rest(size, bytes(cost.totalBytes)) : words.once(size)}</p>
      <button type="button" class="primary" onClick={onStart}>
        {isRest ? words.goOn(size) : words.start(size)}
      </button>
    </>
  )
}
