/** The messages of a conversation. */
import { chat, type Message, messages } from '../../state/chat.ts'
import { versions } from '../../state/chats/tree.ts'
import { text } from '../../text/index.ts'
import { memo } from '../parts/memo.ts'
import { editing } from './act.ts'
import { MessageView } from './message.tsx'
import { type Near, useNear } from './near.ts'
import { sought } from './seek.ts'

/** @param scroller what scrolls them */
export function Log({ scroller }: { scroller: { current: HTMLDivElement | null } }) {
  const shown = messages.value
  const near = useNear(scroller, shown)
  const words = text.value.chat
  return (
    // A log by its role, silent by choice: the live region of the page announces answers once they are finished.
    <div role="log" aria-label={words.log} aria-live="off">
      <h2 class="visually-hidden">{words.conversation}</h2>
      <ol class="messages" aria-label={words.conversation}>
        {shown.map(message => (
          <Row key={message.id} message={message} all={versions(chat.peek(), message.id)} near={near} />
        ))}
      </ol>
    </div>
  )
}

interface RowProps {
  message: Message
  /** Its versions; the same array as long as they are the same. */
  all: readonly string[]
  near: Near
}

const Row = memo<RowProps>(
  props => <Item {...props} />, // a component of its own: signals draw it again, which a memo would refuse
  (before, after) => before.message === after.message && before.all === after.all && before.near === after.near,
)

function Item({ message, all, near }: RowProps) {
  const { id, role, content, state } = message
  const isNear = near.ids.value.has(id) || editing.value === id || sought.value === id
  return (
    <li
      ref={near.watch}
      class={`message ${role}${isNear ? '' : ' far'}${sought.value === id ? ' sought' : ''}`}
      data-message={id}
      tabIndex={-1}
      aria-busy={role === 'assistant' ? state === 'writing' : undefined}
      style={isNear ? undefined : { height: `${near.heightOf(id, content)}px` }}
    >
      {isNear ? <MessageView message={message} at={all.indexOf(id) + 1} of={all.length} /> : <Far message={message} />}
    </li>
  )
}

/** A message that is out of sight, as its bare text. */
function Far({ message }: { message: Message }) {
  const { you, answer } = text.value.chat
  return (
    <>
      <h3 class="visually-hidden">{message.role === 'user' ? you : answer}</h3>
      <div class={message.role === 'user' ? 'bubble' : 'far-text'}>{message.content}</div>
    </>
  )
}
