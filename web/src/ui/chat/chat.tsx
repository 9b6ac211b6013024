/** The conversation, kept at its end only while the reader is there; an empty one offers examples. */
import { useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { messages } from '../../state/chat.ts'
import { Icon } from '../parts/icons.tsx'
import { LoadPanel, needsUser } from '../parts/loading.tsx'
import { MessageView } from './message.tsx'

/** Reading on to within this distance of the end follows the answer again. */
const NEAR_END_PX = 32

/** Tried on the default model, greedily and with its own settings: what it does well nearly every time. */
const EXAMPLES = [
  { title: 'Explain', prompt: 'What is photosynthesis?' },
  { title: 'Rewrite', prompt: 'Rewrite in the past tense: I walk to the park and feed the ducks.' },
  { title: 'Make a list', prompt: 'List five fruits.' },
  { title: 'Write', prompt: 'Write a short story about a robot that learns to paint.' },
] as const

export function Chat({ onExample }: { onExample: (prompt: string) => void }) {
  const scroller = useRef<HTMLDivElement>(null)
  const column = useRef<HTMLDivElement>(null)
  const lastTop = useRef(0)
  const atEnd = useSignal(true)
  const toEnd = () => {
    atEnd.value = true
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight })
  }
  useSignalEffect(() => {
    if (messages.value.length === 0) scroller.current?.scrollTo({ top: 0 })
    else if (messages.value.at(-1)?.state === 'waiting') atEnd.value = true
  })
  useEffect(() => {
    const [box, content] = [scroller.current, column.current]
    if (!box || !content) return
    const observer = new ResizeObserver(() => {
      if (atEnd.peek() && messages.peek().length > 0) box.scrollTop = box.scrollHeight
    })
    observer.observe(box) // the message box grows, a keyboard comes up
    observer.observe(content)
    return () => observer.disconnect()
  }, [])
  const isEmpty = messages.value.length === 0
  return (
    <div
      class="scroller"
      ref={scroller}
      onScroll={event => {
        const { scrollHeight, scrollTop, clientHeight } = event.currentTarget
        const toGo = scrollHeight - scrollTop - clientHeight
        // Only the reader scrolls up, and by however little: nothing may pull them down again.
        const upward = scrollTop < lastTop.current && toGo > 1
        lastTop.current = scrollTop
        if (upward) atEnd.value = false
        else if (toGo < NEAR_END_PX) atEnd.value = true
      }}
    >
      <div class="column" ref={column}>
        {needsUser.value ? <LoadPanel /> : null}
        {isEmpty ? <Welcome onExample={onExample} /> : null}
        {isEmpty ? null : (
          // A log by its role, silent by choice: the live region of the page announces answers once they are finished.
          <div role="log" aria-label="Chat" aria-live="off">
            <ol class="messages" aria-label="Conversation">
              {messages.value.map((message, index) => (
                <MessageView key={message.id} message={message} isLast={index === messages.value.length - 1} />
              ))}
            </ol>
          </div>
        )}
      </div>
      {atEnd.value || isEmpty ? null : (
        <button type="button" class="to-end" onClick={toEnd}>
          <Icon name="down" />
          Latest
        </button>
      )}
    </div>
  )
}

function Welcome({ onExample }: { onExample: (prompt: string) => void }) {
  return (
    <section class="welcome" aria-labelledby="welcome-title">
      <h2 id="welcome-title">A language model, on your own machine</h2>
      <p class="lead">
        <Icon name="lock" />
        Nothing you type leaves this device.
      </p>
      <ul class="examples" aria-label="Examples">
        {EXAMPLES.map(({ title, prompt }) => (
          <li key={title}>
            <button type="button" onClick={() => onExample(prompt)}>
              <strong>{title}</strong>
              <span>{prompt}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
