/** One message: a question as it was typed, an answer as Markdown with what happened under it. */
import type { Stats, StopReason } from '../engine/api.ts'
import type { Message } from '../state/chat.ts'
import { loadState } from '../state/engine.ts'
import { useActors } from './context.ts'
import { CopyButton } from './copy.tsx'
import { duration, plural } from './format.ts'
import { Icon } from './icons.tsx'
import { Markdown } from './markdown.tsx'

/** Only ends that a reader would not expect are named. */
const ENDS: Readonly<Record<StopReason, string | null>> = {
  'end-of-turn': null,
  'stop-string': 'ended at a stop text',
  'max-tokens': 'cut off at the answer’s maximum length',
  'context-full': 'cut off: the model’s context is full, start a new chat',
  cancelled: null,
  error: null,
}

export function MessageView({ message, isLast }: { message: Message; isLast: boolean }) {
  if (message.role === 'user') {
    return (
      <li class="message user">
        <h3 class="visually-hidden">You</h3>
        <div class="bubble">{message.content}</div>
      </li>
    )
  }
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
    const ready = loadState.value.status === 'ready'
    return (
      <p class="pending">
        <span class="dots" aria-hidden="true" />
        {ready ? 'Reading your message…' : 'Waiting for the model; your message is sent when it is ready.'}
      </p>
    )
  }
  return (
    <>
      {content ? <Markdown text={content} /> : null}
      {state === 'stopped' ? <p class="small">{content ? 'Stopped here.' : 'Stopped before the first word.'}</p> : null}
      {state === 'failed' ? (
        <p class="inline-error" role="alert">
          <Icon name="alert" />
          {message.error}
        </p>
      ) : null}
    </>
  )
}

function Footer({ message, isLast }: { message: Message; isLast: boolean }) {
  const { conversation } = useActors()
  const end = message.stats ? ENDS[message.stats.stopReason] : null
  return (
    <div class="message-footer">
      <div class="actions">
        {message.content ? <CopyButton text={message.content} label="Copy" /> : null}
        {isLast ? (
          <button type="button" class="quiet" onClick={() => conversation.regenerate()}>
            <Icon name="again" />
            <span>{message.state === 'failed' ? 'Try again' : 'Regenerate'}</span>
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
