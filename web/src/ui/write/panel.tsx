/** Suggestions: on or off, how eager and how long, what for, phrases, Tab, statistics. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { announcement } from '../../state/announce.ts'
import { changeWriting, type SuggestionLength, writing } from '../../state/suggestions/settings.ts'
import { language, text } from '../../text/index.ts'
import { Icon } from '../parts/icons.tsx'
import type { Openings } from './bar.tsx'
import { Eagerness } from './eagerness.tsx'
import { Statistics } from './statistics.tsx'
import { SuggestionState } from './status.tsx'
import type { Workplace } from './workplace.ts'

const NOTE_AFTER_MS = 600
const LENGTHS: readonly SuggestionLength[] = [1, 4, 'sentence']

export function SuggestionPanel({ work, open }: { work: Workplace; open: Openings }) {
  const { suggest } = text.value
  const { keys, trial } = { keys: suggest.keys.title, trial: text.value.trial.title }
  return (
    <>
      <h3>{suggest.title}</h3>
      <Switch work={work} />
      <Eagerness work={work} />
      <Length />
      <Note />
      <Memory work={work} />
      <TabKey />
      <Statistics work={work} />
      <div class="panel-row start">
        <button type="button" class="secondary" onClick={() => (open.keys.value = true)}>
          {keys}
        </button>
        <button type="button" class="secondary" onClick={() => (open.trial.value = true)}>
          {trial}
        </button>
      </div>
    </>
  )
}

function Switch({ work }: { work: Workplace }) {
  const { suggest } = text.value
  const { assistant } = work
  const until = new Intl.DateTimeFormat(language.value, { timeStyle: 'short' }).format(writing.value.pausedUntil)
  return (
    <div class="field">
      <label class="write-check">
        <input type="checkbox" checked={writing.value.enabled} onChange={() => assistant.toggle()} />
        {suggest.on}
      </label>
      {writing.value.enabled ? (
        <div class="panel-row">
          <span class="small">
            {assistant.isPaused.value ? suggest.pausedUntil(until) : <SuggestionState work={work} />}
          </span>
          <button
            type="button"
            class="quiet"
            onClick={() => (assistant.isPaused.value ? changeWriting({ pausedUntil: 0 }) : assistant.pause())}
          >
            {assistant.isPaused.value ? suggest.resume : suggest.pause}
          </button>
        </div>
      ) : null}
    </div>
  )
}

function Length() {
  const { length } = text.value.suggest
  return (
    <fieldset class="field">
      <legend>{length.title}</legend>
      <div class="choices">
        {LENGTHS.map(choice => (
          <label key={choice}>
            <input
              type="radio"
              name="suggestion-length"
              checked={writing.value.length === choice}
              onChange={() => changeWriting({ length: choice })}
            />
            {length[choice]}
          </label>
        ))}
      </div>
    </fieldset>
  )
}

/** Taken over when the user rests: each change of it makes the model read the text anew. */
function Note() {
  const { note } = text.value.suggest
  const draft = useSignal(writing.peek().note)
  const current = draft.value
  useEffect(() => {
    if (current === writing.peek().note) return
    const timer = setTimeout(() => changeWriting({ note: current }), NOTE_AFTER_MS)
    return () => clearTimeout(timer)
  }, [current])
  return (
    <div class="field">
      <label for="write-note">{note.title}</label>
      <textarea
        id="write-note"
        rows={2}
        maxLength={200}
        value={draft}
        placeholder={note.placeholder}
        aria-describedby="write-note-hint"
        onInput={event => {
          draft.value = event.currentTarget.value
        }}
      />
      <p class="small" id="write-note-hint">
        {note.hint}
      </p>
    </div>
  )
}

function Memory({ work: { assistant } }: { work: Workplace }) {
  const { memory } = text.value.suggest
  const { phrases } = assistant
  const number = (count: number) => count.toLocaleString(language.value)
  return (
    <fieldset class="field">
      <legend>{memory.title}</legend>
      <label class="write-check">
        <input
          type="checkbox"
          checked={writing.value.remembers}
          onChange={event => changeWriting({ remembers: event.currentTarget.checked })}
        />
        {memory.on}
      </label>
      <p class="small">{memory.hint}</p>
      {writing.value.remembers && phrases.length === 0 ? <p class="small">{memory.none}</p> : null}
      {phrases.length === 0 ? null : (
        <details>
          <summary>{memory.list(number(phrases.length), phrases.length === 1)}</summary>
          <ul class="write-phrases" aria-label={memory.phrases}>
            {phrases.map(phrase => (
              <li key={phrase.text}>
                <span>{phrase.text}</span>
                <span class="small">{memory.times(number(phrase.count))}</span>
                <button
                  type="button"
                  class="tool"
                  aria-label={memory.forget(phrase.text)}
                  title={memory.forget(phrase.text)}
                  onClick={() => assistant.forget(phrase.text)}
                >
                  <Icon name="trash" />
                </button>
              </li>
            ))}
          </ul>
          <button
            type="button"
            class="quiet"
            onClick={() => {
              assistant.forget(null)
              announcement.value = memory.forgotten
            }}
          >
            {memory.forgetAll}
          </button>
        </details>
      )}
    </fieldset>
  )
}

function TabKey() {
  const { behaviour } = text.value.suggest
  return (
    <fieldset class="field">
      <legend>{behaviour.title}</legend>
      <div class="choices">
        {(['all', 'word'] as const).map(unit => (
          <label key={unit}>
            <input
              type="radio"
              name="tab-accepts"
              checked={writing.value.tabAccepts === unit}
              onChange={() => changeWriting({ tabAccepts: unit })}
            />
            {behaviour[unit]}
          </label>
        ))}
      </div>
      <label class="write-check">
        <input
          type="checkbox"
          checked={writing.value.tabIndentsLists}
          onChange={event => changeWriting({ tabIndentsLists: event.currentTarget.checked })}
        />
        {behaviour.lists}
      </label>
      <p class="small">{behaviour.hint}</p>
    </fieldset>
  )
}
