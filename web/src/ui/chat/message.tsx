/** One message: a question as it was typed, an answer as Markdown, what happened under it, and what can be done with it. */
import { type Message, shape } from '../../state/chat.ts'
import { loadState } from '../../state/engine.ts'
import { text } from '../../text/index.ts'
import { AnswerTokens } from '../insight/answer-tokens.tsx'
import { Figures } from '../insight/figures.tsx'
import { magnified } from '../insight/magnified.ts'
import { ShapedAnswer } from '../insight/shaped.tsx'
import { useActors } from '../parts/context.ts'
import { CopyButton } from '../parts/copy.tsx'
import { OFFERS, troubleOf } from '../parts/errors.ts'
import { restFocus } from '../parts/focus.ts'
import { Icon } from '../parts/icons.tsx'
import { lettered } from '../parts/keys.ts'
import { Markdown } from '../parts/markdown.tsx'
import { memo } from '../parts/memo.ts'
import { actionsOf, editing, plain, turn } from './act.ts'
import { SourcesRead } from './attachments.tsx'
import { Editor } from './edit.tsx'

export interface MessageProps {
  message: Message
  /** Which of how many versions it is, from 1. */
  at: number
  of: number
}

/** While an answer streams, every other message is left alone. */
export const MessageView = memo(
  (props: MessageProps) => <Content {...props} />,
  (before, after) => before.message === after.message && before.at === after.at && before.of === after.of,
)

function Content(props: MessageProps) {
  const { message } = props
  const { you, answer } = text.value.chat
  const isOpen = message.state === 'writing' || message.state === 'waiting'
  return (
    <>
      <h3 class="visually-hidden">{message.role === 'user' ? you : answer}</h3>
      {editing.value === message.id ? <Editor message={message} /> : <Body message={message} />}
      {isOpen || editing.value === message.id ? null : <Footer {...props} />}
    </>
  )
}

function Body({ message }: { message: Message }) {
  return message.role === 'user' ? <Question message={message} /> : <Answer message={message} />
}

function Question({ message }: { message: Message }) {
  const { attached } = text.value.chat
  return (
    <div class="bubble">
      {message.attachments?.length ? (
        <ul class="attachments" aria-label={attached}>
          {message.attachments.map(({ id, name }) => (
            <li key={id}>{name}</li>
          ))}
        </ul>
      ) : null}
      {message.content}
    </div>
  )
}

function Answer({ message }: { message: Message }) {
  const { state, content, interrupted } = message
  const words = text.value.chat
  if (!content && (state === 'waiting' || state === 'writing')) {
    return <Pending words={words.waiting[state === 'writing' ? 'ready' : loadState.value.status]} />
  }
  const stopped = interrupted ? words.interrupted : content ? words.stoppedHere : words.stoppedEarly
  return (
    <>
      {content ? <Written message={message} /> : null}
      <SourcesRead message={message} />
      {content && state === 'waiting' ? <Pending words={words.goingOn} /> : null}
      {state === 'stopped' ? <p class="small">{stopped}</p> : null}
      {state === 'failed' ? <Failure message={message} /> : null}
    </>
  )
}

/** Its tokens, its plain text, the JSON that was asked for, or the Markdown that models write. */
function Written({ message }: { message: Message }) {
  const { id, content, origin, state, edited } = message
  const format = origin?.settings.format
  if (magnified.value.has(id)) return <AnswerTokens message={message} />
  if (plain.value.has(id)) return <pre class="raw">{content}</pre>
  if (format && format.type !== 'text' && !edited)
    return <ShapedAnswer content={content} format={format} isFinished={state !== 'writing' && state !== 'waiting'} />
  return <Markdown text={content} />
}

function Pending({ words }: { words: string }) {
  return (
    <p class="pending">
      <span class="dots" aria-hidden="true" />
      {words}
    </p>
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

function Footer({ message, at, of }: MessageProps) {
  const { stats, edited } = message
  const { dropped, edited: editedText } = text.value.chat
  const end = endOf(message)
  return (
    <div class="message-footer">
      <Actions message={message} at={at} of={of} />
      {edited ? <p class="small">{editedText}</p> : null}
      {end ? <p class="small end">{end}</p> : null}
      {stats && stats.droppedMessages > 0 ? <p class="small end">{dropped(stats.droppedMessages)}</p> : null}
      {stats && stats.outputTokens > 0 ? <Figures stats={stats} origin={message.origin ?? null} /> : null}
    </div>
  )
}

/** Only ends that a reader would not expect are named. */
function endOf({ stats, state }: Message): string | null {
  const ends: Readonly<Partial<Record<string, string>>> = text.value.chat.ends
  return stats && state === 'done' ? (ends[stats.stopReason] ?? null) : null
}

function Actions({ message, at, of }: MessageProps) {
  const { conversation } = useActors()
  return (
    <div class="actions">
      {of > 1 ? <Versions message={message} at={at} of={of} /> : null}
      {actionsOf(message, conversation).map(({ name, key, icon, label, isPressed, act }) =>
        name === 'copy' ? (
          <CopyButton key={name} text={message.content} label={label} />
        ) : name === 'goOn' ? (
          <button
            key={name}
            type="button"
            class="quiet named go-on"
            title={`${label} (${key.toUpperCase()})`}
            onClick={() => void act()}
          >
            <Icon name={icon} />
            <span>{label}</span>
          </button>
        ) : (
          <button
            key={name}
            type="button"
            class="quiet"
            aria-label={label}
            aria-pressed={isPressed}
            data-tip={`${label} (${key.length === 1 ? key.toUpperCase() : lettered(key)})`}
            onClick={() => void act()}
          >
            <Icon name={icon} />
          </button>
        ),
      )}
      <OnCpu message={message} />
    </div>
  )
}

function Versions({ message, at, of }: MessageProps) {
  const { conversation } = useActors()
  const { version, previousVersion, nextVersion } = text.value.chat
  return (
    // biome-ignore lint/a11y/useSemanticElements: two buttons and a count are no form
    <div class="versions" role="group" aria-label={version(at, of)}>
      <button
        type="button"
        class="quiet"
        aria-label={previousVersion}
        data-tip={`${previousVersion} (←)`}
        disabled={at === 1}
        onClick={() => turn(message.id, -1, conversation)}
      >
        <Icon name="left" />
      </button>
      <span aria-hidden="true">
        {at}/{of}
      </span>
      <button
        type="button"
        class="quiet"
        aria-label={nextVersion}
        data-tip={`${nextVersion} (→)`}
        disabled={at === of}
        onClick={() => turn(message.id, 1, conversation)}
      >
        <Icon name="right" />
      </button>
    </div>
  )
}

/** The way out where the GPU could not do it. */
function OnCpu({ message }: { message: Message }) {
  const { conversation, loader } = useActors()
  const { code, origin, id } = message
  if (code === undefined || !OFFERS[code].includes('cpu') || origin?.device !== 'webgpu') return null
  if (shape.value.get(id)) return null
  return (
    <button
      type="button"
      class="quiet named"
      onClick={() => {
        void loader.useCpu()
        conversation.regenerate(id)
        restFocus()
      }}
    >
      <Icon name="chip" />
      <span>{text.value.chat.actions.useCpu}</span>
    </button>
  )
}
