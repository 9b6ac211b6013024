/** Which key does what: change one, see which two do not go together, back to the defaults. */
import { type Signal, useSignal } from '@preact/signals'
import { announcement } from '../../state/announce.ts'
import {
  bindingOf,
  conflictOf,
  DEFAULT_KEYS,
  KEY_ACTIONS,
  type KeyAction,
  shownKey,
} from '../../state/suggestions/keys.ts'
import { changeWriting, writing } from '../../state/suggestions/settings.ts'
import { text } from '../../text/index.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Icon } from '../parts/icons.tsx'
import { lettered } from '../parts/keys.ts'
import { IS_MAC } from './status.tsx'

export function KeysDialog({ open }: { open: Signal<boolean> }) {
  const { keys: words } = text.value.suggest
  const waiting = useSignal<KeyAction | null>(null)
  return (
    <Dialog open={open} title={words.title} closeLabel={words.close}>
      <p class="small">{words.lead}</p>
      <ul class="write-keys">
        {KEY_ACTIONS.map(action => (
          <Row key={action} action={action} waiting={waiting} />
        ))}
      </ul>
      <div class="panel-row">
        <button type="button" class="secondary" onClick={() => changeWriting({ keys: DEFAULT_KEYS })}>
          {words.reset}
        </button>
      </div>
    </Dialog>
  )
}

function Row({ action, waiting }: { action: KeyAction; waiting: Signal<KeyAction | null> }) {
  const { keys: words } = text.value.suggest
  const { keys } = writing.value
  const isWaiting = waiting.value === action
  return (
    <li>
      <span>{words.actions[action]}</span>
      <span class="write-keycaps">
        {keys[action].map((key, index) => (
          <span key={key}>
            {index > 0 ? ` ${words.or} ` : ''}
            <kbd>{lettered(shownKey(key, IS_MAC))}</kbd>
          </span>
        ))}
      </span>
      <button
        type="button"
        class="secondary"
        aria-label={words.change(words.actions[action])}
        onClick={() => {
          waiting.value = action
        }}
        onBlur={() => {
          waiting.value = null
        }}
        onKeyDown={event => {
          if (isWaiting) learn(event, action, waiting)
        }}
      >
        {isWaiting ? words.press : words.changeShort}
      </button>
      <Conflict action={action} />
    </li>
  )
}

/** Every key belongs to the question while it is asked; a plain Esc takes the question back, but for dismissing. */
function learn(event: KeyboardEvent, action: KeyAction, waiting: Signal<KeyAction | null>): void {
  event.preventDefault()
  event.stopPropagation()
  const isPlain = !event.ctrlKey && !event.altKey && !event.metaKey && !event.shiftKey
  if (event.key === 'Escape' && isPlain && action !== 'dismiss') {
    waiting.value = null
    return
  }
  const binding = bindingOf(event, IS_MAC)
  if (binding) {
    changeWriting({ keys: { ...writing.peek().keys, [action]: [binding] } })
    waiting.value = null
  } else if (event.key.length === 1) announcement.value = text.peek().suggest.keys.refused
}

function Conflict({ action }: { action: KeyAction }) {
  const { keys: words } = text.value.suggest
  const { keys } = writing.value
  const found = keys[action].map(key => conflictOf(action, key, keys, IS_MAC)).find(conflict => conflict !== null)
  if (!found) return null
  const other = 'action' in found ? words.actions[found.action] : words.editorKeys[found.editor]
  return (
    <p class="write-conflict" role="alert">
      <Icon name="alert" />
      {words.conflict(other)}
    </p>
  )
}
