/** Where things are kept: said once, with what can be done about it. Folded up until somebody wants to know. */
import { useSignal } from '@preact/signals'
import { announcement } from '../../state/announce.ts'
import { inWords } from '../../state/in-words.ts'
import { modelList } from '../../state/models.ts'
import { text } from '../../text/index.ts'
import { Late } from '../parts/late.ts'
import { MissingPart } from '../parts/missing.tsx'
import '../css/data.css'

/** Does it, and says what went wrong where it does. */
export type Attempt = (act: () => Promise<unknown>) => Promise<void>

/** Without our server nobody needs it. */
const folder = new Late(async () => (await import('./data-folder.tsx')).Folder)

export function DataSection() {
  const words = text.value.data
  const isOpen = useSignal(false)
  const failure = useSignal('')
  const attempt: Attempt = async act => {
    failure.value = ''
    try {
      await act()
    } catch (error) {
      failure.value = inWords(error)
      announcement.value = failure.value
    }
  }
  const hasServer = modelList.value?.records === true
  const Folder = folder.component.value
  return (
    <details
      class="data-kept"
      onToggle={event => {
        isOpen.value = event.currentTarget.open
        if (isOpen.value && hasServer) folder.ask()
      }}
    >
      <summary>{words.title}</summary>
      <div class="data-body">
        <p class="small">{hasServer ? words.lead : words.browserOnly}</p>
        {Folder && isOpen.value ? <Folder attempt={attempt} /> : null}
        {folder.isMissing.value ? <MissingPart name={words.title} /> : null}
        {failure.value ? (
          <p class="small bad" role="alert">
            {words.failed}: {failure.value}
          </p>
        ) : null}
      </div>
    </details>
  )
}
