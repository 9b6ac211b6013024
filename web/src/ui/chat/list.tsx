/** The conversation, kept at its end only while the reader is there; an empty one offers examples. */
import { useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { chat, type Message, messages } from '../../state/chat.ts'
import { currentId } from '../../state/chats/desk.ts'
import { versions } from '../../state/chats/tree.ts'
import { site } from '../../state/site.ts'
import { text } from '../../text/index.ts'
import { Icon } from '../parts/icons.tsx'
import { LoadPanel, needsUser } from '../parts/loading.tsx'
import { memo } from '../parts/memo.ts'
import { editing } from './act.ts'
import { MessageView } from './message.tsx'
import { type Near, useNear } from './near.ts'
import { sought } from './seek.ts'

/** Reading on to within this distance of the end follows the answer again. */
const NEAR_END_PX = 32
/** A wheel, a finger or a key scrolls for so long. */
const READER_MS = 400

export function ConversationView({ onExample }: { onExample: (prompt: string) => void }) {
  const scroller = useRef<HTMLDivElement>(null)
  const column = useRef<HTMLDivElement>(null)
  const { atEnd, onScroll, onReader, toEnd } = useEnd(scroller, column)
  const isEmpty = messages.value.length === 0
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only notices that a reader scrolls
    <div
      class="scroller"
      ref={scroller}
      onScroll={onScroll}
      onWheel={onReader}
      onTouchMove={onReader}
      onKeyDown={onReader}
    >
      <div class="column" ref={column}>
        {needsUser.value ? <LoadPanel /> : null}
        {isEmpty ? <Welcome onExample={onExample} /> : <Log key={currentId.value} scroller={scroller} />}
      </div>
      {atEnd.value || isEmpty ? null : (
        <button type="button" class="to-end" onClick={toEnd}>
          <Icon name="down" />
          {text.value.chat.latest}
        </button>
      )}
    </div>
  )
}

function Log({ scroller }: { scroller: { current: HTMLDivElement | null } }) {
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

interface End {
  atEnd: { value: boolean }
  onScroll: (event: { currentTarget: HTMLDivElement }) => void
  /** On what only a reader does. */
  onReader: () => void
  toEnd: () => void
}

/** Stays at the end while text comes, until the reader scrolls up. */
function useEnd(scroller: { current: HTMLDivElement | null }, column: { current: HTMLDivElement | null }): End {
  const last = useRef({ top: 0, height: 0, readerMs: 0 })
  const atEnd = useSignal(true)
  const follow = () => {
    const box = scroller.current
    if (!box) return
    box.scrollTop = box.scrollHeight
    last.current = { ...last.current, top: box.scrollTop, height: box.scrollHeight }
  }
  const toEnd = () => {
    atEnd.value = true
    follow()
  }
  useSignalEffect(() => {
    void currentId.value // another chat is opened at its end
    last.current.top = 0
    atEnd.value = true
  })
  useSignalEffect(() => {
    if (sought.value !== null) atEnd.value = false
  })
  useSignalEffect(() => {
    if (messages.value.length === 0) scroller.current?.scrollTo({ top: 0 })
    else if (messages.value.at(-1)?.state === 'waiting') atEnd.value = true
  })
  useEffect(() => {
    const [box, content] = [scroller.current, column.current]
    if (!box || !content) return
    const observer = new ResizeObserver(() => {
      if (atEnd.peek() && messages.peek().length > 0) follow()
    })
    observer.observe(box) // the message box grows, a keyboard comes up
    observer.observe(content)
    return () => observer.disconnect()
  }, [])
  const onScroll: End['onScroll'] = ({ currentTarget }) => {
    const { scrollHeight, scrollTop, clientHeight } = currentTarget
    const toGo = scrollHeight - scrollTop - clientHeight
    // Only the reader scrolls up, and by however little: nothing may pull them down again. Where the content has changed
    // its height, the browser may have moved it.
    const { top, height, readerMs } = last.current
    const isReader = height === scrollHeight || performance.now() - readerMs < READER_MS
    const upward = isReader && scrollTop < top && toGo > 1
    last.current = { top: scrollTop, height: scrollHeight, readerMs }
    if (upward) atEnd.value = false
    else if (toGo < NEAR_END_PX) atEnd.value = true
  }
  const onReader = () => {
    last.current.readerMs = performance.now()
  }
  return { atEnd, onScroll, onReader, toEnd }
}

function Welcome({ onExample }: { onExample: (prompt: string) => void }) {
  const { title, lead, examples, list } = text.value.chat.welcome
  const own = site.value
  const prompts = own ? own.examples.chat.map(prompt => ({ title: '', prompt })) : list
  return (
    <section class="welcome" aria-labelledby="welcome-title">
      <h2 id="welcome-title">{own?.title ?? title}</h2>
      {own?.description ? <p class="site-text">{own.description}</p> : null}
      <p class="lead">
        <Icon name="lock" />
        {lead}
      </p>
      {prompts.length > 0 ? (
        <ul class="examples" aria-label={examples}>
          {prompts.map(({ title: name, prompt }) => (
            <li key={prompt}>
              <button type="button" onClick={() => onExample(prompt)}>
                {name ? <strong>{name}</strong> : null}
                <span>{prompt}</span>
              </button>
            </li>
          ))}
        </ul>
      ) : null}
    </section>
  )
}
