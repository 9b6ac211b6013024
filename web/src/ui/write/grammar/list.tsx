/** All corrections of the text in their order, with counts and filters by kind. */
import { type Signal, useSignal } from '@preact/signals'
import type { CorrectionType } from '../../../engine/api.ts'
import type { Mark } from '../../../state/grammar/checker.ts'
import { KINDS } from '../../../tasks/grammar/types.ts'
import { language, text } from '../../../text/index.ts'
import { Icon } from '../../parts/icons.tsx'
import { WIDE } from '../bar.tsx'
import { Change } from './change.tsx'
import type { GrammarDesk } from './desk.ts'
import { spoken, widened } from './spoken.ts'

/** More are not drawn: whoever accepts these sees the next. */
const MOST = 150

export function MarkList({ desk, difference }: { desk: GrammarDesk; difference: Signal<boolean> }) {
  const { list } = text.value.grammar
  const filter = useSignal<CorrectionType | null>(null)
  const marks = desk.checker.marks.value
  const number = (count: number) => count.toLocaleString(language.value)
  if (marks.length === 0) return null
  const counts = new Map(KINDS.map(kind => [kind, marks.filter(({ finding }) => finding.kind === kind).length]))
  const chosen = filter.value !== null && counts.get(filter.value) ? filter.value : null
  const shown = chosen === null ? marks : marks.filter(({ finding }) => finding.kind === chosen)
  const more = shown.length - MOST
  return (
    <section class="marks" aria-label={list.title}>
      <h4>{list.title}</h4>
      <fieldset class="marks-filter">
        <legend class="visually-hidden">{list.filter}</legend>
        <Filter filter={filter} kind={null} isOn={chosen === null} count={number(marks.length)} />
        {KINDS.filter(kind => counts.get(kind)).map(kind => (
          <Filter key={kind} filter={filter} kind={kind} isOn={chosen === kind} count={number(counts.get(kind) ?? 0)} />
        ))}
      </fieldset>
      <ul class="marks-list" aria-label={list.title}>
        {shown.slice(0, MOST).map(mark => (
          <Row key={mark.id} desk={desk} mark={mark} />
        ))}
      </ul>
      {more > 0 ? <p class="small">{list.more(number(more))}</p> : null}
      <div class="panel-row start">
        {shown.length > 1 ? (
          <button type="button" class="secondary" onClick={() => desk.acceptAll(chosen)}>
            {chosen === null
              ? list.acceptEvery(number(marks.length))
              : list.acceptAll(text.value.grammar.kinds[chosen], number(shown.length))}
          </button>
        ) : null}
        <button
          type="button"
          class="secondary"
          onClick={() => {
            desk.close()
            difference.value = true
          }}
        >
          {list.difference}
        </button>
      </div>
    </section>
  )
}

interface FilterProps {
  filter: Signal<CorrectionType | null>
  kind: CorrectionType | null
  isOn: boolean
  count: string
}

function Filter({ filter, kind, isOn, count }: FilterProps) {
  const { grammar } = text.value
  return (
    <button
      type="button"
      class={`marks-chip${kind ? ` mark-${kind}` : ''}`}
      aria-pressed={isOn}
      onClick={() => {
        filter.value = kind
      }}
    >
      <span class="mark-sample">{kind ? grammar.kinds[kind] : grammar.list.all}</span> {count}
    </button>
  )
}

/** Where the list lies over the text, it makes room. */
function go(desk: GrammarDesk, mark: Mark): void {
  if (!matchMedia(WIDE).matches) desk.isListOpen.value = false
  desk.look(mark)
}

/** The row goes: whoever works through the list by keyboard is at the same button of the next one. */
function passFocus(button: HTMLButtonElement): void {
  const row = button.closest('li')
  const next = row?.nextElementSibling ?? row?.previousElementSibling
  const at = Array.from(row?.children ?? []).indexOf(button)
  const same = next?.children[at]
  if (same instanceof HTMLElement) same.focus()
}

function Row({ desk, mark }: { desk: GrammarDesk; mark: Mark }) {
  const { grammar } = text.value
  const shown = widened(mark)
  const said = spoken(mark, grammar)
  const kind = grammar.kinds[mark.finding.kind]
  return (
    <li aria-current={desk.checker.active.value === mark.id ? 'true' : undefined}>
      <button type="button" class="marks-go" onClick={() => go(desk, mark)}>
        <Change shown={shown} />
        <span class="small">
          {kind} · {grammar.foundBy[mark.finding.foundBy]}
        </span>
      </button>
      <button
        type="button"
        class="tool"
        aria-label={grammar.list.accept(said.original, said.replacement)}
        title={grammar.popup.accept}
        onClick={event => {
          passFocus(event.currentTarget)
          desk.accept(mark)
        }}
      >
        <Icon name="check" />
      </button>
      <button
        type="button"
        class="tool"
        aria-label={grammar.list.dismiss(said.original)}
        title={grammar.popup.dismiss}
        onClick={event => {
          passFocus(event.currentTarget)
          desk.dismiss(mark)
        }}
      >
        <Icon name="close" />
      </button>
    </li>
  )
}
