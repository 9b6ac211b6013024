/** What the user taught: dictionary, dismissed corrections, kinds that are never shown; and the names that the text taught. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import {
  addWord,
  again,
  removeWord,
  grammar as settings,
  taughtAsJson,
  undismiss,
} from '../../../state/grammar/settings.ts'
import { dismissalKey } from '../../../tasks/grammar/shown.ts'
import { KINDS } from '../../../tasks/grammar/types.ts'
import { language, text } from '../../../text/index.ts'
import { saveFile } from '../../parts/files.ts'
import { Icon } from '../../parts/icons.tsx'
import type { GrammarDesk } from './desk.ts'

export function Taught({ desk }: { desk: GrammarDesk }) {
  const { taught } = text.value.grammar
  const { dictionary, dismissed, never } = settings.value
  const names = desk.checker.names.value
  const number = (count: number) => count.toLocaleString(language.value)
  return (
    <section class="marks-taught" aria-label={taught.title}>
      <h4>{taught.title}</h4>
      <details>
        <summary>{taught.dictionary(number(dictionary.length))}</summary>
        <NewWord />
        {dictionary.length === 0 ? <p class="small">{taught.noWords}</p> : null}
        <Entries>
          {[...dictionary].sort().map(word => (
            <Entry key={word} name={taught.removeWord(word)} act={() => removeWord(word)}>
              {word}
            </Entry>
          ))}
        </Entries>
      </details>
      {names.length === 0 ? null : (
        <details>
          <summary>{taught.names(number(names.length))}</summary>
          <p class="small">{taught.namesHint}</p>
          <p>{names.join(', ')}</p>
        </details>
      )}
      <details>
        <summary>{taught.dismissed(number(dismissed.length))}</summary>
        {dismissed.length === 0 ? <p class="small">{taught.noDismissed}</p> : null}
        <Entries>
          {dismissed.toReversed().map(one => (
            <Entry key={dismissalKey(one)} name={taught.undismiss(one.original)} act={() => undismiss(one)}>
              {one.before} <del>{one.original}</del> → <ins>{one.replacement}</ins> {one.after}
            </Entry>
          ))}
        </Entries>
      </details>
      <details>
        <summary>{taught.never(number(never.length))}</summary>
        {never.length === 0 ? <p class="small">{taught.noNever}</p> : null}
        <Entries>
          {never.map(key => (
            <Entry key={key} name={taught.again(nameOfKind(key))} act={() => again(key)}>
              {nameOfKind(key)}
            </Entry>
          ))}
        </Entries>
      </details>
      <button
        type="button"
        class="quiet"
        onClick={() => saveFile('corrections.json', taughtAsJson(), 'application/json')}
      >
        {taught.save}
      </button>
    </section>
  )
}

function NewWord() {
  const { taught } = text.value.grammar
  const draft = useSignal('')
  return (
    <form
      class="marks-new"
      onSubmit={event => {
        event.preventDefault()
        addWord(draft.value.trim())
        draft.value = ''
      }}
    >
      <input
        aria-label={taught.addLabel}
        placeholder={taught.addLabel}
        value={draft}
        maxLength={64}
        onInput={event => {
          draft.value = event.currentTarget.value
        }}
      />
      <button type="submit" class="secondary">
        {taught.add}
      </button>
    </form>
  )
}

function Entries({ children }: { children: ComponentChildren }) {
  return <ul class="write-phrases">{children}</ul>
}

function Entry({ name, act, children }: { name: string; act: () => void; children: ComponentChildren }) {
  return (
    <li>
      <span>{children}</span>
      <button type="button" class="tool" aria-label={name} title={name} onClick={act}>
        <Icon name="trash" />
      </button>
    </li>
  )
}

/** `kind:spelling` and `rule:AnA` for people. */
function nameOfKind(key: string): string {
  const { grammar } = text.value
  const kind = KINDS.find(one => key === `kind:${one}`)
  return kind ? grammar.kinds[kind] : grammar.rule(key.replace(/^rule:/, ''))
}
