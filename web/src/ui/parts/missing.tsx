/** In the place of a part of the page that did not come, or broke: what it is, and what to do. */
import { text } from '../../text/index.ts'
import { Icon } from './icons.tsx'

/** @param detail why, where that is known */
export function MissingPart({ name, detail = '' }: { name: string; detail?: string }) {
  const { pageFailed, pageFailedNext, reload } = text.value.shell
  return (
    <section class="page-status panel" role="alert">
      <h2 class="bad-title">
        <Icon name="alert" />
        {pageFailed(name)}
      </h2>
      <p>{detail || pageFailedNext}</p>
      <button type="button" class="primary" onClick={() => location.reload()}>
        {reload}
      </button>
    </section>
  )
}
