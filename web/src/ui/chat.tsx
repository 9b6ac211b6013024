/** The conversation, kept at its end only while the reader is there; an empty one offers examples. */
import { useSignal, useSignalEffect } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { messages } from '../state/chat.ts'
import { loadState } from '../state/engine.ts'
import { Icon } from './icons.tsx'
import { LoadPanel } from './loading.tsx'
import { MessageView } from './message.tsx'

const NEAR_END_PX = 80

const EXAMPLES = [
  { title: 'Ask a fact', prompt: 'What is the capital of France?' },
  { title: 'Make a list', prompt: 'Give me five ideas for a quick healthy breakfast.' },
  { title: 'Explain', prompt: 'Explain in two sentences why the sky is blue.' },
  { title: 'Write', prompt: 'Write a short, friendly e-mail that thanks a colleague for her help.' },
] as const

export function Chat({ onExample }: { onExample: (prompt: string) => void }) {
  const scroller = useRef<HTMLDivElement>(null)
  const atEnd = useSignal(true)
  const toEnd = () => {
    const box = scroller.current
    if (box) box.scrollTop = box.scrollHeight
  }
  useSignalEffect(() => {
    const count = messages.value.length
    if (messages.value[count - 2]?.role === 'user' && messages.value[count - 1]?.state === 'waiting') atEnd.value = true
    if (atEnd.peek()) requestAnimationFrame(toEnd)
  })
  // Progress may stand below; what the user must act on comes first.
  const needsUser = !['starting', 'loading', 'ready'].includes(loadState.value.status)
  const isEmpty = messages.value.length === 0
  return (
    <div
      class="scroller"
      ref={scroller}
      onScroll={event => {
        const { scrollHeight, scrollTop, clientHeight } = event.currentTarget
        atEnd.value = scrollHeight - scrollTop - clientHeight < NEAR_END_PX
      }}
    >
      <div class="column">
        {needsUser ? <LoadPanel /> : null}
        {isEmpty ? <Welcome onExample={onExample} /> : null}
        <ol class="messages" aria-label="Conversation">
          {messages.value.map((message, index) => (
            <MessageView key={message.id} message={message} isLast={index === messages.value.length - 1} />
          ))}
        </ol>
        {needsUser ? null : <LoadPanel />}
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
