/** Texts that a site's author offers to begin with, while there is none. */
import { hasTask, site } from '../../state/site.ts'
import { text } from '../../text/index.ts'
import type { Workplace } from './workplace.ts'

/** For the model, which corrects English in whatever language the page speaks. */
const WITH_MISTAKES = 'She have went to the market yesterday, and she buyed two apple.'

export function SiteOpenings({ work }: { work: Workplace }) {
  if (!site.value) return null
  const own = site.value.examples.write
  const offered = own.length === 0 && hasTask('grammar') ? [WITH_MISTAKES] : own
  if (offered.length === 0 || work.counts.value.characters > 0) return null
  return (
    <ul class="examples write-openings" aria-label={text.value.site.openings}>
      {offered.map(opening => (
        <li key={opening}>
          <button type="button" onClick={() => begin(work, opening)}>
            <span>{opening}</span>
          </button>
        </li>
      ))}
    </ul>
  )
}

function begin({ editor }: Workplace, opening: string): void {
  editor?.view.dispatch({
    changes: { from: 0, to: editor.view.state.doc.length, insert: opening },
    selection: { anchor: editor.view.state.toText(opening).length },
    userEvent: 'input.paste',
  })
  editor?.focus()
}
