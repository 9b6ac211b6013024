/** One message: a question as it was typed, an answer as Markdown with what happened under it. */
import type { Stats, StopReason } from '../../engine/api.ts'
import type { Message } from '../../state/chat.ts'
import { type LoadState, loadState } from '../../state/engine.ts'
import { useActors } from '../parts/context.ts'
import { CopyButton } from '../parts/copy.tsx'
import { OFFERS, troubleOf } from '../parts/errors.ts'
import { restFocus } from '../parts/focus.ts'
import { duration, plural } from '../parts/format.ts'
import { Icon } from '../parts/icons.tsx'
import { Markdown } from '../parts/markdown.tsx'
import { memo } from '../parts/memo.ts'

/** Only ends that a reader would not expect are named. */
const ENDS: Readonly<Record<StopReason, string | null>> = {
  'end-of-turn': null,
  'stop-string': 'ended at a stop text',
  'max-tokens': 'cut off at the answer’s maximum length',
  'context-full': 'cut off: the model’s context is full, start a new chat',
  cancelled: null,
  error: null,
}

/** Why a question is not answered yet. */
const WAITING: Readonly<Record<LoadState['status'], string>> = {
  starting: 'Waiting for the model; your message is sent when it is ready.',
  loading: 'Waiting for the model; your message is sent when it is ready.',
  ready: 'Reading your message…',
  paused: 'Not sent yet: loading the model was stopped. Your message is sent once the model is loaded.',
  failed: 'Not sent yet: the model is not running. Your message is sent once it is.',
  'no-model': 'Not sent yet: there is no model. Your message is sent once there is one.',
}

interface MessageProps {
  message: Message
  isLast: boolean
}

/** While an answer streams, every other message is left alone. */
export const MessageView = memo(
  ({ message, isLast }: MessageProps) =>
    message.role === 'user' ? <Question text={message.content} /> : <Reply message={message} isLast={isLast} />,
  (before, after) => before.message === after.message && before.isLast === after.isLast,
)

function Question({ text }: { text: string }) {
  return (
    <li class="message user">
      <h3 class="visually-hidden">You</h3>
      <div class="bubble">{text}</div>
    </li>
  )
}

function Reply({ message, isLast }: MessageProps) {
  return (
    <li class="message assistant" aria-busy={message.state === 'writing'}>
      <h3 class="visually-hidden">Answer</h3>
      <Answer message={message} />
      {message.state === 'writing' || message.state === 'waiting' ? null : <Footer message={message} isLast={isLast} />}
    </li>
  )
}

function Answer({ message }: { message: Message }) {
  const { state, content } = message
  if (state === 'waiting' || (state === 'writing' && !content)) {
    const status = state === 'writing' ? 'ready' : loadState.value.status
    return (
      <p class="pending">
        <span class="dots" aria-hidden="true" />
        {WAITING[status]}
      </p>
    )
  }
  return (
    <>
      {content ? <Markdown text={content} /> : null}
      {state === 'stopped' ? <p class="small">{content ? 'Stopped here.' : 'Stopped before the first word.'}</p> : null}
      {state === 'failed' ? <Failure message={message} /> : null}
    </>
  )
}

function Failure({ message }: { message: Message }) {
  const { title, next } = troubleOf(message.code ?? 'internal')
  return (
    <div class="inline-error" role="alert">
      <Icon name="alert" />
      <p>
        <strong>{title}.</strong> {message.error} {message.code === 'internal' ? null : next}
      </p>
    </div>
  )
}

function Footer({ message, isLast }: MessageProps) {
  const { conversation, loader } = useActors()
  const again = () => {
    conversation.regenerate()
    restFocus()
  }
  const onCpu = () => {
    void loader.useCpu()
    again()
  }
  const mayUseCpu = message.code !== undefined && OFFERS[message.code].includes('cpu') && message.onGpu
  const end = message.stats ? ENDS[message.stats.stopReason] : null
  return (
    <div class="message-footer">
      <div class="actions">
        {message.content ? <CopyButton text={message.content} label="Copy" /> : null}
        {isLast ? (
          <button type="button" class="quiet" onClick={again}>
            <Icon name="again" />
            <span>{message.state === 'failed' ? 'Try again' : 'Regenerate'}</span>
          </button>
        ) : null}
        {isLast && mayUseCpu ? (
          <button type="button" class="quiet" onClick={onCpu}>
            <Icon name="chip" />
            <span>Use the CPU</span>
          </button>
        ) : null}
      </div>
      {end ? <p class="small end">Answer {end}.</p> : null}
      {message.stats && message.stats.outputTokens > 0 ? <Figures stats={message.stats} by={message.by ?? ''} /> : null}
    </div>
  )
}

function Figures({ stats, by }: { stats: Stats; by: string }) {
  const { tokensPerSecond, timeToFirstTokenMs, outputTokens, promptTokens, cachedTokens } = stats
  const items = [
    tokensPerSecond > 0 ? `${tokensPerSecond.toFixed(1)} tokens/s` : null,
    `first token ${duration(timeToFirstTokenMs)}`,
    plural(outputTokens, 'token'),
    `prompt ${promptTokens.toLocaleString('en')}${cachedTokens > 0 ? ` (${cachedTokens.toLocaleString('en')} cached)` : ''}`,
    by,
  ].filter(item => item)
  return (
    <ul class="figures" aria-label="What this answer took">
      {items.map(item => (
        <li key={item}>{item}</li>
      ))}
    </ul>
  )
}
