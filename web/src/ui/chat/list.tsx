/**
 * The conversation, kept at its end only while the reader is there; an empty one offers examples. What draws messages comes
 * after the first picture of the page: reading and cleaning Markdown is the larger half of its code.
 */
import { useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { messages } from '../../state/chat.ts'
import { currentId } from '../../state/chats/desk.ts'
import { route } from '../../state/route.ts'
import { site } from '../../state/site.ts'
import { text } from '../../text/index.ts'
import { Icon } from '../parts/icons.tsx'
import { Late } from '../parts/late.ts'
import { LoadPanel, needsUser } from '../parts/loading.tsx'
import { MissingPart } from '../parts/missing.tsx'
import { sought } from './seek.ts'

/** Reading on to within this distance of the end follows the answer again. */
const NEAR_END_PX = 32
/** A wheel, a finger or a key scrolls for so long. */
const READER_MS = 400

const log = new Late(async () => (await import('./log.tsx')).Log)

export function ConversationView({ onExample }: { onExample: (prompt: string) => void }) {
  const scroller = useRef<HTMLDivElement>(null)
  const column = useRef<HTMLDivElement>(null)
  const { atEnd, onScroll, onReader, toEnd } = useEnd(scroller, column)
  const isOpening = currentId.value === '' && route.value.rest !== '' // a chat that the address names is being read
  const isEmpty = messages.value.length === 0 && !isOpening
  useEffect(() => log.ask(), [])
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
        {isEmpty ? <Welcome onExample={onExample} /> : isOpening ? null : <Messages scroller={scroller} />}
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

function Messages({ scroller }: { scroller: { current: HTMLDivElement | null } }) {
  const Log = log.component.value
  if (Log) return <Log key={currentId.value} scroller={scroller} />
  return log.isMissing.value ? <MissingPart name={text.value.chat.conversation} /> : null
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
  const wasEmpty = useRef(true) // scrolling has the page laid out at once, and the first picture is not yet there
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
    const isEmpty = messages.value.length === 0
    if (isEmpty && !wasEmpty.current) scroller.current?.scrollTo({ top: 0 })
    else if (messages.value.at(-1)?.state === 'waiting') atEnd.value = true
    wasEmpty.current = isEmpty
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
